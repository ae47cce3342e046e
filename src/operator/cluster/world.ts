import type {Pod, Service} from '../../api/core.ts'
import type {DaskWorkerGroup} from '../../api/dask.ts'

export interface GroupView {
  readonly group: DaskWorkerGroup
  readonly pods: readonly Pod[]
}

/** What is known of a cluster's idleness; times are ours, ms since 1970. */
export interface IdleView {
  /** Since when the scheduler is known to be idle; `undefined`: it works, or did when it was last asked. */
  readonly since?: number
  /** When it was last asked. */
  readonly at: number
  /** Why it has not answered, once that has lasted. */
  readonly failure?: string
}

/** What is known of a cluster's surroundings when its plan is made. */
export interface ClusterWorld {
  /** Whatever holds the names of the cluster's objects, be it the cluster's or not. */
  readonly scheduler: Pod | undefined
  /** A scheduler of this cluster that a Deployment of the Python operator keeps, where the cluster has none of its own. */
  readonly former?: Pod | undefined
  readonly service: Service | undefined
  readonly defaultGroup: DaskWorkerGroup | undefined
  /** All groups that name this cluster, the default one included, with the pods that they control. */
  readonly groups: readonly GroupView[]
  /** How the node of a scheduler that should have gone by now is lost; `undefined` where it is not, or nobody had to ask. */
  readonly lostNode?: string | undefined
  /** `undefined` where the cluster does not ask for it, or its scheduler has not been asked yet. */
  readonly idle?: IdleView | undefined
}
