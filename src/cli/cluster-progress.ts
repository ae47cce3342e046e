import type {Pod} from '../api/core.ts'
import type {DaskCluster, DaskWorkerGroup} from '../api/dask.ts'
import {replicasToBe, wantedOf} from '../api/handed-down.ts'
import {ANNOTATION_HANDED_DOWN, defaultGroupName, LABEL_COMPONENT} from '../api/names.ts'
import {podCause} from '../api/pod-cause.ts'
import {VIOLATES_POD_SECURITY} from '../api/pod-security.ts'
import {isPodReady} from '../api/pod-state.ts'
import {conditionOf} from './columns.ts'

/** Why something does not go on, in the words of the cause. */
export interface Problem {
  readonly reason: string
  readonly message: string
  readonly pod?: Pod
  /** It does not mend itself: waiting on makes no sense. */
  readonly isFinal: boolean
}

export interface StepNews {
  readonly name: string
  readonly state: 'waiting' | 'working' | 'done' | 'failed'
  readonly detail: string
}

export interface ClusterProgress {
  readonly steps: readonly StepNews[]
  readonly isReady: boolean
  readonly problem: Problem | undefined
}

/**
 * The cluster with the number of its workers in its status: the Python operator tells none, its definitions drop it, and the groups' numbers may
 * have been changed since the cluster's. What the default group has still to be told counts already.
 */
export const withWorkerNumber = (cluster: DaskCluster, groups: readonly DaskWorkerGroup[]): DaskCluster => {
  const own = groups.filter(({spec}) => spec.cluster === cluster.metadata.name)
  if (cluster.status?.phase === undefined || cluster.status.replicas !== undefined || own.length === 0) return cluster
  const main = defaultGroupName(cluster.metadata.name)
  const numberOf = (group: DaskWorkerGroup): number => {
    const {replicas = 1} = group.spec.worker
    // Where the group does not tell what it was told, the larger number may still be on its way.
    const isTold = group.metadata.name !== main || group.metadata.annotations?.[ANNOTATION_HANDED_DOWN] !== undefined
    return replicasToBe(group, cluster) ?? (isTold ? replicas : Math.max(replicas, wantedOf(cluster)))
  }
  const missing = own.some(({metadata}) => metadata.name === main) ? 0 : wantedOf(cluster)
  return {...cluster, status: {...cluster.status, replicas: own.reduce((sum, group) => sum + numberOf(group), missing)}}
}

/** Causes that a person must mend; others (no room yet, a quota) may pass while one waits. */
const FINAL = new Set([
  ...['ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName', 'ImageInspectError'],
  ...['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError', 'StartError', 'ContainerCannotRun'],
  ...['CrashLoopBackOff', 'SecretsForbidden', VIOLATES_POD_SECURITY],
])

/** How far a cluster has come on its way to ready, by its own status and its pods. Works with the Python operator's status too. */
export function clusterProgress(cluster: DaskCluster, pods: readonly Pod[]): ClusterProgress {
  const living = pods.filter(({metadata}) => metadata.deletionTimestamp === undefined)
  const schedulers = living.filter((pod) => pod.metadata.labels?.[LABEL_COMPONENT] === 'scheduler')
  const workers = living.filter((pod) => pod.metadata.labels?.[LABEL_COMPONENT] === 'worker')
  const wanted = cluster.status?.replicas ?? cluster.spec.worker.replicas ?? 0
  const readyWorkers = workers.filter(isPodReady).length
  // After a restart the operator's word may still be of the scheduler before.
  const isComing = schedulers.length > 0 && !schedulers.some(isPodReady)
  const isReady =
    !isComing &&
    (hasReadyCondition(cluster) ?? (cluster.status?.phase === 'Running' && schedulers.some(isPodReady) && readyWorkers >= wanted))
  // The pods are watched apart from the cluster: what is known of them may be a moment older than the word of the operator.
  const steps = isReady
    ? doneSteps(cluster.status?.readyReplicas ?? wanted)
    : [schedulerStep(schedulers), workersStep(workers, readyWorkers, Math.max(wanted, workers.length))]
  return {
    steps,
    isReady,
    problem: isReady ? undefined : worst([clusterProblem(cluster), firstPodProblem([...schedulers, ...workers])]),
  }
}

/** `undefined` where the operator writes no conditions for this cluster. */
const hasReadyCondition = ({metadata, status}: DaskCluster): boolean | undefined => {
  const ready = conditionOf(status?.conditions, 'Ready')
  if (!ready) return undefined
  const isCurrent = (ready.observedGeneration ?? status?.observedGeneration ?? metadata.generation ?? 0) >= (metadata.generation ?? 0)
  return ready.status === 'True' && isCurrent
}

const doneSteps = (workers: number): readonly StepNews[] => [
  {name: 'scheduler', state: 'done', detail: 'ready'},
  {name: 'workers', state: 'done', detail: `${workers}/${workers} ready`},
]

const schedulerStep = ([pod]: readonly Pod[]): StepNews => {
  if (!pod) return {name: 'scheduler', state: 'waiting', detail: ''}
  if (isPodReady(pod)) return {name: 'scheduler', state: 'done', detail: 'ready'}
  const cause = podCause(pod)
  return {name: 'scheduler', state: 'working', detail: cause ? `${cause.reason}: ${cause.message}` : (pod.status?.phase ?? 'Pending')}
}

const workersStep = (workers: readonly Pod[], ready: number, wanted: number): StepNews => {
  const blocked = workers.map((pod) => (isPodReady(pod) ? undefined : podCause(pod))).filter((cause) => cause !== undefined)
  const [first] = blocked
  const why = first ? `; ${blocked.length} ${first.reason}: ${first.message}` : ''
  return {
    name: 'workers',
    state: ready >= wanted ? 'done' : workers.length === 0 ? 'waiting' : 'working',
    detail: `${ready}/${wanted} ready${why}`,
  }
}

const clusterProblem = ({status}: DaskCluster): Problem | undefined => {
  const told = status?.conditions?.find(
    ({type, status: is}) => (type === 'Degraded' && is === 'True') || (type === 'Ready' && is !== 'True'),
  )
  if (status?.phase === 'Error')
    return {reason: told?.reason ?? 'Error', message: told?.message ?? 'the operator refuses this cluster', isFinal: true}
  const degraded = conditionOf(status?.conditions, 'Degraded')
  return degraded?.status === 'True' ? {reason: degraded.reason, message: degraded.message, isFinal: FINAL.has(degraded.reason)} : undefined
}

/** The first pod that cannot go on, one whose cause is final before the others. */
export const firstPodProblem = (pods: readonly Pod[]): Problem | undefined => {
  const problems = pods.map((pod): Problem | undefined => {
    const cause = isPodReady(pod) ? undefined : podCause(pod)
    return cause && {...cause, pod, isFinal: FINAL.has(cause.reason)}
  })
  return worst(problems)
}

const worst = (problems: readonly (Problem | undefined)[]): Problem | undefined =>
  problems.find((problem) => problem?.isFinal) ?? problems.find((problem) => problem !== undefined)
