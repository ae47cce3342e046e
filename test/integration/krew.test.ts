import {execFile} from 'node:child_process'
import {createHash} from 'node:crypto'
import {once} from 'node:events'
import {cp, mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {parse, stringify} from 'yaml'
import {archiveName, krewManifest, LICENSES, PLATFORMS} from '../../scripts/release-parts.ts'
import {kubectlPath} from '../kubernetes/kubectl.ts'
import {krewTools} from '../toolchain/krew.ts'

/** krew's index takes what its validator takes: it installs each archive, as krew on that platform would. The archives have small programs in them. */

const root = join(import.meta.dirname, '..', '..')
const run = promisify(execFile)

/** Built by Go; where there is none the tests are skipped, which fails where CI is set. */
const tools = await krewTools().catch((error: Error) => void console.error(`no krew here: ${error.message}`))

describe.runIf(tools !== undefined)("the manifest for krew's index", () => {
  let directory = ''
  let manifest: {readonly spec: {readonly platforms: readonly object[]}}
  const archives = createServer((request, response) =>
    readFile(join(directory, 'archives', request.url ?? '')).then(
      (file) => response.end(file),
      () => response.writeHead(404).end(),
    ),
  )

  const pack = async (name: string, program: string): Promise<string> => {
    const contents = join(directory, name, 'contents')
    await mkdir(contents, {recursive: true})
    await writeFile(join(contents, program), '#!/bin/sh\necho it runs\n', {mode: 0o755})
    for (const license of LICENSES) await cp(join(root, 'LICENSE'), join(contents, license))
    const archive = join(directory, 'archives', name)
    await run('tar', ['-czf', archive, '-C', contents, '.'])
    return createHash('sha256')
      .update(await readFile(archive))
      .digest('hex')
  }

  /** Exit code and words of the validator. */
  const validate = async (changed: object, name = 'dask.yaml') => {
    const file = join(directory, name)
    await writeFile(file, stringify(changed))
    const path = [tools, dirname(await kubectlPath()), process.env['PATH']].join(':')
    const call = run(join(tools ?? '', 'validate-krew-manifest'), ['-manifest', file], {env: {...process.env, PATH: path}})
    return await call.then(
      ({stderr}) => ({code: 0, said: stderr}),
      ({code, stderr}: {readonly code: number; readonly stderr: string}) => ({code, said: stderr}),
    )
  }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'krew-'))
    await mkdir(join(directory, 'archives'))
    archives.listen(0, '127.0.0.1')
    await once(archives, 'listening')
    const {version} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {readonly version: string}
    const sums = new Map<string, string>()
    for (const platform of PLATFORMS) {
      const name = archiveName(version, platform)
      sums.set(name, await pack(name, platform.os === 'windows' ? 'kubectl-dask.exe' : 'kubectl-dask'))
    }
    const plugin = parse(await readFile(join(root, 'manifests', 'krew', 'dask.yaml'), 'utf8')) as {readonly spec: object}
    const url = `http://127.0.0.1:${(archives.address() as AddressInfo).port}`
    manifest = krewManifest(plugin, {version, homepage: 'https://example.org/dask', url, sums}) as typeof manifest
  })
  afterAll(async () => {
    archives.close()
    await rm(directory, {recursive: true})
  })

  it('is taken by its validator, which installs it for all five platforms', async () => {
    const {code, said} = await validate(manifest)
    expect(said).toContain(`all ${PLATFORMS.length} spec.platforms installed fine`)
    expect(code).toBe(0)
  })

  it.each([
    ['another name', 'demo.yaml', {}, /plugin should be named/],
    ['two archives for one platform', 'dask.yaml', {twice: true}, /overlapping/],
    ['another archive than it was made for', 'dask.yaml', {sha256: 'a'.repeat(64)}, /checksum/],
  ])('and would not be with %s', async (_, name, {twice = false, ...more}: {twice?: boolean; sha256?: string}, words) => {
    const [first] = manifest.spec.platforms
    const platforms = twice ? [...manifest.spec.platforms, first] : [{...first, ...more}]
    const {code, said} = await validate({...manifest, spec: {...manifest.spec, platforms}}, name)
    expect(code).not.toBe(0)
    expect(said).toMatch(words)
  })
})
