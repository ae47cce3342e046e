/** A disk that gets full while a sandbox runs on it: nothing of it is lost, and it is mended by room alone. */
import {type ChildProcess, execFile, spawn} from 'node:child_process'
import {once} from 'node:events'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {until} from '../conformance/ground.ts'
import {type OwnSandboxes, ownSandboxes, PYTHON} from './own-sandbox.ts'

const NAME = 'full'
const call = promisify(execFile)
/** Root may; where nobody may the tests are skipped, which fails where CI is set. */
const mayMount = await call('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).then(
  () => true,
  () => false,
)
/** Keeps a small disk that nobody else sees. */
let holder: ChildProcess
let within: readonly string[] = []
let own: OwnSandboxes
const inside = async (program: string, ...args: readonly string[]): Promise<string> => {
  const [first = '', ...rest] = [...within, program, ...args]
  return (await call(first, rest)).stdout
}
const kubectl = (...args: readonly string[]): Promise<string> => own.kubectl(NAME, ...args)
const sandbox = (verb: string, ...args: readonly string[]) => own.dask('sandbox', verb, '--name', NAME, ...args)
const filler = (): string => join(own.directory, 'filler')

beforeAll(async () => {
  if (!mayMount) return
  own = await ownSandboxes(async (directory) => {
    const mount = 'mount -t tmpfs -o size=16m tmpfs "$0" && echo ready && exec sleep infinity'
    holder = spawn('unshare', ['--mount', 'sh', '-c', mount, directory], {stdio: ['ignore', 'pipe', 'inherit']})
    if (holder.stdout) await once(holder.stdout, 'data')
    within = ['nsenter', '--mount', '--target', String(holder.pid), '--']
    return within
  })
})
afterAll(async () => {
  await own?.remove(NAME)
  holder?.kill()
})

describe.runIf(mayMount)('a sandbox whose disk is full', () => {
  it('runs on, and so do its pods', async () => {
    await own.up(NAME)
    await kubectl('create', 'configmap', 'mine', '--from-literal=a=1')
    const talk = 'while true; do printf "%0999d\\n" 0; sleep 0.05; done'
    await kubectl('run', 'talk', '--image=any', '--restart=Never', '--command', '--', 'sh', '-c', talk)
    await kubectl('wait', 'pod/talk', '--for=condition=Ready', '--timeout=30s')
    await inside('sh', '-c', 'dd if=/dev/zero of="$0" bs=4k 2>/dev/null || true', filler())
    // A worker would want room for what it spills, and end.
    const made = await own.dask('cluster', 'create', 'demo', '-w', '0', '--wait', '--timeout', '60s', '--context', `dask-sandbox-${NAME}`)
    expect(made, made.stderr).toMatchObject({code: 0})
    expect(await kubectl('get', 'pod', 'talk', '-o', 'jsonpath={.status.phase}')).toBe('Running')
  })

  it('says that it cannot be kept, and has lost nothing', async () => {
    const {code, stdout, stderr} = await sandbox('down', '--keep')
    expect({code, stdout}).toEqual({code: 1, stdout: ''})
    expect(stderr).toMatch(
      /^error: sandbox "full" runs on, since what it holds cannot be kept: there is no room in \S+; mend that and try again, or end it without --keep, which forgets everything\n$/,
    )
    expect(await sandbox('status')).toMatchObject({code: 0})
    expect(await kubectl('get', 'configmap', 'mine', '-o', 'jsonpath={.data.a}')).toBe('1')
    expect(await inside('ls', own.home(NAME))).not.toContain('kept')
  })

  it('is kept once there is room, and tells which lines of logs it had none for', async () => {
    await inside('rm', filler())
    const tells = async () => /^\(\d+ lines are lost: the disk was full\)$/m.test(await kubectl('logs', 'talk'))
    await until(tells, 'the log tells what it has lost')
    expect(await sandbox('down', '--keep')).toMatchObject({code: 0, stdout: `sandbox "${NAME}" is down; what it held is kept\n`})
    expect((await sandbox('up', '--python', PYTHON)).stdout).toContain('is up, with what was kept of it')
    expect(await kubectl('get', 'configmap,daskcluster', '-n', 'default', '-o', 'name')).toMatch(/configmap\/mine\n.*\/demo\n/s)
  })
})
