/** Workers that cannot leave in the ordinary way: what they take part in, hold or do goes on, and none is left draining. */
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {afterEach, describe, expect, it} from 'vitest'
import type {RetirementOptions} from '../../src/dask/retirement.ts'
import {MIDDLE_DASK, NEWEST_DASK, OLDEST_DASK} from '../toolchain/pythons.ts'
import {type RealDask, startDask, starts, until} from './real-dask.ts'
import {addressesOf, KEEP, retire, statusesOf} from './retire.ts'

let dask: RealDask | undefined
afterEach(async () => {
  await dask?.stop()
  dask = undefined
})

/** A cluster whose workers have these preloads, by their names. */
const startWith = async (version: string, workers: Readonly<Record<string, string>>): Promise<RealDask> => {
  const cluster = await startDask(version)
  dask = cluster
  await Promise.all(
    Object.entries(workers).map(async ([name, preload]) => {
      const file = join(cluster.directory, `${name}.py`)
      await writeFile(file, preload)
      await cluster.addWorker(name, '--preload', file)
    }),
  )
  return cluster
}

/** Resolves when a program has done its part; at a sign it lets go of what it calls `held`. It ends with its cluster. */
const onceSaid = async (cluster: RealDask, program: string): Promise<void> => {
  const {child, output} = cluster.python(`
import os, sys, time
from distributed import Client, wait
client = Client(sys.argv[1])
def file(name, directory=sys.argv[2]): return os.path.join(directory, name)
at = {w["name"]: a for a, w in client.scheduler_info()["workers"].items()}
${program}
print("said", flush=True)
while not os.path.exists(file("release")): time.sleep(0.05)
held = None
time.sleep(300)
`)
  output.catch(() => {})
  await new Promise((resolve) => child.stdout?.once('data', resolve))
}

const addressOf = async (cluster: RealDask, name: string): Promise<string> => {
  const scheduler = await cluster.connect()
  const found = (await scheduler.identity()).workers.find((worker) => worker.name === name)
  scheduler.close()
  return found?.address ?? ''
}

const shuffling = async (cluster: RealDask): Promise<readonly string[]> => {
  const scheduler = await cluster.connect()
  return await scheduler.shuffling().finally(() => scheduler.close())
}

const sign = (cluster: RealDask, name: 'go' | 'done' | 'release'): Promise<void> => writeFile(join(cluster.directory, name), '')

/** A program that shuffles when it gets the sign `go`. */
const shuffles = async (cluster: RealDask): Promise<ReturnType<RealDask['python']>> => {
  const load = cluster.python(SHUFFLE)
  load.output.catch(() => {})
  await new Promise((resolve) => load.child.stdout?.once('data', resolve))
  return load
}

const uniqueKeys = async (cluster: RealDask, address: string): Promise<readonly string[]> => {
  const scheduler = await cluster.connect()
  const unique = await scheduler.uniqueKeys(address).finally(() => scheduler.close())
  return unique?.keys ?? []
}

const oneAfterAnother = (): Pick<RetirementOptions, 'alone' | 'leaving'> => {
  let last: Promise<unknown> = Promise.resolve()
  return {
    alone: (choose) => {
      const turn = last.then(choose)
      last = turn.catch(() => {})
      return turn
    },
    leaving: new Set(),
  }
}

/** Begins when it is told to, however long it takes to start. */
const SHUFFLE = `
import os, sys, time
import numpy as np, dask.array as da
from distributed import Client
address, directory = sys.argv[1:3]
def block(block_id=None, directory=directory):
    fd = os.open(os.path.join(directory, "starts"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, f"block-{block_id[0]}\\n".encode()); os.close(fd)
    time.sleep(0.3)
    return np.full((1, 30), block_id[0])
with Client(address) as client:
    print("ready", flush=True)
    while not os.path.exists(os.path.join(directory, "go")): time.sleep(0.05)
    array = da.map_blocks(block, chunks=((1,) * 30, (30,)), dtype=int, name="source")
    total = client.compute(array.rechunk((30, 1), method="p2p").sum()).result()
    assert total == 30 * sum(range(30)), total
print("right")
`

const IMMOVABLE = 'import threading; held = client.submit(threading.Lock, key="lock", workers=[at["a"]]); wait(held)'

describe.each([NEWEST_DASK, MIDDLE_DASK])('with Dask %s', (version) => {
  it('a worker that takes part in a shuffle leaves when that is done, and nothing of it is begun again', async () => {
    const cluster = await startWith(version, {a: '', b: '', c: ''})
    const [victim = ''] = await addressesOf(cluster)
    const load = await shuffles(cluster)
    await sign(cluster, 'go')
    await until(async () => (await shuffling(cluster)).includes(victim), 'the shuffle has begun')
    expect(await retire(cluster, [victim])).toMatchObject([{is: 'refused', message: expect.stringContaining('a shuffle')}])
    expect(await load.output).toContain('right')
    expect([...(await starts(cluster.directory)).values()]).toEqual(Array(30).fill(1))
    await until(async () => (await shuffling(cluster)).length === 0, 'the shuffle is forgotten')
    expect(await retire(cluster, [victim])).toMatchObject([{is: 'retired'}])
  })

  it('a worker that drains when a shuffle begins is let back in', async () => {
    const cluster = await startWith(version, {a: '', b: '', c: ''})
    const load = await shuffles(cluster)
    await onceSaid(
      cluster,
      `
def hold(begun, done):
    open(begun, "w").close()
    while not os.path.exists(done): time.sleep(0.05)
busy = client.submit(hold, file("begun"), file("done"), workers=[at["a"]], pure=False)
while not os.path.exists(file("begun")): time.sleep(0.05)`,
    )
    const victim = await addressOf(cluster, 'a')
    const leaving = retire(cluster, [victim])
    await until(async () => (await statusesOf(cluster)).includes('closing_gracefully'), 'it drains')
    await sign(cluster, 'go')
    expect(await leaving).toMatchObject([{is: 'refused', message: expect.stringContaining('a shuffle')}])
    await sign(cluster, 'done')
    expect(await load.output).toContain('right')
    expect([...(await starts(cluster.directory)).values()]).toEqual(Array(30).fill(1))
  })

  it('a result that cannot be pickled holds up nobody but its own worker', async () => {
    const cluster = await startWith(version, {a: '', b: '', c: ''})
    await onceSaid(cluster, IMMOVABLE)
    const [holder, idle] = [await addressOf(cluster, 'a'), await addressOf(cluster, 'c')]
    const immovable = new Map<string, readonly string[]>()
    const outcomes = await retire(cluster, [holder, idle], false, 10_000, {immovable})
    expect(outcomes.toSorted((one, other) => one.is.localeCompare(other.is))).toMatchObject([
      {address: holder, is: 'refused', message: expect.stringContaining('its result lock does not move')},
      {address: idle, is: 'retired'},
    ])
    expect(await statusesOf(cluster)).toEqual(['running', 'running'])
    // It is not asked for again, since the scheduler still tries, but as soon as the result is released.
    expect(await retire(cluster, [holder], false, 10_000, {immovable, maySend: () => false})).toMatchObject([{is: 'refused'}])
    await sign(cluster, 'release')
    await until(async () => (await uniqueKeys(cluster, holder)).length === 0, 'the result is released')
    expect(await retire(cluster, [holder], false, 10_000, {immovable})).toMatchObject([{is: 'retired'}])
  })
})

describe(`with Dask ${OLDEST_DASK}, which retires one after another`, () => {
  it('a result that cannot be pickled keeps all workers, which work on, until it is released', async () => {
    const cluster = await startWith(OLDEST_DASK, {a: '', b: '', c: ''})
    await onceSaid(cluster, IMMOVABLE)
    const [holder, idle] = [await addressOf(cluster, 'a'), await addressOf(cluster, 'c')]
    const immovable = new Map<string, readonly string[]>()
    expect((await retire(cluster, [holder, idle], false, 10_000, {immovable})).map(({is}) => is)).toEqual(['refused', 'refused'])
    expect(await statusesOf(cluster)).toEqual(['running', 'running', 'running'])
    const again = await retire(cluster, [idle], false, 10_000, {immovable, maySend: () => false})
    expect(again).toMatchObject([{is: 'refused', message: expect.stringContaining('one worker after another')}])
    await sign(cluster, 'release')
    await until(async () => (await uniqueKeys(cluster, holder)).length === 0, 'the result is released')
    expect((await retire(cluster, [holder, idle], false, 10_000, {immovable})).map(({is}) => is)).toEqual(['retired', 'retired'])
  })
})

describe.each([NEWEST_DASK, MIDDLE_DASK, OLDEST_DASK])('with Dask %s', (version) => {
  it('a task that holds its whole worker is given no more time than others', async () => {
    const cluster = await startWith(version, {a: '', b: ''})
    await onceSaid(
      cluster,
      `
def hold(begun):
    import ctypes
    open(begun, "w").close()
    ctypes.PyDLL(None).sleep(60)
held = client.submit(hold, file("begun"), workers=[at["a"]], pure=False)
while not os.path.exists(file("begun")): time.sleep(0.05)`,
    )
    const policy = {...KEEP, timeoutMs: 3000, afterTimeout: 'delete'} as const
    expect(await retire(cluster, [await addressOf(cluster, 'a')], false, 3000, {policy})).toMatchObject([{is: 'timed-out', mayGo: true}])
  })

  it('on the way to zero one keeps the results, though it hears late that it may work on', async () => {
    const late = `
import asyncio
def dask_setup(worker):
    told = worker.stream_handlers["worker-status-change"]
    def hear(status, stimulus_id, **kwargs):
        asyncio.get_running_loop().call_later(0.3, lambda: told(status, stimulus_id))
    worker.stream_handlers["worker-status-change"] = hear
`
    const cluster = await startWith(version, {a: late, b: late})
    await onceSaid(
      cluster,
      'held = [client.submit(lambda i: i, i, workers=[a], pure=False) for i, a in enumerate(at.values())]; wait(held)',
    )
    const outcomes = await retire(cluster, await addressesOf(cluster), true)
    expect(outcomes.map(({is}) => is).toSorted()).toEqual(['refused', 'retired'])
    expect(await statusesOf(cluster)).toEqual(['running'])
  })

  it('a paused worker that runs again as it is drained is not counted on', async () => {
    const resumes = `
import asyncio
from distributed.core import Status
def dask_setup(worker):
    told = worker.stream_handlers["worker-status-change"]
    def hear(status, stimulus_id, **kwargs):
        if worker.status == Status.paused:
            worker.status = Status.running
            asyncio.get_running_loop().call_later(0.3, lambda: told(status, stimulus_id))
        else:
            told(status, stimulus_id)
    worker.stream_handlers["worker-status-change"] = hear
    async def pause():
        while worker.status != Status.running: await asyncio.sleep(0.05)
        worker.status = Status.paused
    asyncio.ensure_future(pause())
`
    const cluster = await startWith(version, {a: resumes, b: ''})
    await until(async () => (await statusesOf(cluster)).includes('paused'), 'one is paused')
    const [paused, other] = [await addressOf(cluster, 'a'), await addressOf(cluster, 'b')]
    const turns = oneAfterAnother()
    const both = await Promise.all([paused, other].map((address) => retire(cluster, [address], false, 60_000, turns)))
    expect(both.flat().map(({is}) => is)).toEqual(['retired', 'refused'])
    expect(await statusesOf(cluster)).toEqual(['running'])
  })

  it('the only worker of a cluster stays, paused or not', async () => {
    const paused = `
import asyncio
from distributed.core import Status
def dask_setup(worker):
    async def pause():
        while worker.status != Status.running: await asyncio.sleep(0.05)
        worker.status = Status.paused
    asyncio.ensure_future(pause())
`
    const cluster = await startWith(version, {a: paused})
    await until(async () => (await statusesOf(cluster)).includes('paused'), 'it is paused')
    expect(await retire(cluster, await addressesOf(cluster))).toMatchObject([{is: 'refused'}])
    expect(await statusesOf(cluster)).toEqual(['paused'])
  })
})
