import type {Pod, Secret, Service} from '../../api/core.ts'
import type {DaskWorkerGroup} from '../../api/dask.ts'
import type {NetworkPolicy, PodDisruptionBudget} from '../../api/networking.ts'
import type {Routes} from './routes.ts'

export interface GroupView {
  readonly group: DaskWorkerGroup
  readonly pods: readonly Pod[]
}

/** What is known of a cluster's idleness. Spans are measured by a clock that nobody sets. */
export interface IdleView {
  /** Since when the scheduler is known to be idle, ms since 1970; `undefined`: it works, or did when it was last asked. */
  readonly since?: number
  /** For how long it had been idle when it was last asked. */
  readonly forMs: number
  /** How long ago it was last asked. */
  readonly ageMs: number
  /** Why it has not answered, once that has lasted. */
  readonly failure?: string
}

/** What there is beside the pods, under the names that the cluster would give it. */
export interface Accessories extends Routes {
  readonly schedulerPolicy: NetworkPolicy | undefined
  readonly workersPolicy: NetworkPolicy | undefined
  readonly budget: PodDisruptionBudget | undefined
  /** Where the operator's own pod is; `undefined`: it runs outside of Kubernetes. */
  readonly operatorNamespace: string | undefined
}

/** What is known of the Secret that a cluster's certificate is in. */
export type TlsView =
  /** `renewal`: a patch with a new certificate, where it is time for one. */
  | {readonly is: 'there'; readonly secret: Secret; readonly renewal?: Readonly<Record<string, unknown>>}
  /** `fresh`: one that may be made in its place. */
  | {readonly is: 'missing'; readonly fresh?: Secret}
  /** `message`: in the API server's words. */
  | {readonly is: 'forbidden'; readonly message: string}
  | {readonly is: 'unfit'; readonly message: string}
  /** It was an earlier cluster's of the same name. */
  | {readonly is: 'leaving'}

/** What is known of a cluster's surroundings when its plan is made. */
export interface ClusterWorld {
  /** Whatever holds the names of the cluster's objects, be it the cluster's or not. */
  readonly scheduler: Pod | undefined
  /** A scheduler of this cluster that a Deployment of the Python operator keeps, where the cluster has none of its own. */
  readonly former?: Pod | undefined
  readonly service: Service | undefined
  readonly accessories: Accessories
  readonly defaultGroup: DaskWorkerGroup | undefined
  /** All groups that name this cluster, the default one included, with the pods that they control. */
  readonly groups: readonly GroupView[]
  /** How the node of a scheduler that should have gone by now is lost; `undefined` where it is not, or nobody had to ask. */
  readonly lostNode?: string | undefined
  /** `undefined` where the cluster does not ask for it, or its scheduler has not been asked yet. */
  readonly idle?: IdleView | undefined
  /** Tasks that none of its workers can run; `undefined` where nobody had to ask. */
  readonly unrunnable?: number | undefined
  /** `undefined` where the cluster does not speak TLS, or is suspended. */
  readonly tls?: TlsView | undefined
}
