import {readdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {ANNOTATION_RETIRING} from '../../src/api/names.ts'
import {MIDDLE_DASK, NEWEST_DASK, OLDEST_DASK} from '../toolchain/pythons.ts'
import {type OperatedDask, operateDask} from './operated-dask.ts'
import {starts, until} from './real-dask.ts'

const TASKS = 60

/** Each task tells that it starts; half of them need the result of another. */
const LOAD = `
import sys, time
from distributed import Client

def work(i, directory, before=None):
    with open(directory + '/starts', 'a') as file:
        file.write(f'{i}\\n')
    time.sleep(0.4)
    return i

client = Client(sys.argv[1])
first = [client.submit(work, i, sys.argv[2], pure=False) for i in range(${TASKS / 2})]
second = [client.submit(work, ${TASKS / 2} + i, sys.argv[2], before, pure=False) for i, before in enumerate(first)]
assert client.gather(first + second) == list(range(${TASKS}))
print('right')
`

/** Holds results, which no worker can take when all are to leave. */
const HOLD = `
import os, sys, time
from distributed import Client
client = Client(sys.argv[1])
futures = client.map(lambda i: bytes(1000), range(20))
client.gather(futures)
open(sys.argv[2] + '/held', 'w').close()
while not os.path.exists(sys.argv[2] + '/go'):
    time.sleep(0.05)
assert len(client.gather(futures)) == 20
print('kept')
`

/** Each worker has one task that runs and two that wait there, which may run nowhere else. */
const PIN = `
import os, sys, time
from distributed import Client

def work(directory, i):
    open(f'{directory}/pinned-{i}', 'w').close()
    while not os.path.exists(directory + '/end'):
        time.sleep(0.05)

client = Client(sys.argv[1])
workers = list(client.has_what())
futures = [client.submit(work, sys.argv[2], f'{w}-{n}', workers=[a], pure=False) for w, a in enumerate(workers) for n in range(3)]
while not os.path.exists(sys.argv[2] + '/give-up'):
    time.sleep(0.05)
client.cancel(futures)
while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.unrunnable)):
    time.sleep(0.05)
print('given up')
`

describe.each([NEWEST_DASK, MIDDLE_DASK, OLDEST_DASK])('an operator over Dask %s', (version) => {
  let operated: OperatedDask
  beforeAll(async () => {
    operated = await operateDask(version, {replicas: 6})
  })
  afterAll(() => operated?.stop())

  it('scales 6 → 2 → 5 → 1 → 3 under load, itself ended in between, and no task is started twice', async () => {
    const {dask, scale, settles, workers} = operated
    const load = dask.python(LOAD)
    await until(async () => (await starts(dask.directory)).size >= 6, 'tasks run')
    await scale(2)
    await until(async () => (await workers()).some(({metadata}) => metadata.annotations?.[ANNOTATION_RETIRING]), 'victims are marked')
    await operated.restartOperator()
    for (const count of [2, 5, 1, 3]) {
      await scale(count)
      await settles(count)
    }
    expect((await load.output).trim()).toBe('right')
    const counts = await starts(dask.directory)
    expect(counts.size).toBe(TASKS)
    expect([...counts].filter(([, count]) => count > 1)).toEqual([])
  })

  it('goes to zero only when nobody needs the results any more, says so meanwhile, and comes back', async () => {
    const {dask, scale, settles, workers, group} = operated
    const hold = dask.python(HOLD)
    await until(async () => (await readdir(dask.directory)).includes('held'), 'results are held')
    await scale(0)
    await until(async () => {
      const {status} = await group()
      return status?.conditions?.some(({type, status: is}) => type === 'RetirementBlocked' && is === 'True') ?? false
    }, 'the block is told')
    await until(async () => (await workers()).length === 1, 'one holds it all')
    await writeFile(join(dask.directory, 'go'), '')
    expect((await hold.output).trim()).toBe('kept')
    await settles(0)
    await scale(1)
    await settles(1)
  })

  it('tells of tasks that were pinned to workers which have gone, until nobody waits for them', async () => {
    const {dask, scale, settles, cluster} = operated
    const told = async () => (await cluster()).status?.conditions?.find(({type}) => type === 'TasksUnrunnable')
    await scale(3)
    await settles(3)
    expect(await told()).toBeUndefined()
    const pin = dask.python(PIN)
    await until(
      async () => (await readdir(dask.directory)).filter((name) => name.startsWith('pinned-')).length === 3,
      'each worker has begun',
    )
    await scale(1)
    const scheduler = await dask.connect()
    const draining = async () => (await scheduler.identity()).workers.filter(({status}) => status === 'closing_gracefully')
    await until(async () => (await draining()).length === 2, 'two are to leave')
    scheduler.close()
    await writeFile(join(dask.directory, 'end'), '')
    await settles(1)
    await until(async () => (await told())?.status === 'True', 'the tasks are told of')
    expect(await told()).toMatchObject({
      reason: 'NoSuitableWorker',
      message: expect.stringMatching(/^4 tasks wait for a worker that is not there/),
    })
    await writeFile(join(dask.directory, 'give-up'), '')
    expect((await pin.output).trim()).toBe('given up')
    await until(async () => (await told())?.status === 'False', 'nobody waits any more')
  })
})
