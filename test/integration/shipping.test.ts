import {execFile} from 'node:child_process'
import {createHash} from 'node:crypto'
import {existsSync} from 'node:fs'
import {mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {parse, stringify} from 'yaml'
import {build, isStale} from '../../scripts/build.ts'
import {writeContents} from '../../scripts/executable.ts'
import {billOfMaterials, packPackage} from '../../scripts/release.ts'
import {archiveName, krewManifest, LICENSES, PLATFORMS} from '../../scripts/release-parts.ts'
import {kubectlPath} from '../kubernetes/kubectl.ts'
import {krewTools} from '../toolchain/krew.ts'
import {daskEnvironment, NEWEST_DASK} from '../toolchain/pythons.ts'
import {type OwnSandboxes, ownSandboxes} from './own-sandbox.ts'

/** What people install, as they get it: the package of npm, and the archive with the single executable. */

const root = join(import.meta.dirname, '..', '..')
const run = promisify(execFile)
let directory = ''
let version = ''

/** Built by Go; where there is none that test is skipped, which fails where CI is set. */
const krew = await krewTools().catch((error: Error) => void console.error(`no krew here: ${error.message}`))

/** What runs programs for arm64 here; where it is not installed those tests are skipped, which fails where CI is set. */
const EMULATOR = '/usr/bin/qemu-aarch64-static'
const LIBRARIES = '/usr/aarch64-linux-gnu'
const emulated = process.arch === 'arm64' ? [] : [EMULATOR, '-L', LIBRARIES]
const missing = emulated.length > 0 && [EMULATOR, join(LIBRARIES, 'lib', 'libatomic.so.1')].find((file) => !existsSync(file))
if (missing)
  console.error(`no arm64 here, for want of ${missing}: apt-get install qemu-user-static libatomic1-arm64-cross libstdc++6-arm64-cross`)

beforeAll(async () => {
  if (await isStale()) await build()
  directory = await mkdtemp(join(tmpdir(), 'shipping-'))
  version = (JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {readonly version: string}).version
}, 60_000)
afterAll(() => rm(directory, {recursive: true, force: true}))

/** A home of its own, and nothing of this repository on the path but Node.js where it is wanted. */
const environment = (path: readonly string[]): NodeJS.ProcessEnv => ({HOME: directory, PATH: [...path, '/usr/bin', '/bin'].join(':')})

const totalSize = async (folder: string): Promise<number> => Number((await run('du', ['-sb', folder])).stdout.split('\t')[0])

describe('the package of npm', () => {
  let bin = ''

  it('is packed, installs into an empty prefix without the network, and is small', async () => {
    const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', directory], {cwd: root})
    const file = join(directory, `kubectl-dask-${version}.tgz`)
    const listed = JSON.stringify(JSON.parse(packed.stdout))
    for (const path of [
      'LICENSE',
      'README.md',
      'bin/kubectl-dask.js',
      'dist/program.cjs',
      'dist/operator.mjs.br',
      'dist/chart/Chart.yaml',
      'dist/THIRD-PARTY-LICENSES',
    ])
      expect(listed).toContain(`"${path}"`)
    expect(listed).not.toMatch(/"(src|test|node_modules)\//)
    expect((await stat(file)).size).toBeLessThan(3_000_000)
    const prefix = join(directory, 'prefix')
    await run('npm', ['install', '--global', '--prefix', prefix, '--offline', '--ignore-scripts', '--no-audit', '--no-fund', file])
    expect(await totalSize(prefix)).toBeLessThan(8_000_000)
    bin = join(prefix, 'bin')
  })

  it('has a bill of materials that npm can make', async () => {
    const {components} = await billOfMaterials(['node_modules/undici', 'node_modules/pino'])
    expect(components.map(({name}) => name).toSorted()).toEqual(['node', 'pino', 'undici'])
  })

  it('says in a release where the project lives, so that the links of its README lead there', async () => {
    const released = join(directory, 'released')
    await mkdir(released)
    await packPackage(released, 'https://example.org/dask-k8s')
    const {stdout} = await run('tar', ['-xzOf', join(released, `kubectl-dask-${version}.tgz`), 'package/package.json'])
    expect(JSON.parse(stdout)).toMatchObject({version, repository: {type: 'git', url: 'git+https://example.org/dask-k8s.git'}})
  })

  it('has three programs that run', async () => {
    const env = environment([bin, join(process.execPath, '..')])
    const said = (program: string, ...args: readonly string[]) => run(program, args, {env}).then(({stdout}) => stdout)
    expect(await said('kubectl-dask', 'version', '--client')).toBe(`Client Version: v${version}\n`)
    expect(await said('dask-k8s', 'operator', 'manifests')).toContain('kind: CustomResourceDefinition')
    expect(await said('kubectl_complete-dask', 'clu')).toMatch(/^cluster\b.*:\d+\n$/s)
  })
})

describe.runIf(process.platform === 'linux')('the single executable', () => {
  let program = ''
  const env = (): NodeJS.ProcessEnv => environment([join(directory, 'unpacked')])
  const dask = (...args: readonly string[]) => run(program, args, {env: env()})

  it('is made for this machine, with its licences', async () => {
    const unpacked = join(directory, 'unpacked')
    await mkdir(unpacked)
    await writeContents(unpacked)
    for (const file of LICENSES) expect((await stat(join(unpacked, file))).size).toBeGreaterThan(1000)
    program = join(unpacked, 'kubectl-dask')
    await symlink('kubectl-dask', join(unpacked, 'kubectl_complete-dask'))
    await symlink('kubectl-dask', join(unpacked, 'dask-k8s'))
  }, 300_000)

  it('is each of the three programs, by its name', async () => {
    expect((await dask('version', '--client')).stdout).toBe(`Client Version: v${version}\n`)
    expect((await dask('--help')).stdout).toContain('kubectl dask')
    expect((await run('dask-k8s', ['--help'], {env: env()})).stdout).toContain('dask-k8s')
    expect((await run('kubectl_complete-dask', ['clu'], {env: env()})).stdout).toMatch(/^cluster\b/)
  })

  it.runIf(krew !== undefined)(
    'is installed by krew from its archive, and runs as a plugin of kubectl',
    async () => {
      const archive = join(directory, 'archive.tar.gz')
      await run('tar', ['-czf', archive, '-C', dirname(program), 'kubectl-dask', ...LICENSES])
      const sum = createHash('sha256')
        .update(await readFile(archive))
        .digest('hex')
      const sums = new Map(PLATFORMS.map((platform) => [archiveName(version, platform), sum]))
      const plugin = parse(await readFile(join(root, 'manifests', 'krew', 'dask.yaml'), 'utf8')) as {readonly spec: object}
      const manifest = join(directory, 'dask.yaml')
      await writeFile(
        manifest,
        stringify(krewManifest(plugin, {version, homepage: 'https://example.org', url: 'https://example.org', sums})),
      )
      const krewRoot = join(directory, 'krew')
      const withKrew = {...environment([krew ?? '', join(krewRoot, 'bin'), dirname(await kubectlPath())]), KREW_ROOT: krewRoot}
      const installed = await run('kubectl', ['krew', 'install', '--manifest', manifest, '--archive', archive], {env: withKrew})
      expect(installed.stderr).toContain('Installed plugin: dask')
      const {stdout} = await run('kubectl', ['dask', 'version', '--client'], {env: withKrew})
      expect(stdout).toBe(`Client Version: v${version}\n`)
    },
    120_000,
  )

  it('has the operator and the definitions in it', async () => {
    const [whole, own] = await Promise.all([
      dask('operator', 'manifests'),
      run(process.execPath, [join(root, 'bin', 'kubectl-dask.js'), 'operator', 'manifests']),
    ])
    expect(whole.stdout).toBe(own.stdout)
  })

  it('serves a sandbox and a cluster in it', async () => {
    const python = join(daskEnvironment(NEWEST_DASK), 'bin', 'python')
    try {
      await dask('sandbox', 'up', '--name', 'shipped', '--python', python)
      await dask('cluster', 'create', 'demo', '--workers', '1', '--wait', '--timeout', '60s', '--context', 'dask-sandbox-shipped')
      const {stdout} = await dask('cluster', 'list', '--context', 'dask-sandbox-shipped', '-o', 'name')
      expect(stdout).toBe('daskcluster.kubernetes.dask.org/demo\n')
    } finally {
      await dask('sandbox', 'down', '--name', 'shipped')
    }
  })
})

describe.runIf(process.platform === 'linux' && !missing)('the single executable for linux arm64', () => {
  let unpacked = ''
  let sandboxes: OwnSandboxes

  const said = async (name: string, ...args: readonly string[]): Promise<string> => {
    const [program = '', ...words] = [...emulated, join(unpacked, name), ...args]
    return (await run(program, words, {env: sandboxes.env})).stdout
  }

  beforeAll(async () => {
    sandboxes = await ownSandboxes()
    unpacked = join(directory, 'arm64')
    await mkdir(unpacked)
  })
  afterAll(() => sandboxes.remove('arm64'))

  it('is made on any machine, with its licences', async () => {
    await writeContents(unpacked, {os: 'linux', arch: 'arm64'})
    for (const file of LICENSES) expect((await stat(join(unpacked, file))).size).toBeGreaterThan(1000)
    await symlink('kubectl-dask', join(unpacked, 'kubectl_complete-dask'))
  }, 300_000)

  it('is more than one program, by its name', async () => {
    expect(await said('kubectl-dask', 'version', '--client')).toBe(`Client Version: v${version}\n`)
    expect(await said('kubectl_complete-dask', 'clu')).toMatch(/^cluster\b/)
  })

  it('has the operator and the definitions in it', async () => {
    const own = await run(process.execPath, [join(root, 'bin', 'kubectl-dask.js'), 'operator', 'manifests'])
    expect(await said('kubectl-dask', 'operator', 'manifests')).toBe(own.stdout)
  })

  it('asks a cluster', async () => {
    await sandboxes.up('arm64')
    await sandboxes.dask('cluster', 'create', 'demo', '--context', 'dask-sandbox-arm64')
    const listed = await said('kubectl-dask', 'cluster', 'list', '--context', 'dask-sandbox-arm64', '-o', 'name')
    expect(listed).toBe('daskcluster.kubernetes.dask.org/demo\n')
  })
})
