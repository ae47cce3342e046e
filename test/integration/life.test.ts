/** The life of a sandbox as its user sees it: started, killed, started again, ended. */
import {execFile} from 'node:child_process'
import {mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
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

  it('may be started twice and ended twice', async () => {
    await sandbox('up')
    await sandbox('up')
    await sandbox('down')
    await sandbox('down')
  })
})
