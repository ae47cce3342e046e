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
})
