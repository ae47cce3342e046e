import type {Pod} from '../../api/core.ts'
import type {DaskCluster} from '../../api/dask.ts'
import {dashboardPodPort} from '../../api/scheduler-address.ts'
import {readCounts} from '../../dask/counts.ts'
import type {Dial} from '../../dask/dial.ts'
import type {AskUnrunnable} from './unrunnable-watch.ts'

/** The way to a scheduler's ports. */
type Reach = <T>(cluster: DaskCluster, scheduler: Pod, work: (connection: unknown, dial: Dial) => Promise<T>) => Promise<T>

const COUNTS_MS = 5_000

/** Where there is no worker at all, that is why tasks wait, and no news. */
export const createAskUnrunnable =
  (reach: Reach): AskUnrunnable =>
  (cluster, scheduler) =>
    reach(cluster, scheduler, async (_, dial) => {
      const port = dashboardPodPort({spec: cluster.spec.scheduler.service}, scheduler)
      const {workers, unrunnable} = await readCounts(dial, port, COUNTS_MS)
      return workers > 0 ? unrunnable : 0
    })
