import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {directDial} from '../../src/dask/dial.ts'
import {openTaskFeed, type TaskFeed, type TaskNumbers} from '../../src/dask/task-feed.ts'
import {type RealDask, startDask} from './real-dask.ts'

/** Holds ten results and one failure, says so, and goes. */
const HOLDER = `
import sys, time
from distributed import Client
with Client(sys.argv[1], set_as_default=False) as client:
    futures = client.map(lambda x: x + 1, range(10), pure=False) + [client.submit(lambda: 1 / 0, pure=False)]
    client.gather(futures, errors="skip")
    print("held", flush=True)
    time.sleep(2)
`

describe.each(['2022.12.1', '2026.8.0'])('the tasks of a scheduler of Dask %s', (version) => {
  let real: RealDask
  let feed: TaskFeed
  beforeAll(async () => {
    real = await startDask(version)
    await real.addWorker('alice')
    feed = await openTaskFeed(directDial('127.0.0.1'), {port: real.port, timeoutMs: 10_000, everyMs: 100})
  })
  afterAll(async () => {
    feed.close()
    await real.stop()
  })

  it('are told by what they are at, and those that have ended for good', async () => {
    expect(await feed.next()).toEqual({waiting: 0, queued: 0, unrunnable: 0, processing: 0, results: 0, erred: 0, done: 0})
    const {child, output} = real.python(HOLDER)
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    const untilSo = async (isSo: (numbers: TaskNumbers) => boolean): Promise<TaskNumbers> => {
      for (;;) {
        const numbers = await feed.next()
        if (isSo(numbers)) return numbers
      }
    }
    expect(await untilSo(({results}) => results === 10)).toMatchObject({waiting: 0, processing: 0, erred: 1, done: 11})
    await output
    expect(await untilSo(({results}) => results === 0)).toMatchObject({done: 11})
  })
})
