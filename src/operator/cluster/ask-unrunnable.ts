import type {Pod} from '../../api/core.ts'
import type {DaskCluster} from '../../api/dask.ts'
import {dashboardPodPort} from '../../api/scheduler-address.ts'
import {readCounts} from '../../dask/counts.ts'
import type {Dial} from '../../dask/dial.ts'
import type {Scheduler} from '../../dask/scheduler.ts'
import type {AskUnrunnable} from './unrunnable-watch.ts'

/** The way to a scheduler and to its ports. */
type Reach = <T>(
  cluster: DaskCluster,
  scheduler: Pod,
  work: (connection: Pick<Scheduler, 'identity'>, dial: Dial) => Promise<T>,
) => Promise<T>

const COUNTS_MS = 5_000

/** While no worker runs (there is none, or all have paused for their memory) Dask counts every task as one that none can run. */
export const createAskUnrunnable =
  (reach: Reach): AskUnrunnable =>
  (cluster, scheduler) =>
    reach(cluster, scheduler, async (connection, dial) => {
      const {workers} = await connection.identity()
      if (!workers.some(({status}) => status === 'running')) return undefined
      const port = dashboardPodPort({spec: cluster.spec.scheduler.service}, scheduler)
      const {unrunnable} = await readCounts(dial, port, COUNTS_MS)
      if (!Number.isInteger(unrunnable) || unrunnable < 0)
        throw new Error("the scheduler's dashboard does not tell how many tasks no worker can run")
      return unrunnable
    })
