/** What does not leave a worker as easily as a queue of small tasks: several processes in a pod, tasks that wait for tasks, actors, pinned tasks. */
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {afterEach, describe, expect, it} from 'vitest'
import {NEWEST_DASK, OLDEST_DASK} from '../toolchain/pythons.ts'
import {type OperatedDask, operateDask} from './operated-dask.ts'
import {type RealDask, starts, until} from './real-dask.ts'

let operated: OperatedDask | undefined
afterEach(async () => {
  await operated?.stop()
  operated = undefined
})

const operate = async (...options: Parameters<typeof operateDask>): Promise<OperatedDask> => {
  operated = await operateDask(...options)
  return operated
}

/** Each task tells that it starts. */
const PRELUDE = `
import os, sys, time
from distributed import Client, get_client, secede, rejoin, worker_client, get_worker
directory = sys.argv[2]
def started(key, directory=directory):
    with open(directory + '/starts', 'a') as file:
        file.write(f'{key}\\n')
def wait_for(name):
    while not os.path.exists(os.path.join(directory, name)):
        time.sleep(0.05)
client = Client(sys.argv[1])
`

const neverTwice = async (dask: RealDask, count: number): Promise<void> => {
  const counts = await starts(dask.directory)
  expect(counts.size).toBe(count)
  expect([...counts].filter(([, times]) => times > 1)).toEqual([])
}
const begun = (dask: RealDask, count: number): Promise<void> =>
  until(async () => (await starts(dask.directory)).size >= count, `${count} tasks have started`)
const isBlocked = async ({group}: OperatedDask): Promise<string | undefined> => {
  const {status} = await group()
  const condition = status?.conditions?.find(({type}) => type === 'RetirementBlocked')
  return condition?.status === 'True' ? condition.message : undefined
}

describe.each([NEWEST_DASK, OLDEST_DASK])('with Dask %s', (version) => {
  it('two worker processes in each pod leave together, and no task starts twice', async () => {
    const {dask, scale, settles} = await operate(version, {replicas: 3, perPod: 2, flags: ['--nworkers', '2']})
    const load = dask.python(`${PRELUDE}
def work(i):
    started(i); time.sleep(0.3); return i
assert client.gather(client.map(work, range(60), pure=False)) == list(range(60))
print('right')
`)
    await begun(dask, 6)
    await scale(1)
    await settles(1)
    expect((await load.output).trim()).toBe('right')
    await neverTwice(dask, 60)
  })

  it('tasks that wait for their own tasks end, wherever those go, and none starts twice', async () => {
    const {dask, scale, settles} = await operate(version, {replicas: 4})
    const load = dask.python(`${PRELUDE}
def leaf(name):
    started(name); time.sleep(0.3); return 1
def inside(i):
    started(f'inside-{i}')
    with worker_client() as own:
        return sum(own.gather([own.submit(leaf, f'leaf-{i}-{j}', pure=False) for j in range(4)]))
def seceding(i):
    started(f'seceding-{i}')
    own = get_client()
    futures = [own.submit(leaf, f'far-{i}-{j}', pure=False) for j in range(4)]
    secede()
    results = own.gather(futures)
    rejoin()
    return sum(results)
futures = client.map(inside, range(4), pure=False) + client.map(seceding, range(4), pure=False)
assert client.gather(futures) == [4] * 8
print('right')
`)
    await begun(dask, 8)
    await scale(1)
    await settles(1)
    expect((await load.output).trim()).toBe('right')
    await neverTwice(dask, 40)
  })

  it('a worker with an actor stays and says why, and the others go', async () => {
    const cluster = await operate(version, {replicas: 2})
    const {dask, scale, workers} = cluster
    const load = dask.python(`${PRELUDE}
class Counter:
    count = 0
    def add(self):
        self.count += 1
        return self.count
actors = [client.submit(Counter, actor=True, workers=[address], pure=False).result() for address in client.scheduler_info()['workers']]
assert [actor.add().result() for actor in actors] == [1, 1]
started('actors')
wait_for('go')
assert [actor.add().result() for actor in actors] == [2, 2]
print('kept')
`)
    await begun(dask, 1)
    await scale(1)
    await until(async () => /actor/.test((await isBlocked(cluster)) ?? ''), 'the block is told')
    expect(await workers()).toHaveLength(2)
    await writeFile(join(dask.directory, 'go'), '')
    expect((await load.output).trim()).toBe('kept')
    await cluster.settles(1)
  })

  it('a running task that is pinned to a worker ends there before it goes', async () => {
    const {dask, scale, settles} = await operate(version, {replicas: 2})
    const load = dask.python(`${PRELUDE}
def work(i):
    started(i); time.sleep(2); return get_worker().address
addresses = list(client.scheduler_info()['workers'])
futures = [client.submit(work, i, workers=[address], pure=False) for i, address in enumerate(addresses)]
assert client.gather(futures) == addresses
print('right')
`)
    await begun(dask, 2)
    await scale(1)
    await settles(1)
    expect((await load.output).trim()).toBe('right')
    await neverTwice(dask, 2)
  })
})
