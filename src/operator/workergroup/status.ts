import {type Claim, replaceConditions, toConditions} from '../../api/conditions.ts'
import type {Pod} from '../../api/core.ts'
import type {DaskWorkerGroup, DaskWorkerGroupStatus} from '../../api/dask.ts'
import {ANNOTATION_RETIRING, LABEL_POD_GROUP} from '../../api/names.ts'
import {controllerOf} from '../../api/ownership.ts'
import {podCause} from '../../api/pod-cause.ts'
import {namePodSecurity} from '../../api/pod-security.ts'
import {isPodEnded, isPodLeaving, isPodReady} from '../../api/pod-state.ts'
import {isOfEarlierSpec, isRestartDue, type Target} from '../../api/revision.ts'
import type {Failure} from '../engine/contract.ts'
import {groupLabels} from './pods.ts'
import {DEGRADED, PROGRESSING, READY, REASON, RETIREMENT_BLOCKED} from './reasons.ts'
import type {Rollout} from './rollout.ts'
import type {Blocked} from './shrink.ts'
import type {GroupWorld} from './world.ts'

interface Counts {
  readonly replicas: number
  readonly readyReplicas: number
  readonly updatedReplicas: number
  readonly retiringReplicas: number
}

const isMarked = (pod: Pod): boolean => pod.metadata.annotations?.[ANNOTATION_RETIRING] !== undefined

/** The group's cluster is not there, or has not taken the group in yet. */
export function waitingStatus(group: DaskWorkerGroup, {cluster, pods}: GroupWorld, now: number): DaskWorkerGroupStatus {
  const controller = controllerOf(group)
  const {reason, message} = !cluster
    ? {
        reason: REASON.clusterMissing,
        message: `there is no DaskCluster "${group.spec.cluster}" in this namespace; the group begins when there is`,
      }
    : controller && controller.uid !== cluster.metadata.uid
      ? {
          reason: REASON.ownedByOther,
          message: `the group belongs to ${controller.kind} "${controller.name}" (${controller.uid}), not to the DaskCluster that it names`,
        }
      : {reason: REASON.waitingForCluster, message: `DaskCluster "${group.spec.cluster}" has not taken the group in`}
  const claim = {status: false, reason, message}
  return statusOf(group, countsOf(pods), {[READY]: claim, [PROGRESSING]: claim}, now)
}

/** Pods of the Python operator are still there: others beside them would be too many. */
export function formerStatus(group: DaskWorkerGroup, {pods, former}: GroupWorld, now: number): DaskWorkerGroupStatus {
  const claim = {
    status: false,
    reason: REASON.ofPythonOperator,
    message: `${former.length} pods of the group are kept by Deployments of the Python operator; "operator install --take-over" carries them on`,
  }
  return statusOf(group, countsOf(pods), {[READY]: claim, [PROGRESSING]: claim}, now)
}

export interface Outlook {
  readonly wanted: number
  readonly rollout: Rollout
  readonly blocked: Blocked | undefined
  readonly isSchedulerLost: boolean
  /** Pods that leave and keep others out of their places. */
  readonly held: readonly Pod[]
  readonly now: number
}

export function groupStatus(
  group: DaskWorkerGroup,
  {pods, cluster}: GroupWorld,
  {wanted, rollout, blocked, isSchedulerLost, held, now}: Outlook,
): DaskWorkerGroupStatus {
  const counts = countsOf(pods, rollout.target)
  const numbers = `${counts.readyReplicas} of ${wanted} workers are ready`
  const missing = wanted - counts.readyReplicas
  const trouble = missing > 0 ? (troubleOf(pods) ?? heldTrouble(group, held)) : undefined
  const lost = isSchedulerLost
    ? {reason: REASON.schedulerLost, message: `${numbers}; workers that ended with their scheduler begin anew once another is ready`}
    : undefined
  const why = lost ?? (trouble && {reason: trouble.reason, message: `${numbers}; ${trouble.message}`})
  const ready: Claim =
    cluster?.spec.suspend === true
      ? {status: false, reason: REASON.suspended, message: `DaskCluster "${cluster.metadata.name}" is suspended`}
      : counts.readyReplicas >= wanted
        ? {status: true, reason: REASON.ready, message: numbers}
        : {status: false, ...(why ?? {reason: REASON.starting, message: numbers})}
  return statusOf(
    group,
    counts,
    {
      [READY]: ready,
      [PROGRESSING]: progress(ready, counts, blocked ?? why, update(group, counts, rollout, wanted)),
      [DEGRADED]: trouble ? {status: true, ...trouble} : {status: false, reason: REASON.asExpected, message: ''},
      [RETIREMENT_BLOCKED]: blocked ? {status: true, ...blocked} : {status: false, reason: REASON.notBlocked, message: ''},
    },
    now,
  )
}

export const failedGroupStatus = (status: DaskWorkerGroupStatus, failure: Failure, now: number): DaskWorkerGroupStatus => {
  const {reason, message} = namePodSecurity(failure)
  const claims = {[READY]: {status: false, reason, message}, [DEGRADED]: {status: true, reason, message}}
  return {...status, conditions: replaceConditions(status.conditions, claims, status.observedGeneration, now)}
}

/** Pods that are being deleted or have ended are no replicas any more; those that retire still are. */
const countsOf = (pods: readonly Pod[], target?: Target): Counts => {
  const live = pods.filter((pod) => !isPodLeaving(pod) && !isPodEnded(pod))
  const staying = live.filter((pod) => !isMarked(pod))
  return {
    replicas: live.length,
    readyReplicas: staying.filter(isPodReady).length,
    updatedReplicas: staying.filter((pod) => !target || !(isOfEarlierSpec(pod, target) || isRestartDue(pod, target))).length,
    retiringReplicas: live.length - staying.length,
  }
}

/** What the spec's last change still waits for, and whether it moves. */
const update = (
  group: DaskWorkerGroup,
  {updatedReplicas}: Counts,
  {outdated, kept, isHeld}: Rollout,
  wanted: number,
): Claim | undefined => {
  const numbers = `${Math.min(updatedReplicas, wanted)} of ${wanted} workers are of the spec as it is now`
  if (isHeld)
    return {
      status: false,
      reason: REASON.waitsForScheduler,
      message: `${numbers}; others wait until the scheduler's own change is carried out: kubectl dask cluster restart ${group.spec.cluster}`,
    }
  if (outdated.length > 0) return {status: true, reason: REASON.rollingOut, message: numbers}
  if (kept.length > 0)
    return {status: false, reason: REASON.updateWaits, message: `${numbers}; the others are replaced as they are deleted (OnDelete)`}
  return undefined
}

const troubleOf = (pods: readonly Pod[]): Blocked | undefined => {
  for (const pod of pods) {
    const cause = isPodLeaving(pod) || isMarked(pod) || isPodReady(pod) ? undefined : podCause(pod)
    if (cause) return {reason: cause.reason, message: `${pod.metadata.name}: ${cause.message}`}
  }
  return undefined
}

const heldTrouble = ({spec}: DaskWorkerGroup, [pod]: readonly Pod[]): Blocked | undefined =>
  pod && {
    reason: REASON.heldByPodGroup,
    message:
      `${pod.metadata.name} has left, and Kueue takes another into pod group "${pod.metadata.labels?.[LABEL_POD_GROUP]}" only for one that has failed; ` +
      `kubectl dask cluster suspend ${spec.cluster}, and then resume, makes the group anew`,
  }

const progress = (ready: Claim, {retiringReplicas}: Counts, stuck: Blocked | undefined, update: Claim | undefined): Claim => {
  if (stuck) return {status: false, ...stuck}
  if (update) return update
  if (ready.status !== true) return {status: true, reason: ready.reason, message: ready.message}
  if (retiringReplicas > 0)
    return {
      status: true,
      reason: REASON.retiring,
      message: `${retiringReplicas} ${retiringReplicas === 1 ? 'worker finishes its' : 'workers finish their'} work before leaving`,
    }
  return {status: false, reason: REASON.settled, message: ''}
}

const statusOf = (group: DaskWorkerGroup, counts: Counts, claims: Readonly<Record<string, Claim>>, now: number): DaskWorkerGroupStatus => ({
  ...counts,
  selector: Object.entries(groupLabels(group))
    .map(([key, value]) => `${key}=${value}`)
    .join(','),
  ...(group.metadata.generation !== undefined && {observedGeneration: group.metadata.generation}),
  conditions: toConditions(claims, group.metadata.generation, now),
})
