import {findCondition} from '../../api/conditions.ts'
import {PODS, type Pod} from '../../api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, type DaskCluster, type DaskJob, type DaskJobStatus} from '../../api/dask.ts'
import {hasJobEnded} from '../../api/job-state.ts'
import {isManagedElsewhere} from '../../api/managed-by.ts'
import {ANNOTATION_STOPPED_AT, isClusterName} from '../../api/names.ts'
import type {KubeObject} from '../../api/object.ts'
import {isControlledBy} from '../../api/ownership.ts'
import {hasPodSucceeded, isPodEnded, isPodLeaving, podEndedAt} from '../../api/pod-state.ts'
import {refOf} from '../../api/ref.ts'
import {tlsSecretName} from '../../api/tls.ts'
import type {Action, Create, Delete, Plan} from '../engine/contract.ts'
import {hasRestartedTooOften, lastAttempt, mayTryAgain, pauseAfter} from './attempts.ts'
import {jobCluster, runnerPod} from './parts.ts'
import {REASON, SUSPENDED} from './reasons.ts'
import {
  endedStatus,
  exhaustedStatus,
  failedWith,
  heldStatus,
  invalidStatus,
  lostStatus,
  runningStatus,
  suspendedStatus,
  waitingStatus,
} from './status.ts'

export interface JobWorld {
  /** The cluster that the job runs on: of its own, or the one that its spec names. Whatever holds its own cluster's name, be it the job's or not. */
  readonly cluster: DaskCluster | undefined
  /** That cluster's own scheduler. */
  readonly scheduler?: Pod | undefined
  /** Pods of the job's attempts that the job controls. */
  readonly runners: readonly Pod[]
  /** What holds the name of the job's next attempt and is not the job's. */
  readonly holder: Pod | undefined
  /** The end of the log of a runner that has failed, for the message. */
  readonly lastWords?: readonly string[]
}

/**
 * What a job needs next: its cluster and its runner, until the runner has ended; then the cluster goes.
 * The end is written to the status first and acted on by a later plan, so that no crash in between loses it.
 * A program that has begun is begun again only where `backoffLimit` says so, or when somebody resumes a suspended job.
 */
export function planJob(job: DaskJob, world: JobWorld, now: number): Plan<DaskJobStatus> {
  if (isManagedElsewhere(job)) return {stages: [], status: undefined}
  if (hasJobEnded(job)) return afterTheEnd(job, world, now)
  const verdict = verdictOf(job, world, now)
  const stoppedAt = job.metadata.annotations?.[ANNOTATION_STOPPED_AT]
  // What has succeeded before it could be stopped stays a success.
  if (stoppedAt !== undefined && verdict?.jobStatus !== 'Successful')
    return {stages: [], status: failedWith(job, {reason: REASON.stopped, message: `it was stopped at ${stoppedAt}`}, now)}
  if (verdict) return {stages: [], status: verdict}
  if (!isOnOthersCluster(job) && !isClusterName(job.metadata.name)) return {stages: [], status: invalidStatus(job, now)}
  const fault = faultOf(job)
  if (fault) return {stages: [], status: waitingStatus(job, {reason: REASON.invalidSpec, message: fault}, now)}

  const holders = [
    ...(world.cluster && !isOnOthersCluster(job) && !isControlledBy(world.cluster, job) ? [world.cluster] : []),
    ...(world.holder ? [world.holder] : []),
  ]
  if (holders.length > 0) return {stages: [], status: heldStatus(job, holders, now)}
  if (job.spec.suspend === true) return suspend(job, world, now)
  if (world.cluster && isToBeResumed(job, world.cluster)) return {stages: [[setSuspend(world.cluster, false)]], status: job.status}

  const leftMs = deadlineMs(job, now)
  if (leftMs !== undefined && leftMs <= 0) return {stages: [], status: overdueStatus(job, now)}
  const plan = pursue(job, world, now)
  const waits = [plan.wakeAfter, leftMs].filter((ms) => ms !== undefined)
  return {...plan, ...(waits.length > 0 && {wakeAfter: Math.min(...waits)})}
}

/** By a program that has ended and is not tried again: what the job would need next does not matter any more, nor how late somebody looks. */
const verdictOf = (job: DaskJob, {runners, lastWords}: JobWorld, now: number): DaskJobStatus | undefined => {
  const {number, runner} = lastAttempt(job, runners)
  if (!runner || !isPodEnded(runner) || isOfBefore(job, runner)) return undefined
  if (!hasPodSucceeded(runner) && mayTryAgain(job, number)) return undefined
  const leftMs = deadlineMs(job, podEndedAt(runner))
  return leftMs !== undefined && leftMs < 0 ? overdueStatus(job, now) : endedStatus(job, {runner, attempts: number, lastWords}, now)
}

const overdueStatus = (job: DaskJob, now: number): DaskJobStatus => {
  const message = `it was not done within the ${job.spec.activeDeadlineSeconds} seconds of its activeDeadlineSeconds`
  return failedWith(job, {reason: REASON.deadlineExceeded, message}, now)
}

/** The next step of a job that is neither over nor suspended. */
const pursue = (job: DaskJob, world: JobWorld, now: number): Plan<DaskJobStatus> => {
  const {cluster} = world
  const {number, runner} = lastAttempt(job, world.runners)
  if (runner && isOfBefore(job, runner))
    return {stages: [], status: waitingStatus(job, {reason: REASON.starting, message: untilGone(runner)}, now)}
  if (runner && isPodEnded(runner)) {
    const waitMs = pauseAfter(number, runner, now)
    if (waitMs > 0) return {stages: [], status: runningStatus(job, {cluster, runner, attempts: number}, now), wakeAfter: waitMs}
  } else if (runner && hasRestartedTooOften(job, runner)) {
    return {stages: [], status: exhaustedStatus(job, {runner, lastWords: world.lastWords}, now)}
  } else if (!runner && number > 0 && !mayTryAgain(job, number)) return {stages: [], status: lostStatus(job, number, now)}

  if (isOnOthersCluster(job) && !cluster) {
    const message = `there is no DaskCluster "${job.spec.clusterName}" in this namespace; the job begins when there is`
    return {stages: [], status: waitingStatus(job, {reason: REASON.clusterMissing, message}, now)}
  }
  const isDue = (!runner || isPodEnded(runner)) && hasCertificate(cluster ?? jobCluster(job))
  const attempt = isDue ? number + 1 : number
  // No program begins for a cluster that is refused.
  const stages = [
    ...staged(cluster ? [] : [create(DASK_CLUSTERS, jobCluster(job))]),
    ...staged(isDue ? [create(PODS, runnerPod(job, {attempt, cluster: cluster ?? jobCluster(job), scheduler: world.scheduler}))] : []),
  ]
  return {stages, status: runningStatus(job, {cluster, runner: isDue ? undefined : runner, attempts: number}, now)}
}

/** Its program was interrupted by a suspension and is still ending: however that ends, it says nothing of the job, and its name is not free yet. */
const isOfBefore = ({status}: DaskJob, runner: Pod): boolean =>
  isPodLeaving(runner) && status?.startTime === undefined && findCondition(status?.conditions, SUSPENDED) !== undefined

const untilGone = (runner: Pod): string =>
  `${runner.metadata.name} of before the suspension is still ending; the program begins anew when that pod is gone`

const staged = (actions: readonly Action[]): readonly (readonly Action[])[] => (actions.length > 0 ? [actions] : [])

/** The cluster's own controller makes it first, and no pod starts without; its status has no address before. */
const hasCertificate = (cluster: DaskCluster): boolean =>
  tlsSecretName(cluster) === undefined || cluster.status?.schedulerAddress !== undefined

export const isOnOthersCluster = ({spec}: DaskJob): boolean => spec.clusterName !== undefined

/** What a person has to mend before the job can begin. */
const faultOf = ({spec}: DaskJob): string | undefined => {
  if (spec.job?.spec === undefined) return 'spec.job.spec is missing: it says what the job runs'
  if (spec.cluster === undefined && spec.clusterName === undefined)
    return 'give spec.cluster for a cluster of its own, or spec.clusterName for one that exists'
  if (spec.cluster !== undefined && spec.clusterName !== undefined)
    return 'spec.cluster and spec.clusterName exclude each other: a job has a cluster of its own, or runs on one that exists'
  return undefined
}

/** Milliseconds until the deadline, counted from the job's creation or its last resumption; `undefined` where there is none. */
const deadlineMs = (job: DaskJob, now: number): number | undefined => {
  const {metadata, spec, status} = job
  if (spec.activeDeadlineSeconds === undefined) return undefined
  if (isToldSuspended(job)) return spec.activeDeadlineSeconds * 1000
  const resumedAt = Date.parse(findCondition(status?.conditions, SUSPENDED)?.lastTransitionTime ?? '')
  const began = Math.max(Date.parse(metadata.creationTimestamp ?? ''), Number.isNaN(resumedAt) ? 0 : resumedAt)
  return began + spec.activeDeadlineSeconds * 1000 - now
}

/**
 * The program's pod goes, and so do the pods of a cluster of its own; resumed, the program is begun anew.
 * That the job is suspended is written to the status first: whoever finds the program ending knows then that it was interrupted.
 */
const suspend = (job: DaskJob, {cluster, runners}: JobWorld, now: number): Plan<DaskJobStatus> => {
  const going = runners.filter((runner) => !isPodLeaving(runner) && !isPodEnded(runner))
  const actions: readonly Action[] = [
    ...going.map((runner) => remove(PODS, runner, 'the job is suspended')),
    ...(cluster && !isOnOthersCluster(job) && cluster.spec.suspend !== true ? [setSuspend(cluster, true)] : []),
  ]
  const left = runners.filter((runner) => !isPodEnded(runner)).length
  return {stages: isToldSuspended(job) ? staged(actions) : [], status: suspendedStatus(job, left, now)}
}

const isToldSuspended = ({status}: DaskJob): boolean => findCondition(status?.conditions, SUSPENDED)?.reason === REASON.suspended

/**
 * By the job, that is, which has suspended it: what somebody else has suspended stays so. What is told is left as it is until that has been done,
 * so that no failure in between loses who has suspended it.
 */
const isToBeResumed = (job: DaskJob, cluster: DaskCluster): boolean =>
  !isOnOthersCluster(job) && cluster.spec.suspend === true && job.spec.cluster?.spec.suspend !== true && isToldSuspended(job)

const setSuspend = (cluster: DaskCluster, suspend: boolean): Action => ({
  do: 'patch',
  kind: DASK_CLUSTERS,
  ref: refOf(cluster),
  uid: cluster.metadata.uid ?? '',
  patch: {spec: {suspend}},
})

/** The cluster goes as its policy says, a program that still runs is ended, and in the end the job itself goes. */
const afterTheEnd = (job: DaskJob, {cluster, runners}: JobWorld, now: number): Plan<DaskJobStatus> => {
  const isSuccess = job.status?.jobStatus === 'Successful'
  const why = `the job is ${isSuccess ? 'done' : 'over'}`
  const policy = job.spec.clusterDeletionPolicy ?? 'Always'
  const isClusterDue = policy === 'Always' || (policy === 'OnSuccess' && isSuccess)
  const isOurs = cluster && !isOnOthersCluster(job) && isControlledBy(cluster, job) && cluster.metadata.deletionTimestamp === undefined
  const actions: readonly Action[] = [
    ...(isOurs && isClusterDue ? [remove(DASK_CLUSTERS, cluster, why)] : []),
    ...runners.filter((runner) => !isPodLeaving(runner) && !isPodEnded(runner)).flatMap((runner) => ended(runner, why)),
  ]
  const stages = staged(actions)
  const {ttlSecondsAfterFinished: ttl} = job.spec
  const leftMs = ttl === undefined ? undefined : Date.parse(job.status?.endTime ?? '') + ttl * 1000 - now
  if (leftMs === undefined || Number.isNaN(leftMs)) return {stages, status: undefined}
  if (leftMs > 0) return {stages, status: undefined, wakeAfter: leftMs}
  return {stages: [[remove(DASK_JOBS, job, 'its ttlSecondsAfterFinished have passed')]], status: undefined}
}

/** The log of a pod goes with it: where a kubelet has it, that ends its program as a deletion does, and keeps pod and log. */
const ended = (runner: Pod, why: string): readonly Action[] => {
  if (runner.spec.nodeName === undefined) return [remove(PODS, runner, why)]
  if (runner.spec.activeDeadlineSeconds === 1) return []
  const uid = runner.metadata.uid ?? ''
  return [{do: 'patch', kind: PODS, ref: refOf(runner), uid, patch: {spec: {activeDeadlineSeconds: 1}}}]
}

const create = (kind: Create['kind'], object: KubeObject): Create => ({do: 'create', kind, object})

const remove = (kind: Delete['kind'], object: KubeObject, why: string): Delete => ({
  do: 'delete',
  kind,
  ref: refOf(object),
  uid: object.metadata.uid ?? '',
  why,
})
