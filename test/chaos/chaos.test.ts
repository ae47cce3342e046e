import {afterAll, beforeAll, describe, expect, inject, it} from 'vitest'
import {type DaskHost, startDaskHost} from './dask-host.ts'
import {runSchedule} from './run-schedule.ts'
import {scheduleOf} from './schedule.ts'

/** `npm run chaos -- --seeds 1000 --from 101 --times 1` sets them. */
const SEEDS = Number(process.env['CHAOS_SEEDS'] ?? 100)
const TIMES = Number(process.env['CHAOS_TIMES'] ?? 1)
const FROM = Number(process.env['CHAOS_FROM'] ?? 1)

describe.concurrent('an operator among faults', () => {
  let dask: DaskHost
  beforeAll(async () => {
    dask = await startDaskHost()
  })
  afterAll(() => dask?.stop())

  const seeds = Array.from({length: SEEDS * TIMES}, (_, index) => FROM + Math.floor(index / TIMES))
  it.each(seeds)('seed %i', async (seed) => {
    const {problems, story} = await runSchedule(scheduleOf(seed), dask, inject('operatorProgram'))
    // The problems first: at the end of `npm test` a failure is told by its first lines, and a story is long.
    expect(problems, `${problems.join('\n')}\nwhat happened:\n${story.join('\n')}\n`).toEqual([])
  })
})
