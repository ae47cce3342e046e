import type {Pod} from '../../api/core.ts'
import type {DaskCluster} from '../../api/dask.ts'
import {dashboardPodPort} from '../../api/scheduler-address.ts'
import {readCounts} from '../../dask/counts.ts'
import type {Dial} from '../../dask/dial.ts'
import type {Scheduler} from '../../dask/scheduler.ts'
import {rememberYoungest} from '../engine/youngest.ts'
import type {AskTarget} from './controller.ts'
import type {Answer} from './readings.ts'

/** The way to a scheduler. */
export type Reach = <T>(cluster: DaskCluster, scheduler: Pod, work: (connection: Scheduler, dial: Dial) => Promise<T>) => Promise<T>

const COUNTS_MS = 5_000
/** A scheduler that has failed to answer over HTTP so many times serves none, or nobody can reach it. */
const FAILURES = 3
/** From then on it is asked only now and then. */
const RETRY_EVERY = 30

/**
 * Asks over Dask's own protocol, which costs a scheduler little however many tasks it has; and over HTTP, where it goes through all of them,
 * only when workers may have to go. Where a scheduler serves no HTTP, tasks that no worker can run stay unknown.
 */
export const createAskTarget = (reach: Reach): AskTarget => {
  /** By UID of the scheduler's pod: how often it has been asked over HTTP in vain. */
  const failures = new Map<string, number>()
  return ({cluster, scheduler, withUnrunnable}) =>
    reach(cluster, scheduler, async (connection, dial): Promise<Answer> => {
      if (!withUnrunnable) return {target: await connection.adaptiveTarget(), isWhole: false}
      const {uid = ''} = scheduler.metadata
      const failed = failures.get(uid) ?? 0
      if (failed < FAILURES || failed % RETRY_EVERY === 0) {
        const port = dashboardPodPort({spec: cluster.spec.scheduler.service}, scheduler)
        // Why it has failed does not matter: what was asked for is asked for by Dask's own protocol then.
        const counts = await readCounts(dial, port, COUNTS_MS).catch(() => undefined)
        if (counts && isCount(counts.desired_workers) && isCount(counts.unrunnable)) {
          failures.delete(uid)
          return {target: counts.desired_workers, unrunnable: counts.unrunnable, isWhole: true}
        }
      }
      rememberYoungest(failures, uid, failed + 1)
      return {target: await connection.adaptiveTarget(), isWhole: failed + 1 >= FAILURES}
    })
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0
