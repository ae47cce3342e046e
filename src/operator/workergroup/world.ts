import type {Pod} from '../../api/core.ts'
import type {DaskCluster} from '../../api/dask.ts'
import type {LeavePolicy} from '../../api/leave-policy.ts'
import type {Ref} from '../../api/object.ts'

/** A worker process that the scheduler knows, found to live in a pod. One pod may hold several. */
export interface Connected {
  readonly address: string
  /** `running`, `paused`, `closing_gracefully` …, in Dask's own words. */
  readonly status: string
}

/** What the scheduler says of the workers; it is asked only when something is to leave. */
export type SchedulerView =
  | {readonly is: 'unasked'}
  /** There is no scheduler that workers could have got work from. */
  | {readonly is: 'absent'}
  | {readonly is: 'unreachable'; readonly message: string}
  | {
      readonly is: 'answered'
      /** By pod name; a pod without an entry has no connected worker. */
      readonly connected: ReadonlyMap<string, readonly Connected[]>
      /** Pod names, the first to leave first, each with why it comes there (contract 4.5). */
      readonly order: readonly {readonly name: string; readonly reason: string}[]
    }

/** How far the retirement of a pod's workers has come, by the pod's UID. */
export type Retirement =
  | {readonly is: 'underWay'}
  /** They have left the scheduler: the pod holds nothing any more. */
  | {readonly is: 'retired'}
  /** They were let back in, for now; `isPart`: but for some that have left. */
  | {readonly is: 'kept'; readonly reason: string; readonly message: string; readonly at: number; readonly isPart?: true}
  /** These begin nothing any more, and are not let back in: they go as they are, if that is still wanted. */
  | {readonly is: 'givenUp'; readonly reason: string; readonly addresses: readonly string[]}

/** What is known of a group's surroundings when its plan is made. */
export interface GroupWorld {
  readonly cluster: DaskCluster | undefined
  /** The cluster's own scheduler pod. */
  readonly scheduler: Pod | undefined
  /** Pods that the group controls. */
  readonly pods: readonly Pod[]
  /** Worker pods of this group that the Python operator's Deployments keep, while pods are missing. */
  readonly former: readonly Pod[]
  /** Fresh random ids, more than enough for the pods that are missing. */
  readonly ids: readonly string[]
  readonly view: SchedulerView
  readonly retirements: ReadonlyMap<string, Retirement>
  /** No group of the cluster is to have a worker. */
  readonly isGoingToZero: boolean
}

/** Has the workers of pods drained and retired in the background; the pods carry the mark already. */
export interface Retire {
  readonly do: 'retire'
  readonly cluster: Ref
  readonly pods: readonly {readonly name: string; readonly uid: string; readonly addresses: readonly string[]}[]
  readonly zero: boolean
  readonly policy: LeavePolicy
}
