import {PODS, type Pod} from '../../api/core.ts'
import type {DaskCluster, DaskWorkerGroup, DaskWorkerGroupStatus} from '../../api/dask.ts'
import {isPartToBe} from '../../api/handed-down.ts'
import {ANNOTATION_RETIRING, LABEL_POD_GROUP} from '../../api/names.ts'
import {isControlledBy} from '../../api/ownership.ts'
import {partMetadataPatch} from '../../api/part-metadata.ts'
import {repairOf} from '../../api/pod-repair.ts'
import {hasPodSucceeded, isPodEnded, isPodLeaving, isPodReady, podStartedAt} from '../../api/pod-state.ts'
import {refOf} from '../../api/ref.ts'
import {isOfEarlierSpec, type Target} from '../../api/revision.ts'
import type {Action, Create, Delete, Patch, Plan} from '../engine/contract.ts'
import {workerMetadata, workerPod} from './pods.ts'
import {leaversOf, type Rollout, rolloutOf, surgeOf} from './rollout.ts'
import {chooseVictims, NOTHING_TO_CHOOSE, planLeavers, readmit, type Shrinking, unmark} from './shrink.ts'
import {formerStatus, groupStatus, waitingStatus} from './status.ts'
import {policyOf, wantedOf} from './wanted.ts'
import type {GroupWorld, Retire} from './world.ts'

type Step = Action | Retire

/**
 * What a group needs next.
 * Never creates more pods than `replicas` asks for. Never deletes a pod with a connected worker unless that worker has retired: a victim is marked first,
 * a later plan has it drained and retired, and one after that deletes it. A marked pod does not count as one of the group's.
 */
export function planGroup(group: DaskWorkerGroup, world: GroupWorld, now: number): Plan<DaskWorkerGroupStatus, Retire> {
  const {cluster} = world
  if (!cluster || cluster.metadata.deletionTimestamp !== undefined || !isControlledBy(group, cluster))
    return {stages: [], status: waitingStatus(group, world, now)}
  if (world.former.length > 0) return {stages: [], status: formerStatus(group, world, now)}

  const wanted = wantedOf(group, cluster)
  const here = world.pods.filter((pod) => !isPodLeaving(pod))
  const marked = here.filter(isMarked)
  const staying = here.filter((pod) => !isMarked(pod) && !isPodEnded(pod))
  const ended = here.filter((pod) => !isMarked(pod) && isPodEnded(pod))
  const rollout = rolloutOf(group, cluster, world.scheduler, staying, wanted)
  const held = world.pods.filter(holdsItsPlace)
  const missing = wanted - staying.length - held.length

  const back = readmit(marked, missing - ended.length, world).filter((pod) => !isOfEarlierSpec(pod, rollout.target))
  const leavers = planLeavers(
    marked.filter((pod) => !back.includes(pod)),
    world,
    {now, policy: policyOf(group, cluster)},
  )
  const extra = rollout.isHeld ? 0 : surgeOf(rollout, staying.length, marked.length, wanted)
  const growth =
    (rollout.isHeld && missing > 0) || isPartToBe(group, cluster)
      ? NO_GROWTH
      : grow(group, cluster, {missing: Math.max(0, missing - back.length) + extra, ended, target: rollout.target}, world, now)
  const shrinking = shrink(group, staying, wanted, rollout, world, now)

  const stages: readonly (readonly Step[])[] = [
    // Marked workers go on leaving whatever else fails: a pod that cannot be made (a quota, say) may even wait for them.
    [...leavers.remove, ...leavers.retire, ...shrinking.remove, ...growth.surplus],
    [...growth.writes, ...back.map(unmark), ...shrinking.mark, ...follow(staying, group, cluster)],
    [...growth.replaced],
  ]
  const waits = [leavers.waitMs, shrinking.waitMs, growth.waitMs].filter((ms) => ms > 0)
  return {
    stages: stages.filter((stage) => stage.length > 0),
    status: groupStatus(group, world, {
      wanted,
      rollout,
      blocked: shrinking.blocked ?? leavers.blocked,
      isSchedulerLost: growth.isSchedulerLost,
      held,
      now,
    }),
    ...(waits.length > 0 && {wakeAfter: Math.min(...waits)}),
  }
}

/** Those that are too many, and those of an earlier spec as far as enough others are ready; the outdated ones leave first. */
const shrink = (
  group: DaskWorkerGroup,
  staying: readonly Pod[],
  wanted: number,
  rollout: Rollout,
  world: GroupWorld,
  now: number,
): Shrinking => {
  const isRolling = rollout.outdated.length > 0 && !rollout.isHeld
  const tooMany = staying.length - wanted - (isRolling ? rollout.surge : 0)
  const count = Math.max(tooMany, isRolling ? leaversOf(rollout, staying, wanted, world.view.is !== 'absent') : 0)
  if (count <= 0) return NOTHING_TO_CHOOSE
  const first =
    rollout.outdated.length > 0
      ? chooseVictims(rollout.outdated, Math.min(count, rollout.outdated.length), group, world, now)
      : NOTHING_TO_CHOOSE
  const rest = count - rollout.outdated.length
  if (rest <= 0) return first
  const others = chooseVictims(
    staying.filter((pod) => !rollout.outdated.includes(pod)),
    rest,
    group,
    world,
    now,
  )
  const waits = [first.waitMs, others.waitMs].filter((ms) => ms > 0)
  return {
    remove: [...first.remove, ...others.remove],
    mark: [...first.mark, ...others.mark],
    blocked: first.blocked ?? others.blocked,
    waitMs: waits.length > 0 ? Math.min(...waits) : 0,
  }
}

/**
 * The part's own labels and annotations follow it onto pods that exist, and the labels by which those are found are put back. A pod without the
 * cluster's label is not seen at all.
 */
const follow = (pods: readonly Pod[], group: DaskWorkerGroup, cluster: DaskCluster): readonly Patch[] => {
  const {metadata} = group.spec.worker
  const built = workerMetadata(group, cluster)
  return pods.flatMap((pod) => {
    const patch = partMetadataPatch(pod.metadata, built, metadata)
    return patch ? [{do: 'patch', kind: PODS, ref: refOf(pod), uid: pod.metadata.uid ?? '', patch: {metadata: patch}}] : []
  })
}

const isMarked = (pod: Pod): boolean => pod.metadata.annotations?.[ANNOTATION_RETIRING] !== undefined

/** Kueue takes another into a pod group only for one that has failed, or has never run; any other it deletes as soon as it is made. */
const holdsItsPlace = (pod: Pod): boolean =>
  isPodLeaving(pod) &&
  pod.metadata.labels?.[LABEL_POD_GROUP] !== undefined &&
  pod.spec.nodeName !== undefined &&
  pod.status?.phase !== 'Failed'

interface Growth {
  /** Ended pods that nobody misses. */
  readonly surplus: readonly Delete[]
  readonly writes: readonly Action[]
  /** Ended pods whose successors are made by `writes`; they go after those, for they carry the count of failures. */
  readonly replaced: readonly Delete[]
  readonly waitMs: number
  readonly isSchedulerLost: boolean
}

const NO_GROWTH: Growth = {surplus: [], writes: [], replaced: [], waitMs: 0, isSchedulerLost: false}

/** An ended pod holds its place until it may be replaced: what keeps failing is not started without end. */
const grow = (
  group: DaskWorkerGroup,
  cluster: DaskCluster,
  {missing, ended, target}: {readonly missing: number; readonly ended: readonly Pod[]; readonly target: Target},
  world: GroupWorld,
  now: number,
): Growth => {
  const places = ended.slice(0, missing).map((pod) => ({pod, ...placeOf(pod, world.scheduler, now)}))
  const due = places.filter(({waitMs}) => waitMs === 0)
  const waits = places.map(({waitMs}) => waitMs).filter((ms) => ms > 0 && Number.isFinite(ms))
  const fresh = missing - places.length
  const ids = world.ids.slice(0, due.length + fresh)
  return {
    surplus: ended.slice(missing).map((pod) => remove(pod, 'it has ended and is not missed')),
    writes: ids.map((id, index) => create(workerPod(group, cluster, {id, failures: due[index]?.failures ?? 0, target}))),
    replaced: due.slice(0, ids.length).map(({pod}) => remove(pod, 'it has ended; another takes its place')),
    waitMs: waits.length > 0 ? Math.min(...waits) : 0,
    isSchedulerLost: places.some(({waitMs}) => waitMs === Number.POSITIVE_INFINITY),
  }
}

/**
 * When an ended pod may be replaced. One that ended in peace without being asked to has lost its scheduler: it waits (without a time) until a scheduler
 * is ready, and is then replaced at once if that one is younger than itself.
 */
const placeOf = (pod: Pod, scheduler: Pod | undefined, now: number): {readonly waitMs: number; readonly failures: number} => {
  if (!hasPodSucceeded(pod)) return repairOf(pod, now)
  if (!scheduler || !isPodReady(scheduler)) return {waitMs: Number.POSITIVE_INFINITY, failures: 0}
  const begun = Date.parse(scheduler.status?.containerStatuses?.[0]?.state?.running?.startedAt ?? '') || podStartedAt(scheduler)
  return begun >= podStartedAt(pod) ? {waitMs: 0, failures: 0} : repairOf(pod, now)
}

const create = (object: Pod): Create => ({do: 'create', kind: PODS, object})

const remove = (pod: Pod, why: string): Delete => ({do: 'delete', kind: PODS, ref: refOf(pod), uid: pod.metadata.uid ?? '', why})
