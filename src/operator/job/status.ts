import {type Claim, findCondition, replaceConditions, timestamp, toConditions} from '../../api/conditions.ts'
import type {Pod} from '../../api/core.ts'
import type {DaskCluster, DaskJob, DaskJobStatus} from '../../api/dask.ts'
import {invalidClusterName} from '../../api/names.ts'
import type {Condition, KubeObject} from '../../api/object.ts'
import {isOfPredecessor} from '../../api/ownership.ts'
import {exitSentence, LAST_WORDS, podCause, podExit} from '../../api/pod-cause.ts'
import {namePodSecurity} from '../../api/pod-security.ts'
import {hasPodSucceeded, isPodEnded, isPodLeaving, podEndedAt} from '../../api/pod-state.ts'
import type {Failure} from '../engine/contract.ts'
import {attemptName, failuresOf, lastFailureOf} from './attempts.ts'
import {COMPLETE, FAILED, REASON, SUSPENDED} from './reasons.ts'

/** Upstream's five keys first; the others are ours (contract 1.6, design section 9). */

const kept = ({metadata, status}: DaskJob): DaskJobStatus => ({
  ...(status?.clusterName !== undefined && {clusterName: status.clusterName}),
  ...(status?.jobRunnerPodName !== undefined && {jobRunnerPodName: status.jobRunnerPodName}),
  ...(status?.startTime !== undefined && {startTime: status.startTime}),
  ...(status?.attempts !== undefined && {attempts: status.attempts}),
  ...(metadata.generation !== undefined && {observedGeneration: metadata.generation}),
})

/** `Suspended` stands only on a job that has been suspended: when it was resumed is when its deadline begins anew. */
const conditions = (job: DaskJob, complete: Claim, failed: Claim, now: number): readonly Condition[] => {
  const suspended = findCondition(job.status?.conditions, SUSPENDED)
  const resumed: Claim = {status: false, reason: REASON.resumed, message: ''}
  const claims = {[COMPLETE]: complete, [FAILED]: failed, ...(suspended && {[SUSPENDED]: resumed})}
  return toConditions(claims, job.metadata.generation, now)
}

export const invalidStatus = (job: DaskJob, now: number): DaskJobStatus =>
  failedWith(
    job,
    {reason: REASON.invalidName, message: `the job's cluster would have its name: ${invalidClusterName(job.metadata.name)}`},
    now,
  )

/** The job cannot begin yet; it does as soon as what the message names has been mended. */
export const waitingStatus = (
  job: DaskJob,
  {reason, message}: {readonly reason: string; readonly message: string},
  now: number,
): DaskJobStatus => {
  const claim = {status: false, reason, message}
  return {...kept(job), jobStatus: job.status?.jobStatus ?? 'JobCreated', reason, message, conditions: conditions(job, claim, claim, now)}
}

/**
 * `left`: runners that are still ending; the condition is `Unknown` until they have, so that a resumption changes it at any time. The program's start is
 * forgotten: when it is resumed, it begins anew.
 */
export function suspendedStatus(job: DaskJob, left: number, now: number): DaskJobStatus {
  const {startTime: _, attempts: __, ...rest} = kept(job)
  const message = left > 0 ? 'its program is being ended' : 'it is suspended; set spec.suspend to false to begin its program anew'
  const claim = {status: false, reason: REASON.suspended, message}
  const all = {[COMPLETE]: claim, [FAILED]: claim, [SUSPENDED]: {...claim, status: left === 0 || ('Unknown' as const)}}
  return {...rest, jobStatus: 'JobCreated', reason: REASON.suspended, message, conditions: toConditions(all, job.metadata.generation, now)}
}

export const failedWith = (
  job: DaskJob,
  {reason, message}: {readonly reason: string; readonly message: string},
  now: number,
): DaskJobStatus => ({
  ...kept(job),
  jobStatus: 'Failed',
  endTime: timestamp(now),
  reason,
  message,
  conditions: conditions(job, {status: false, reason, message}, {status: true, reason, message}, now),
})

/** One of the job's names is held by something else; the job waits. */
export function heldStatus(job: DaskJob, [holder]: readonly KubeObject[], now: number): DaskJobStatus {
  const what = holder ? `${holder.kind} "${holder.metadata.name}"` : 'an object'
  const isPredecessors = holder !== undefined && isOfPredecessor(holder, job)
  const reason = isPredecessors ? REASON.predecessorLeaves : REASON.nameTaken
  const message = isPredecessors
    ? `${what} of an earlier DaskJob of this name still exists; waiting until it is gone`
    : `${what} exists and is not this job's; delete it, or choose another name for the job`
  const claim = {status: false, reason, message}
  return {...kept(job), jobStatus: job.status?.jobStatus ?? 'JobCreated', reason, message, conditions: conditions(job, claim, claim, now)}
}

export interface Ended {
  readonly runner: Pod
  readonly attempts: number
  /** The end of the log of a program that has failed. */
  readonly lastWords?: readonly string[] | undefined
}

export function endedStatus(job: DaskJob, {runner, attempts, lastWords = []}: Ended, now: number): DaskJobStatus {
  const isSuccess = hasPodSucceeded(runner)
  const exit = podExit(runner)
  const {reason, message: fact} = isSuccess
    ? {reason: REASON.succeeded, message: 'the program has ended with exit code 0'}
    : failure(runner)
  const tries = attempts > 1 ? ` (attempt ${attempts})` : ''
  const message = `${fact}${tries}${isSuccess || lastWords.length === 0 ? '' : `${LAST_WORDS}${lastWords.join('\n')}`}`
  const started = job.status?.startTime ?? startTime(runner)
  return {
    ...kept(job),
    clusterName: clusterNameOf(job),
    jobRunnerPodName: runner.metadata.name,
    jobStatus: isSuccess ? 'Successful' : 'Failed',
    ...(started !== undefined && {startTime: started}),
    endTime: timestamp(podEndedAt(runner) || now),
    attempts,
    ...(exit && {exitCode: exit.exitCode}),
    reason,
    message,
    conditions: conditions(job, {status: isSuccess, reason, message}, {status: !isSuccess, reason, message}, now),
  }
}

/** A pod that restarts its program by itself has done so for the last time. */
export function exhaustedStatus(job: DaskJob, {runner, lastWords = []}: Omit<Ended, 'attempts'>, now: number): DaskJobStatus {
  const failure = lastFailureOf(runner)
  const fact = `${runner.metadata.name} has failed more often than its backoffLimit of ${job.spec.backoffLimit} allows`
  const words = lastWords.length > 0 ? `${LAST_WORDS}${lastWords.join('\n')}` : ''
  const message = `${fact}${failure ? `; ${exitSentence(failure.container, failure.terminated)}` : ''}${words}`
  return {
    ...failedWith(job, {reason: REASON.backoffLimitExceeded, message}, now),
    attempts: failuresOf(runner),
    ...(failure && {exitCode: failure.terminated.exitCode}),
  }
}

const clusterNameOf = ({metadata, spec}: DaskJob): string => spec.clusterName ?? metadata.name

const failure = (runner: Pod): {readonly reason: string; readonly message: string} => {
  const exit = podExit(runner)
  const cause = podCause(runner)
  if (isPodLeaving(runner))
    return {
      reason: REASON.runnerLost,
      message: `${runner.metadata.name} was deleted${exit ? `; ${exitSentence(exit.container, exit.terminated)}` : ''}`,
    }
  return cause ?? {reason: 'Failed', message: 'the runner has failed'}
}

export const lostStatus = (job: DaskJob, attempt: number, now: number): DaskJobStatus =>
  failedWith(job, {reason: REASON.runnerLost, message: `${attemptName(job.metadata.name, attempt)} was deleted while its program ran`}, now)

export interface Underway {
  readonly cluster: DaskCluster | undefined
  /** Of the attempt that is under way, or has just failed. */
  readonly runner: Pod | undefined
  readonly attempts: number
}

/** On its way: `JobCreated` until cluster and runner exist, `Running` from the program's start on. */
export function runningStatus(job: DaskJob, {cluster, runner, attempts}: Underway, now: number): DaskJobStatus {
  // A runner that is leaving belongs to the time before a suspension.
  const started = job.status?.startTime ?? (runner && !isPodLeaving(runner) ? startTime(runner) : undefined)
  const exists = cluster !== undefined && runner !== undefined
  const claim = waitingFor({cluster, runner})
  return {
    ...kept(job),
    ...(exists && {clusterName: clusterNameOf(job), jobRunnerPodName: runner.metadata.name}),
    jobStatus: started !== undefined ? 'Running' : exists ? 'ClusterCreated' : 'JobCreated',
    ...(started !== undefined && {startTime: started}),
    ...(attempts > 1 && {attempts}),
    reason: claim.reason,
    ...(claim.message !== '' && {message: claim.message}),
    conditions: conditions(job, claim, {status: false, reason: claim.reason, message: claim.message}, now),
  }
}

const waitingFor = ({cluster, runner}: Pick<Underway, 'cluster' | 'runner'>): Claim => {
  const cause = runner && podCause(runner)
  if (runner && isPodEnded(runner))
    return {
      status: false,
      reason: REASON.tryingAgain,
      message: `${runner.metadata.name}: ${cause?.message ?? 'it has failed'}; it is tried again after a pause`,
    }
  if (cause) return {status: false, reason: cause.reason, message: `${runner.metadata.name}: ${cause.message}`}
  if (runner && isPodLeaving(runner)) return {status: false, reason: REASON.runnerLost, message: `${runner.metadata.name} is being deleted`}
  const degraded = findCondition(cluster?.status?.conditions, 'Degraded')
  if (degraded?.status === 'True') return {status: false, reason: degraded.reason, message: degraded.message}
  return {status: false, reason: runner?.status?.phase === 'Running' ? REASON.running : REASON.starting, message: ''}
}

/** When the program began; a pod that only waits for its image has not. */
const startTime = (runner: Pod): string | undefined => {
  if (runner.status?.phase === 'Pending' || runner.status?.phase === undefined) return undefined
  const state = runner.status.containerStatuses?.[0]?.state
  const begun = state?.running?.startedAt ?? state?.terminated?.startedAt ?? runner.status.startTime
  return begun === undefined ? undefined : timestamp(Date.parse(begun))
}

export const failedJobStatus = (status: DaskJobStatus, failure: Failure, now: number): DaskJobStatus => {
  const {reason, message} = namePodSecurity(failure)
  const isOver = status.jobStatus === 'Successful' || status.jobStatus === 'Failed'
  if (isOver) return status
  const claim = {status: false, reason, message}
  const complete = {...status, reason, message}
  return {
    ...complete,
    conditions: replaceConditions(status.conditions, {[COMPLETE]: claim, [FAILED]: claim}, status.observedGeneration, now),
  }
}
