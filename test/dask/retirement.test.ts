import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {afterEach, describe, expect, it} from 'vitest'
import type {RetirementOptions, RetirementOutcome} from '../../src/dask/retirement.ts'
import {MIDDLE_DASK, NEWEST_DASK, OLDEST_DASK} from '../toolchain/pythons.ts'
import {type RealDask, startDask, starts, until} from './real-dask.ts'
import {addressesOf, retire, statusesOf} from './retire.ts'

let dask: RealDask | undefined
afterEach(async () => {
  await dask?.stop()
  dask = undefined
})

const LOAD = `
import os, sys, time
from distributed import Client
address, directory = sys.argv[1:3]
def started(key):
    fd = os.open(os.path.join(directory, "starts"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, (key + "\\n").encode()); os.close(fd)
def first(i):
    started(f"first-{i}"); time.sleep(0.05 + (i % 7) / 20); return bytes([i % 256]) * 10_000
def second(i, data):
    started(f"second-{i}"); time.sleep(0.05); return len(data) + i
with Client(address) as client:
    print("ready", flush=True)
    data = [client.submit(first, i, key=f"first-{i}") for i in range(120)]
    sums = [client.submit(second, i, d, key=f"second-{i}") for i, d in enumerate(data)]
    assert client.gather(sums) == [10_000 + i for i in range(120)]
    assert all(len(d) == 10_000 for d in client.gather(data))
print("right")
`

/** A worker that the scheduler knows for two seconds before it hears that the worker runs. */
const JOINING_LONG = `
import time
def dask_setup(worker):
    worker._update_latency = lambda latency: time.sleep(2) if worker.status.name == "init" else None
`

/** Who has not retired, refused ones being asked again as the operator does: Dask 2022.12.1 has once, on a busy machine, taken one only when it was asked again. */
const stayedOf = async (cluster: RealDask, victims: readonly string[]): Promise<readonly RetirementOutcome[]> => {
  let outcomes = await retire(cluster, victims)
  for (let asked = 1; asked < 4 && outcomes.some(({is}) => is === 'refused'); asked += 1) {
    const settled = outcomes.filter(({is}) => is !== 'refused')
    const again = outcomes.filter(({is}) => is === 'refused').map(({address}) => address)
    outcomes = [...settled, ...(await retire(cluster, again))]
  }
  return outcomes.filter(({is}) => is !== 'retired')
}

describe.each([NEWEST_DASK, MIDDLE_DASK, OLDEST_DASK])('with Dask %s', (version) => {
  it('G7, G8: no task starts twice, no result is lost and no worker returns while a group goes 4, 2, 4, 1 under load', async () => {
    const cluster = await startDask(version)
    dask = cluster
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => cluster.addWorker(name)))
    const load = cluster.python(LOAD)
    const begun = async (count: number): Promise<boolean> => (await starts(cluster.directory)).size >= count
    await until(() => begun(15), 'tasks run')
    expect(await stayedOf(cluster, (await addressesOf(cluster)).slice(0, 2))).toEqual([])
    await Promise.all(['e', 'f'].map((name) => cluster.addWorker(name)))
    await until(() => begun(60), 'more tasks run')
    expect(await stayedOf(cluster, (await addressesOf(cluster)).slice(0, 3))).toEqual([])
    expect(await load.output).toContain('right')
    const counts = await starts(cluster.directory)
    expect(counts.size).toBe(240)
    expect([...counts].filter(([, count]) => count > 1)).toEqual([])
  })

  it('a worker that holds the only copy of a result with nowhere to move it works on', async () => {
    const cluster = await startDask(version)
    dask = cluster
    await cluster.addWorker('only')
    const client = cluster.python(`
import sys, time
from distributed import Client
client = Client(sys.argv[1])
held = client.submit(lambda: 42, pure=False)
held.result()
print("held", flush=True)
input_file = sys.argv[2] + "/go"
import os
while not os.path.exists(input_file): time.sleep(0.05)
print(held.result(), client.submit(lambda: 43, pure=False).result(timeout=20))
client.close()
`)
    await new Promise((resolve) => client.child.stdout?.once('data', resolve))
    expect((await retire(cluster, await addressesOf(cluster), true)).map(({is}) => is)).toEqual(['refused'])
    const {writeFile} = await import('node:fs/promises')
    await writeFile(`${cluster.directory}/go`, '')
    expect(await client.output).toContain('42 43')
  })

  it('a worker whose results go with its scheduler finishes what it executes, and begins nothing more', async () => {
    const cluster = await startDask(version)
    dask = cluster
    await Promise.all(['a', 'b'].map((name) => cluster.addWorker(name)))
    const client = cluster.python(`
import sys, time
from distributed import Client
def note(what, i, directory):
    with open(directory + "/starts", "a") as file: file.write(f"{what}-{i}\\n")
def run(i, directory):
    note("begin", i, directory); time.sleep(1.5); note("end", i, directory); return i
client = Client(sys.argv[1])
workers = list(client.scheduler_info()["workers"])
held = [client.submit(lambda i: i, i, workers=[worker], pure=False) for i, worker in enumerate(workers)]
client.gather(held)
tasks = [client.submit(run, i, sys.argv[2], pure=False) for i in range(40)]
time.sleep(60)
`)
    const lines = async (what: string) => [...(await starts(cluster.directory)).keys()].filter((line) => line.startsWith(what))
    await until(async () => (await lines('begin')).length >= 2, 'both workers are busy')
    const goes = {policy: {timeoutMs: 60_000, afterTimeout: 'delete', afterRefusal: 'delete'}} as const
    const outcomes = await retire(cluster, await addressesOf(cluster), true, 0, goes)
    for (const outcome of outcomes.filter(({is}) => is !== 'retired')) expect(outcome).toMatchObject({is: 'refused', mayGo: true})
    expect(outcomes).toHaveLength(2)
    expect(await lines('end')).toHaveLength((await lines('begin')).length)
    expect((await lines('begin')).length).toBeLessThan(20)
    const ended = client.output.catch(() => 'killed')
    client.child.kill()
    expect(await ended).toBe('killed')
  })

  it.each([300, 0])('a worker that does not finish within %i ms is let back in and goes on with its queue', async (timeoutMs) => {
    const cluster = await startDask(version)
    dask = cluster
    await Promise.all(['a', 'b'].map((name) => cluster.addWorker(name)))
    const client = cluster.python(`
import os, sys, time
from distributed import Client
def slow(i):
    fd = os.open(os.path.join(sys.argv[2] if len(sys.argv) > 2 else directory, "starts"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, f"slow-{i}\\n".encode()); os.close(fd); time.sleep(3); return i
directory = sys.argv[2]
with Client(sys.argv[1]) as client:
    def run(i, directory=directory):
        fd = os.open(os.path.join(directory, "starts"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fd, f"slow-{i}\\n".encode()); os.close(fd); time.sleep(3); return i
    print(client.gather([client.submit(run, i, pure=False) for i in range(4)]))
`)
    await until(async () => (await starts(cluster.directory)).size >= 2, 'both workers are busy')
    const [victim] = await addressesOf(cluster)
    expect((await retire(cluster, [victim ?? ''], false, timeoutMs)).map(({is}) => is)).toEqual(['timed-out'])
    expect(await client.output).toContain('[0, 1, 2, 3]')
    expect([...(await starts(cluster.directory))].filter(([, count]) => count > 1)).toEqual([])
  })

  it('a worker that cannot be let back in is not said to work on, and the next call lets it', async () => {
    const cluster = await startDask(version)
    dask = cluster
    await Promise.all(['a', 'b'].map((name) => cluster.addWorker(name)))
    const client = cluster.python(`
import sys, time
from distributed import Client
with Client(sys.argv[1]) as client:
    [future] = [client.submit(time.sleep, 15, pure=False)]
    future.result()
`)
    let victim = ''
    await until(async () => {
      const scheduler = await cluster.connect()
      const busy = (await scheduler.identity()).workers.find(({load}) => load.executing > 0)
      scheduler.close()
      victim = busy?.address ?? ''
      return busy !== undefined
    }, 'a worker is busy')
    const nowhere = {dialWorker: () => () => Promise.reject(new Error('no way to it'))}
    const [outcome] = await retire(cluster, [victim], false, 100, nowhere)
    expect(outcome).toMatchObject({is: 'unfinished', message: expect.stringContaining('no way to it')})
    expect((await retire(cluster, [victim], false, 100)).map(({is}) => is)).toEqual(['timed-out'])
    expect(await statusesOf(cluster)).toEqual(['running', 'running'])
    await client.output
  })

  it.each([
    ['', ''],
    [', though they have only just joined', JOINING_LONG],
  ])('two calls at once leave one running worker%s', async (_, preload) => {
    const cluster = await startDask(version)
    dask = cluster
    const file = join(cluster.directory, 'preload.py')
    await writeFile(file, preload)
    await Promise.all(['a', 'b'].map((name) => cluster.addWorker(name, '--preload', file)))
    const [one = '', other = ''] = await addressesOf(cluster)
    let last: Promise<unknown> = Promise.resolve()
    const alone: RetirementOptions['alone'] = (choose) => {
      const turn = last.then(choose)
      last = turn
      return turn
    }
    const both = await Promise.all([one, other].map((address) => retire(cluster, [address], false, 60_000, {alone})))
    // Which of the two runs first, and is therefore asked first, is up to them.
    expect(both.flat().map(({is}) => is)).toEqual(expect.arrayContaining(['retired', 'refused']))
    expect(await addressesOf(cluster)).toEqual(both.flat().flatMap(({address, is}) => (is === 'refused' ? [address] : [])))
  })

  it('workers leave by their heartbeats where the scheduler may not pass messages on, and no task starts twice', async () => {
    const cluster = await startDask(version, {DASK_DISTRIBUTED__SCHEDULER__BLOCKED_HANDLERS: "['broadcast']"})
    dask = cluster
    await Promise.all(['a', 'b', 'c'].map((name) => cluster.addWorker(name)))
    const load = cluster.python(LOAD)
    await until(async () => (await starts(cluster.directory)).size >= 15, 'tasks run')
    expect((await retire(cluster, (await addressesOf(cluster)).slice(0, 2))).map(({is}) => is)).toEqual(['retired', 'retired'])
    expect(await load.output).toContain('right')
    expect([...(await starts(cluster.directory))].filter(([, count]) => count > 1)).toEqual([])
  })
})
