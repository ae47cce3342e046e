import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {NODES} from '../../src/api/core.ts'
import {isReady, stand, until} from './ground.ts'

const {client, kubectl, dask, pods, python} = stand('drain')
const DRAINED = 'dask.org/workergroup-name=demo-default'

/** Tasks without end, a few of them waiting, until a file says that it is enough; each leaves a line when it starts. */
const LOAD = `
import os, sys, time
from distributed import Client
address, file = sys.argv[1:3]
def task(i):
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, f"{i}\\n".encode()); os.close(fd)
    time.sleep(0.3)
    return i
with Client(address) as client:
    futures = []
    while not os.path.exists(file + ".enough"):
        if sum(not future.done() for future in futures) < 12:
            futures.append(client.submit(task, len(futures), pure=False))
        else:
            time.sleep(0.05)
    assert client.gather(futures) == list(range(len(futures)))
print(len(futures))
`

let directory = ''
let node = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'drain-'))
  node = (await client.list(NODES)).items[0]?.metadata.name ?? ''
  const create = ['cluster', 'create', 'demo', '--workers', '2', '--group', 'staying=1', '--wait', '--timeout', '90s']
  expect((await dask(...create)).code).toBe(0)
})
afterAll(async () => {
  await kubectl('uncordon', node)
  await rm(directory, {recursive: true, force: true})
})

const starts = async (): Promise<readonly string[]> =>
  (await readFile(join(directory, 'starts'), 'utf8').catch(() => '')).split('\n').filter(Boolean)

it('a node is drained of workers under load without a task starting twice, and has workers again once it is uncordoned', async () => {
  const load = python(LOAD, 'demo', join(directory, 'starts'))
  await until(async () => (await starts()).length >= 6, 'tasks run')
  const before = (await pods(DRAINED)).map(({metadata}) => metadata.uid)
  // One group stays to take the tasks over, as the workers of other nodes would.
  const said = await kubectl('drain', node, `--pod-selector=${DRAINED}`, '--delete-emptydir-data', '--timeout=60s')
  expect(said).toMatch(new RegExp(`^node/${node} cordoned$`, 'm'))
  expect(said.match(/^pod\/\S+ evicted$/gm)).toHaveLength(2)
  const drained = (await starts()).length
  await until(async () => (await starts()).length > drained, 'the load goes on behind the drain')
  await writeFile(join(directory, 'starts.enough'), '')
  const tasks = Number(await load)
  const all = await starts()
  expect(all.toSorted((one, other) => Number(one) - Number(other))).toEqual(Array.from({length: tasks}, (_, index) => String(index)))

  const cause = async () =>
    (await pods(DRAINED)).map(({status}) => status?.conditions?.find(({type}) => type === 'PodScheduled')?.message ?? '')
  await until(async () => {
    const told = await cause()
    return told.length === 2 && told.every((message) => message.includes('1 node(s) were unschedulable'))
  }, 'the new workers wait for a node')

  await kubectl('uncordon', node)
  await kubectl('wait', 'daskcluster/demo', '--for=condition=Ready', '--timeout=60s')
  await until(async () => (await pods(DRAINED)).filter(isReady).length === 2, 'the workers are back')
  expect((await pods(DRAINED)).filter(({metadata}) => before.includes(metadata.uid))).toEqual([])
})
