import type {Pod} from '../../api/core.ts'
import type {DaskAutoscaler, DaskCluster, DaskWorkerGroup} from '../../api/dask.ts'
import type {Step} from './behavior.ts'
import type {Readings} from './readings.ts'

export interface GroupView {
  readonly group: DaskWorkerGroup
  /** Pods that are neither leaving nor ended; those that retire carry their mark. */
  readonly pods: readonly Pod[]
}

/** What is known of an autoscaler's surroundings when its plan is made. */
export interface AutoscalerWorld {
  readonly cluster: DaskCluster | undefined
  /** The cluster's own scheduler pod. */
  readonly scheduler: Pod | undefined
  /** The group of the name that the autoscaler means, whichever cluster it is of. */
  readonly group: DaskWorkerGroup | undefined
  /** All groups that the cluster has taken in. */
  readonly groups: readonly GroupView[]
  /** This one, and all others that the cluster has taken in. */
  readonly autoscalers: readonly DaskAutoscaler[]
  readonly readings: Readings | undefined
  /** How the group's number has changed since this operator looks on. */
  readonly steps: readonly Step[]
  /** Since when it looks on. */
  readonly watchedSince: number
}
