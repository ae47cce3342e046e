import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {Scheduler} from '../../src/dask/scheduler.ts'
import {type RealDask, startDask, until} from './real-dask.ts'

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
  let scheduler: Scheduler
  beforeAll(async () => {
    real = await startDask(version)
    await real.addWorker('alice')
    scheduler = await real.connect()
  })
  afterAll(async () => {
    scheduler.close()
    await real.stop()
  })

  it('are told by what they are at, and those that have ended for good', async () => {
    expect(await scheduler.tasks()).toEqual({waiting: 0, queued: 0, unrunnable: 0, processing: 0, results: 0, erred: 0, done: 0})
    const {child, output} = real.python(HOLDER)
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    expect(await scheduler.tasks()).toMatchObject({waiting: 0, processing: 0, results: 10, erred: 1, done: 11})
    await output
    await until(async () => (await scheduler.tasks()).results === 0, 'the results are given back')
    expect((await scheduler.tasks()).done).toBe(11)
  })
})
