import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {readIdleness} from '../../src/dask/idleness.ts'
import type {Scheduler} from '../../src/dask/scheduler.ts'
import {type RealDask, startDask, until} from './real-dask.ts'

/** Runs one task of two seconds, keeps its result, says so, and goes when it is asked to. */
const HOLDER = `
import sys, time
from distributed import Client
with Client(sys.argv[1], set_as_default=False) as client:
    future = client.submit(lambda: time.sleep(2) or 7, pure=False)
    future.result()
    print("held", flush=True)
    time.sleep(6)
`

describe.each(['2022.12.1', '2026.8.0'])('the idleness of a scheduler of Dask %s', (version) => {
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
  /** The mark of a time in which nothing runs. */
  const idle = async (): Promise<string> => {
    let mark = ''
    await until(async () => {
      const found = await readIdleness(scheduler)
      if (found.isIdle) mark = found.mark
      return found.isIdle
    }, 'it is idle')
    return mark
  }

  it('is one and the same for as long as nothing runs', async () => {
    const mark = await idle()
    expect(await idle()).toBe(mark)
  })

  it('ends with a task, and begins anew though the result is held', async () => {
    const mark = await idle()
    const {child, output} = real.python(HOLDER)
    await until(async () => !(await readIdleness(scheduler)).isIdle, 'it works')
    await new Promise((resolve) => child.stdout?.once('data', resolve))
    const again = await idle()
    expect(again).not.toBe(mark)
    expect(await output).toBe('held\n')
  })

  it('is read without changing the scheduler', async () => {
    await idle()
    const {output} = real.python(`
import sys
from distributed import Client
with Client(sys.argv[1], set_as_default=False) as client:
    print(client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.idle_timeout))
`)
    expect(await output).toBe('None\n')
  })
})
