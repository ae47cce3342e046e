import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {join} from 'node:path'
import {beforeAll, describe, expect, it} from 'vitest'
import type {TopRow} from '../../src/cli/top.ts'
import {daskEnvironment, NEWEST_DASK} from '../toolchain/pythons.ts'
import {BIN, stand, until} from './ground.ts'

const {namespace, dask, pods, python} = stand('commands')
const PYTHON = join(daskEnvironment(NEWEST_DASK), 'bin', 'python')

interface WorkerRow {
  readonly pod: string
  readonly status: string
  readonly worker?: {readonly nthreads: number; readonly load: {readonly memory: number}}
}
const workerRows = async (): Promise<readonly WorkerRow[]> => JSON.parse((await dask('cluster', 'workers', 'demo', '-o', 'json')).stdout)

beforeAll(async () => {
  expect((await dask('cluster', 'create', 'demo', '--workers', '2', '--wait', '--timeout', '90s')).code).toBe(0)
})

describe('cluster workers', () => {
  it('joins what the scheduler knows with the pods', async () => {
    await until(async () => (await workerRows()).filter(({status}) => status === 'running').length === 2, 'both workers are connected')
    const rows = await workerRows()
    const found = await pods('dask.org/cluster-name=demo,dask.org/component=worker')
    expect(rows.map(({pod}) => pod)).toEqual(found.map(({metadata}) => metadata.name).toSorted())
    expect(rows.every(({worker}) => (worker?.nthreads ?? 0) > 0)).toBe(true)
    const {stdout} = await dask('cluster', 'workers', 'demo')
    expect(stdout.split('\n')[0]).toMatch(/^WORKER +STATUS +THREADS +MEMORY +CPU +RUNNING +QUEUED +RESULTS +RESTARTS +AGE$/)
  })
  it('come in the order that is asked for, or only those that do not work', async () => {
    const rows = JSON.parse((await dask('cluster', 'workers', 'demo', '--sort-by', 'memory', '-o', 'json')).stdout) as readonly WorkerRow[]
    const memory = rows.map(({worker}) => worker?.load.memory ?? 0)
    expect(memory).toEqual(memory.toSorted((one, other) => other - one))
    const {code, stdout, stderr} = await dask('cluster', 'workers', 'demo', '--unready')
    expect({code, stdout, stderr}).toEqual({code: 0, stdout: '', stderr: 'DaskCluster "demo" has no such workers\n'})
  })
  it('of a cluster that is not there ends with exit code 3', async () => {
    expect(await dask('cluster', 'workers', 'none')).toMatchObject({code: 3, stdout: ''})
  })
})

describe('cluster top', () => {
  /** Published: they stay when their client goes. */
  const RESULTS = `
import sys
from distributed import Client, wait
with Client(sys.argv[1]) as client:
    held = client.map(lambda i: bytes([i]) * 2**22, range(6))
    wait(held)
    client.publish_dataset(held=held)
`
  it('shows what clusters use, and what has gone to disk', async () => {
    // Results beyond 1 % of the memory are spilled.
    const env = ['--env', 'DASK_DISTRIBUTED__WORKER__MEMORY__TARGET=0.01']
    expect((await dask('cluster', 'create', 'full', '-w', '1', '--memory', '1Gi', ...env, '--wait', '--timeout', '90s')).code).toBe(0)
    await python(RESULTS, 'full')
    const top = async (): Promise<readonly TopRow[]> =>
      JSON.parse((await dask('cluster', 'top', '-o', 'json', '--sort-by', 'spilled')).stdout)
    const spilled = ({numbers}: TopRow): number => (numbers && 'spilled' in numbers ? numbers.spilled : -1)
    await until(async () => (await top()).some((row) => spilled(row) > 2 ** 22), 'results go to disk', 60_000)
    expect((await top()).map(({name}) => name)).toEqual(['full', 'demo'])
    const {stdout} = await dask('cluster', 'top', 'demo', 'full')
    const [head, demo, full] = stdout.split('\n').map((line) => line.trim().split(/ {2,}/))
    expect(head).toEqual(['NAME', 'STATUS', 'WORKERS', 'CPU', 'MEMORY', 'SPILLED', 'RUNNING', 'WAITING', 'IDLE'])
    expect([demo?.slice(0, 3), demo?.[5]]).toEqual([['demo', 'Ready', '2'], '0B'])
    expect([full?.slice(0, 3), full?.[5]]).toEqual([['full', 'Ready', '1'], expect.stringMatching(/^\d+(\.\d)?Mi$/)])
    expect((await dask('cluster', 'describe', 'full')).stdout).toMatch(/results held, \S+Mi of them on disk/)
    expect((await dask('cluster', 'suspend', 'demo', '--wait', '--timeout', '60s')).code).toBe(0)
    expect((await dask('cluster', 'top', 'demo', '--no-headers')).stdout.trim().split(/ +/)).toEqual([
      'demo',
      'Suspended',
      ...Array(7).fill('-'),
    ])
    expect((await dask('cluster', 'resume', 'demo', '--wait', '--timeout', '90s')).code).toBe(0)
    expect((await dask('cluster', 'delete', 'full', '--yes')).code).toBe(0)
  })
  it('of a cluster that is not there ends with exit code 3', async () => {
    expect(await dask('cluster', 'top', 'none')).toMatchObject({code: 3, stdout: ''})
  })
})

describe('scale --dry-run', () => {
  it('lists who would leave first, with what each one holds, and changes nothing', async () => {
    const hold = `
import sys, time
from distributed import Client
with Client(sys.argv[1]) as client:
    busy = sorted(client.scheduler_info()["workers"])[0]
    held = client.submit(bytes, 3 * 2**20, workers=[busy])
    held.result()
    print(client.scheduler_info()["workers"][busy]["name"], flush=True)
    task = client.submit(time.sleep, 15, workers=[busy])
    task.result()
`
    const holding = python(hold, 'demo')
    const all = async (): Promise<string> => (await dask('cluster', 'scale', 'demo', '0', '--dry-run=server')).stdout
    await until(async () => /; 1 running, 0 queued, 1 results held \(3Mi\)/.test(await all()), 'it tells what a worker holds')
    const [said, first, second] = (await all()).trim().split('\n')
    expect(said).toBe('daskcluster.kubernetes.dask.org/demo scaled from 2 to 0 workers (server dry run)')
    expect(first).toMatch(/ would leave: its worker has the least to lose; 0 running, 0 queued, 0 results held \(0B\)$/)
    expect(second).toContain('(3Mi)')
    const one = (await dask('workergroup', 'scale', 'demo-default', '1', '--dry-run=client')).stdout.trim().split('\n')
    expect(one.slice(1)).toEqual([first])
    expect(second).toContain(`pod/${(await holding).trim()} `)
    expect(await pods('dask.org/cluster-name=demo')).toHaveLength(3)
  })
})

describe('cluster run', () => {
  const program = 'from distributed import Client; c = Client(timeout=20); print(c.submit(lambda x: x + 1, 41).result()); c.close()'
  it('has a local program compute on the cluster without an address', async () => {
    expect(await dask('cluster', 'run', 'demo', '--', PYTHON, '-c', program)).toMatchObject({code: 0, stdout: '42\n'})
  })
  it('ends with the exit code of the program', async () => {
    expect((await dask('cluster', 'run', 'demo', '--', PYTHON, '-c', 'raise SystemExit(7)')).code).toBe(7)
    expect(await dask('cluster', 'run', 'demo', '--', 'no-such-program')).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('there is no program "no-such-program"'),
    })
  })
})

describe('cluster port-forward', () => {
  it('leads to the dashboard, and ends in order on Ctrl-C', async () => {
    const child = spawn(process.execPath, [BIN, 'cluster', 'port-forward', 'demo', '-o', 'json', '-n', namespace])
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    await until(() => text.includes('}'), 'it tells where it listens')
    const {dashboardURL, schedulerAddress} = JSON.parse(text) as Record<string, string>
    expect(schedulerAddress).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/)
    expect(await (await fetch(`${dashboardURL?.replace('/status', '')}/health`)).text()).toBe('ok')
    const ended = once(child, 'exit')
    child.kill('SIGINT')
    expect((await ended)[0]).toBe(0)
  })
})

describe('a cluster of which everything is replaced', () => {
  const own = 'dask.org/cluster-name=demo,dask.org/component!=job-runner'
  it('is suspended and resumed, with a job that has run on it', async () => {
    expect((await dask('job', 'run', '--name', 'guest', '--on', 'demo', '--', 'python', '-c', 'print(1)')).code).toBe(0)
    expect((await dask('cluster', 'suspend', 'demo', '--wait', '--timeout', '60s')).stdout).toContain('demo suspended')
    expect(await pods(own)).toEqual([])
    expect((await dask('cluster', 'suspend', 'demo')).stdout).toContain('is suspended already')
    // Nothing comes that could be waited for.
    expect(await dask('cluster', 'run', 'demo', '--timeout', '60s', '--', 'true')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is suspended; "(kubectl dask|dask-k8s) --namespace \S+ cluster resume demo" brings it back/),
    })
    expect((await dask('cluster', 'wait', 'demo', '--for', 'suspended', '--timeout', '10s')).code).toBe(0)
    expect((await dask('cluster', 'list')).stdout).toMatch(/demo +Suspended/)
    expect((await dask('cluster', 'resume', 'demo', '--wait', '--timeout', '90s')).code).toBe(0)
    expect(await pods(own)).toHaveLength(3)
  })
  it('is restarted', async () => {
    const before = new Set((await pods(own)).map(({metadata}) => metadata.uid))
    expect((await dask('cluster', 'restart', 'demo', '--wait', '--timeout', '90s')).code).toBe(0)
    const after = await pods(own)
    expect(after).toHaveLength(3)
    expect(after.filter(({metadata}) => before.has(metadata.uid))).toEqual([])
  })
  it('is waited for until it has gone', async () => {
    const waiting = dask('cluster', 'wait', 'demo', '--for', 'deleted', '--timeout', '60s')
    expect((await dask('cluster', 'delete', 'demo', '--yes', '--timeout', '60s')).code).toBe(0)
    expect(await waiting).toMatchObject({code: 0, stdout: 'daskcluster.kubernetes.dask.org/demo is deleted\n'})
  })
})
