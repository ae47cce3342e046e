/** The life of a sandbox as its user sees it: started, killed, started again, ended. */
import {execFile} from 'node:child_process'
import {once} from 'node:events'
import {mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {kubectlPath} from '../kubernetes/kubectl.ts'
import {daskEnvironment, NEWEST_DASK} from '../toolchain/pythons.ts'

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'dask-k8s.js')
const PYTHON = join(daskEnvironment(NEWEST_DASK), 'bin', 'python')
const KILLS = Number(process.env['KILLS'] ?? 10)

const call = promisify(execFile)
let directory = ''
let kubectl = ''
let mark = ''

const env = (): NodeJS.ProcessEnv => ({...process.env, XDG_STATE_HOME: directory, KUBECONFIG: join(directory, 'kubeconfig')})
const sandbox = (verb: 'up' | 'down'): Promise<unknown> =>
  call(process.execPath, [BIN, 'sandbox', verb, '--name', 'life', ...(verb === 'up' ? ['--python', PYTHON] : [])], {env: env()})
/** What a sandbox that does not start says. */
const refused = async (flags: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<string> => {
  const failure = await call(process.execPath, [BIN, 'sandbox', 'up', '--name', 'refused', ...flags], {env: {...env(), ...more}}).then(
    () => undefined,
    (error: {readonly stderr: string; readonly code: number}) => error,
  )
  expect(failure?.code).toBe(1)
  return failure?.stderr ?? ''
}
const home = (): string => join(directory, 'dask-k8s', 'sandbox', 'life')

/** Processes of the pods of this test: they carry its mark among their arguments. */
const processes = async (): Promise<number> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.startsWith('sleep\0') && line.includes(mark)).length
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'life-'))
  kubectl = await kubectlPath()
  mark = `9${process.pid}`
  const containers = [{name: 'main', image: 'any', command: ['sh', '-c', `sleep ${mark} & sleep ${mark}`]}]
  const pod = {apiVersion: 'v1', kind: 'Pod', metadata: {generateName: 'life-', namespace: 'default'}, spec: {containers}}
  await writeFile(join(directory, 'pod.json'), JSON.stringify(pod))
})

afterAll(async () => {
  await sandbox('up')
  await sandbox('down')
  await rm(directory, {recursive: true, force: true, maxRetries: 5})
})

describe('a sandbox', () => {
  it(`that was killed at any moment, ${KILLS} times, leaves no process once it has been up again`, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      await sandbox('up')
      const create = ['--context', 'dask-sandbox-life', 'create', '-f', join(directory, 'pod.json')]
      const creations = Promise.allSettled([1, 2].map(() => call(kubectl, create, {env: env()})))
      if (kill % 2 === 0) await creations
      const {pid} = JSON.parse(await readFile(join(home(), 'state.json'), 'utf8')) as {readonly pid: number}
      process.kill(pid, 'SIGKILL')
      await creations
    }
    await sandbox('up')
    await expect.poll(processes, {timeout: 20_000}).toBe(0)
  })

  it('that was killed leaves no process once it has been taken down', async () => {
    await sandbox('up')
    await call(kubectl, ['--context', 'dask-sandbox-life', 'create', '-f', join(directory, 'pod.json')], {env: env()})
    await expect.poll(processes, {timeout: 20_000}).toBe(2)
    const {pid} = JSON.parse(await readFile(join(home(), 'state.json'), 'utf8')) as {readonly pid: number}
    process.kill(pid, 'SIGKILL')
    await sandbox('down')
    await expect.poll(processes, {timeout: 5_000}).toBe(0)
  })

  it('whose state was cut off in the middle starts anew', async () => {
    await sandbox('down')
    await writeFile(join(home(), 'state.json'), '{"name": "li')
    await sandbox('up')
  })

  it('keeps its files from everybody but its owner', async () => {
    await sandbox('up')
    for (const file of ['', 'state.json', 'kubeconfig', 'port', 'sandbox.log', 'tls'])
      expect(((await stat(join(home(), file))).mode & 0o077).toString(8), file).toBe('0')
  })

  it.runIf(process.getuid?.() === 0)('says so where there is no room for its files, or no place', async () => {
    const place = join(directory, 'full')
    await mkdir(place)
    for (const [options, sentence] of [
      [
        'size=64k',
        /^error: there is no room for the sandbox's files in \S+ \(\d+ kB are free\); make room, or name another place in XDG_STATE_HOME\n$/,
      ],
      ['size=1m,ro', /^error: the sandbox's files have no place: \S+ cannot be made \(.*\); name another place in XDG_STATE_HOME\n$/],
    ] as const) {
      await call('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', place])
      try {
        expect(await refused(['--python', PYTHON], {XDG_STATE_HOME: place})).toMatch(sentence)
      } finally {
        await call('umount', [place])
      }
    }
  })

  it('says so where there is no Python that can serve, and none can be had', async () => {
    expect(await refused(['--python', '/nowhere/python'])).toBe(
      'error: there is no program "/nowhere/python"; name a Python that has dask and distributed\n',
    )
    expect(await refused(['--python', '/bin/true'])).toBe(
      'error: "/bin/true" is no Python with dask and distributed; "/bin/true -m pip install dask distributed" makes it one\n',
    )
    // Whatever is installed beside the system's Python is not seen by this one.
    const bin = join(directory, 'bin')
    await mkdir(bin)
    await writeFile(join(bin, 'python3'), '#!/bin/sh\nexec /usr/bin/python3 -S "$@"\n', {mode: 0o755})
    const index = {PIP_INDEX_URL: 'https://127.0.0.1:9/simple', PIP_RETRIES: '0'}
    const offline = {...index, XDG_CACHE_HOME: join(directory, 'cache'), PATH: `${bin}:/usr/bin:/bin`}
    expect(await refused([], offline)).toMatch(
      /\nerror: no Python environment with Dask could be made: the package index cannot be reached, or has none; install dask and distributed, or name a Python that has them with --python\n$/,
    )
  })

  it('takes another port where somebody has its own meanwhile', async () => {
    await sandbox('up')
    const port = Number(await readFile(join(home(), 'port'), 'utf8'))
    await sandbox('down')
    const other = createServer().listen(port, '127.0.0.1')
    await once(other, 'listening')
    await sandbox('up')
    expect(Number(await readFile(join(home(), 'port'), 'utf8'))).not.toBe(port)
    await sandbox('down')
    other.close()
  })

  it('may be started twice and ended twice', async () => {
    await sandbox('up')
    await sandbox('up')
    await sandbox('down')
    await sandbox('down')
  })
})
