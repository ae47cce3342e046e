import {type Claim, findCondition, replaceConditions, timestamp, toConditions} from '../../api/conditions.ts'
import type {Pod} from '../../api/core.ts'
import type {DaskJob, DaskJobStatus} from '../../api/dask.ts'
import {invalidClusterName, isClusterName, runnerName} from '../../api/names.ts'
import type {Condition, KubeObject} from '../../api/object.ts'
import {controllerOf} from '../../api/ownership.ts'
import {exitSentence, podCause, podExit} from '../../api/pod-cause.ts'
import {hasPodSucceeded, isPodLeaving, podEndedAt} from '../../api/pod-state.ts'
import type {Failure} from '../engine/contract.ts'
import type {JobWorld} from './plan.ts'
import {COMPLETE, FAILED, REASON} from './reasons.ts'

/** Upstream's five keys first; the others are ours (contract 1.6, design section 9). */

const kept = ({metadata, status}: DaskJob): DaskJobStatus => ({
  ...(status?.clusterName !== undefined && {clusterName: status.clusterName}),
  ...(status?.jobRunnerPodName !== undefined && {jobRunnerPodName: status.jobRunnerPodName}),
  ...(status?.startTime !== undefined && {startTime: status.startTime}),
  ...(metadata.generation !== undefined && {observedGeneration: metadata.generation}),
})

const conditions = (job: DaskJob, complete: Claim, failed: Claim, now: number): readonly Condition[] =>
  toConditions({[COMPLETE]: complete, [FAILED]: failed}, job.metadata.generation, now)

export function invalidStatus(job: DaskJob, now: number): DaskJobStatus {
  const isName = !isClusterName(job.metadata.name)
  const reason = isName ? REASON.invalidName : REASON.invalidSpec
  const message = isName
    ? `the job's cluster would have its name: ${invalidClusterName(job.metadata.name)}`
    : 'spec.job.spec is missing: it says what the job runs'
  return failedWith(job, {reason, message}, now)
}

const failedWith = (job: DaskJob, {reason, message}: {readonly reason: string; readonly message: string}, now: number): DaskJobStatus => ({
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
  const controller = holder && controllerOf(holder)
  const isPredecessors = controller?.kind === job.kind && controller.name === job.metadata.name
  const reason = isPredecessors ? REASON.predecessorLeaves : REASON.nameTaken
  const message = isPredecessors
    ? `${what} of an earlier DaskJob of this name still exists; waiting until it is gone`
    : `${what} exists and is not this job's; delete it, or choose another name for the job`
  const claim = {status: false, reason, message}
  return {...kept(job), jobStatus: job.status?.jobStatus ?? 'JobCreated', reason, message, conditions: conditions(job, claim, claim, now)}
}

export function endedStatus(job: DaskJob, runner: Pod, now: number): DaskJobStatus {
  const isSuccess = hasPodSucceeded(runner)
  const exit = podExit(runner)
  const {reason, message} = isSuccess ? {reason: REASON.succeeded, message: 'the program has ended with exit code 0'} : failure(runner)
  const started = job.status?.startTime ?? startTime(runner)
  return {
    ...kept(job),
    clusterName: job.metadata.name,
    jobRunnerPodName: runnerName(job.metadata.name),
    jobStatus: isSuccess ? 'Successful' : 'Failed',
    ...(started !== undefined && {startTime: started}),
    endTime: timestamp(podEndedAt(runner) || now),
    ...(exit && {exitCode: exit.exitCode}),
    reason,
    message,
    conditions: conditions(job, {status: isSuccess, reason, message}, {status: !isSuccess, reason, message}, now),
  }
}

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

export const lostStatus = (job: DaskJob, now: number): DaskJobStatus =>
  failedWith(job, {reason: REASON.runnerLost, message: `${runnerName(job.metadata.name)} was deleted while its program ran`}, now)

/** On its way: `JobCreated` until cluster and runner exist, `Running` from the program's start on. */
export function runningStatus(job: DaskJob, {cluster, runner}: JobWorld, now: number): DaskJobStatus {
  const started = job.status?.startTime ?? (runner && startTime(runner))
  const exists = cluster !== undefined && runner !== undefined
  const claim = waitingFor(job, {cluster, runner})
  return {
    ...kept(job),
    ...(exists && {clusterName: job.metadata.name, jobRunnerPodName: runnerName(job.metadata.name)}),
    jobStatus: started !== undefined ? 'Running' : exists ? 'ClusterCreated' : 'JobCreated',
    ...(started !== undefined && {startTime: started}),
    reason: claim.reason,
    ...(claim.message !== '' && {message: claim.message}),
    conditions: conditions(job, claim, {status: false, reason: claim.reason, message: claim.message}, now),
  }
}

const waitingFor = (job: DaskJob, {cluster, runner}: JobWorld): Claim => {
  const cause = runner && podCause(runner)
  if (cause) return {status: false, reason: cause.reason, message: `${runnerName(job.metadata.name)}: ${cause.message}`}
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

export const failedJobStatus = (status: DaskJobStatus, {reason, message}: Failure, now: number): DaskJobStatus => {
  const isOver = status.jobStatus === 'Successful' || status.jobStatus === 'Failed'
  if (isOver) return status
  const claim = {status: false, reason, message}
  const complete = {...status, reason, message}
  return {
    ...complete,
    conditions: replaceConditions(status.conditions, {[COMPLETE]: claim, [FAILED]: claim}, status.observedGeneration, now),
  }
}
