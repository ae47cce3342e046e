import type {PodSpec, ServiceSpec} from './core.ts'
import type {IngressTls, NetworkPolicyPeer, ParentReference} from './networking.ts'
import type {Condition, Kind, KubeObject} from './object.ts'

/** The four kinds of `kubernetes.dask.org/v1` (contract section 1; our own fields: api-additions). */

export const GROUP = 'kubernetes.dask.org'
export const API_VERSION = `${GROUP}/v1`

/** The only metadata that upstream's CRDs keep inside a spec. */
export interface PartMetadata {
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** An Ingress that leads to the dashboard. */
export interface IngressPart {
  readonly metadata?: PartMetadata
  readonly ingressClassName?: string
  /** Absent: every host. */
  readonly host?: string
  /** Default `/`. */
  readonly path?: string
  /** Default `Prefix`. */
  readonly pathType?: 'Exact' | 'ImplementationSpecific' | 'Prefix'
  readonly tls?: readonly IngressTls[]
}

/** An HTTPRoute of the Gateway API that leads to the dashboard. */
export interface HttpRoutePart {
  readonly metadata?: PartMetadata
  readonly parentRefs: readonly ParentReference[]
  readonly hostnames?: readonly string[]
  /** What the path of a request begins with; default `/`. */
  readonly path?: string
}

export interface SchedulerPart {
  readonly metadata?: PartMetadata
  /** `OnDelete` (default): a changed scheduler waits until it is deleted or restarted; `Recreate`: it is replaced at once. */
  readonly updateStrategy?: {readonly type?: 'OnDelete' | 'Recreate'}
  readonly spec: PodSpec
  readonly service: ServiceSpec
  readonly ingress?: IngressPart
  readonly httpRoute?: HttpRoutePart
  /** Evictions (the drain of a node, say) leave the scheduler alone. */
  readonly podDisruptionBudget?: {
    /** Default 1; 0 lets it be evicted. */
    readonly minAvailable?: number
  }
}

/** Who reaches the pods of a cluster, where the network of Kubernetes enforces NetworkPolicies: its own pods, the operator, and those named here. */
export interface NetworkPolicyPart {
  /** Who else reaches the scheduler, on the ports of its service. */
  readonly from?: readonly NetworkPolicyPeer[]
}

/** How changed workers are replaced; counts or percentages of the replicas, as a Deployment's. */
export interface WorkerUpdateStrategy {
  readonly type?: 'RollingUpdate' | 'OnDelete'
  readonly rollingUpdate?: {
    /** Default 25%, rounded up. */
    readonly maxSurge?: number | string
    /** Default 0; a percentage is rounded down. */
    readonly maxUnavailable?: number | string
  }
}

export interface RetirementPolicy {
  /** How long a leaving worker may finish what it executes; default 3600. */
  readonly timeoutSeconds?: number
  /** `Keep` (default): it works on, and a condition tells so; `Delete`: its pod goes, and what it executed is started again elsewhere. */
  readonly onTimeout?: 'Keep' | 'Delete'
}

export interface WorkerPart {
  readonly replicas?: number
  readonly updateStrategy?: WorkerUpdateStrategy
  readonly retirement?: RetirementPolicy
  readonly metadata?: PartMetadata
  readonly spec: PodSpec
}

/** Where the certificate comes from that all processes of a cluster show each other; one of the two. */
export interface ClusterTls {
  /** The operator issues it, with an authority of the cluster's own, and renews it. */
  readonly auto?: boolean
  /** A Secret in cert-manager's shape: `tls.crt`, `tls.key`, `ca.crt`. */
  readonly secretName?: string
}

export interface DaskClusterSpec {
  /** Seconds; 0 or absent: never. */
  readonly idleTimeout?: number
  /** What becomes of a cluster that has been idle for `idleTimeout`: it is deleted (default) or suspended. */
  readonly idleAction?: 'Delete' | 'Suspend'
  /** All pods go, workers first and in peace; the objects stay, and the pods come back when it is false again. */
  readonly suspend?: boolean
  /** Another controller than this operator takes care of it: nothing is made or told. Never changed once it is given, as in batch/v1 Job. */
  readonly managedBy?: string
  readonly networkPolicy?: NetworkPolicyPart
  /** Scheduler, workers and clients speak TLS, and take in nobody without the cluster's certificate. */
  readonly tls?: ClusterTls
  readonly scheduler: SchedulerPart
  readonly worker: WorkerPart
}

export type ClusterPhase = 'Created' | 'Pending' | 'Running' | 'Error'

export interface DaskClusterStatus {
  readonly phase?: ClusterPhase
  readonly conditions?: readonly Condition[]
  readonly observedGeneration?: number
  readonly replicas?: number
  readonly readyReplicas?: number
  /** Worker pods made from the spec as it is now. */
  readonly updatedReplicas?: number
  /** Label selector of all the cluster's worker pods, as the scale subresource wants it. */
  readonly selector?: string
  readonly schedulerAddress?: string
  readonly dashboardURL?: string
  /** Since when nothing has run, while `idleTimeout` asks for it. */
  readonly idleSince?: string
}

export interface DaskCluster extends KubeObject {
  readonly spec: DaskClusterSpec
  readonly status?: DaskClusterStatus
}

export interface DaskWorkerGroupSpec {
  /** Name of the DaskCluster in the same namespace. */
  readonly cluster: string
  readonly worker: WorkerPart
}

export interface DaskWorkerGroupStatus {
  readonly replicas?: number
  readonly readyReplicas?: number
  /** Worker pods made from the spec as it is now. */
  readonly updatedReplicas?: number
  readonly retiringReplicas?: number
  /** Label selector of the group's worker pods, as the scale subresource wants it. */
  readonly selector?: string
  readonly conditions?: readonly Condition[]
  readonly observedGeneration?: number
}

export interface DaskWorkerGroup extends KubeObject {
  readonly spec: DaskWorkerGroupSpec
  readonly status?: DaskWorkerGroupStatus
}

export type JobStatus = 'JobCreated' | 'ClusterCreated' | 'Running' | 'Successful' | 'Failed'

export interface DaskJobSpec {
  readonly job: {readonly metadata?: PartMetadata; readonly spec: PodSpec}
  /** A cluster of the job's own; absent where `clusterName` names one that exists. */
  readonly cluster?: {readonly metadata?: PartMetadata; readonly spec: DaskClusterSpec}
  readonly clusterName?: string
  /** How often the program is tried again after a failure, as in batch/v1 Job; 0 or absent: never. */
  readonly backoffLimit?: number
  /** Seconds from the job's creation (or resumption) after which it has failed. */
  readonly activeDeadlineSeconds?: number
  /** Seconds after the end after which the job itself is deleted. */
  readonly ttlSecondsAfterFinished?: number
  readonly suspend?: boolean
  /** As a cluster's. */
  readonly managedBy?: string
  /** When the job's own cluster goes; default `Always`. */
  readonly clusterDeletionPolicy?: 'Always' | 'OnSuccess' | 'Never'
}

export interface DaskJobStatus {
  readonly jobStatus?: JobStatus
  readonly clusterName?: string
  readonly jobRunnerPodName?: string
  readonly startTime?: string
  readonly endTime?: string
  readonly conditions?: readonly Condition[]
  /** How many times the program has been begun. */
  readonly attempts?: number
  readonly exitCode?: number
  readonly reason?: string
  readonly message?: string
  readonly observedGeneration?: number
}

export interface DaskJob extends KubeObject {
  readonly spec: DaskJobSpec
  readonly status?: DaskJobStatus
}

export interface ScalingPolicy {
  readonly type: 'Pods' | 'Percent'
  readonly value: number
  /** For how long the number or share counts. */
  readonly periodSeconds: number
}

/** How one direction is followed, in HorizontalPodAutoscaler's words. */
export interface ScalingRules {
  /** How long the scheduler must go on asking for so many before they are given, or for so few before they are taken. */
  readonly stabilizationWindowSeconds?: number
  /** Which of several policies counts; default Max. */
  readonly selectPolicy?: 'Max' | 'Min' | 'Disabled'
  readonly policies?: readonly ScalingPolicy[]
}

export interface DaskAutoscalerSpec {
  /** Name of the DaskCluster in the same namespace. */
  readonly cluster: string
  /** Name of the DaskWorkerGroup; absent: the cluster's default one. */
  readonly workerGroup?: string
  /** Default 0. */
  readonly minimum?: number
  /** Default 10. */
  readonly maximum?: number
  /** Absent: up at once; down after 15 s, and then by at most a quarter every 15 s. */
  readonly behavior?: {readonly scaleUp?: ScalingRules; readonly scaleDown?: ScalingRules}
}

export interface DaskAutoscalerStatus {
  /** Workers that there are and that are not leaving, ready or not. */
  readonly currentReplicas?: number
  /** The number that the group has been given. */
  readonly desiredReplicas?: number
  /** How many workers the scheduler asked for last, for the whole cluster. */
  readonly target?: number
  readonly lastScaleTime?: string
  readonly conditions?: readonly Condition[]
  readonly observedGeneration?: number
}

export interface DaskAutoscaler extends KubeObject {
  readonly spec: DaskAutoscalerSpec
  readonly status?: DaskAutoscalerStatus
}

const dask = <T extends KubeObject>(kind: string, plural: string): Kind<T> => ({apiVersion: API_VERSION, kind, plural, namespaced: true})

export const DASK_CLUSTERS = dask<DaskCluster>('DaskCluster', 'daskclusters')
export const DASK_WORKER_GROUPS = dask<DaskWorkerGroup>('DaskWorkerGroup', 'daskworkergroups')
export const DASK_JOBS = dask<DaskJob>('DaskJob', 'daskjobs')
export const DASK_AUTOSCALERS = dask<DaskAutoscaler>('DaskAutoscaler', 'daskautoscalers')

/** All of ours. */
export const DASK_KINDS: readonly Kind[] = [DASK_CLUSTERS, DASK_WORKER_GROUPS, DASK_JOBS, DASK_AUTOSCALERS]
