import {findCondition, timestamp} from '../../api/conditions.ts'
import {PODS, type Pod} from '../../api/core.ts'
import type {DaskWorkerGroup} from '../../api/dask.ts'
import type {LeavePolicy} from '../../api/leave-policy.ts'
import {ANNOTATION_RETIRING} from '../../api/names.ts'
import type {Ref} from '../../api/object.ts'
import {isPodEnded} from '../../api/pod-state.ts'
import {refOf} from '../../api/ref.ts'
import type {Delete, Patch} from '../engine/contract.ts'
import {REASON, RETIREMENT_BLOCKED} from './reasons.ts'
import type {Connected, GroupWorld, Retire} from './world.ts'

/** Why workers that should leave are still there. */
export interface Blocked {
  readonly reason: string
  readonly message: string
}

/** Workers that had to be let back in are asked again after this long: their results may have been fetched by then. */
const ASK_AGAIN_MS = 10_000
const SHORTEST_PAUSE_MS = 2000
const LONGEST_PAUSE_MS = 60_000

export interface Shrinking {
  readonly remove: readonly Delete[]
  readonly mark: readonly Patch[]
  readonly blocked: Blocked | undefined
  readonly waitMs: number
}

export const NOTHING_TO_CHOOSE: Shrinking = {remove: [], mark: [], blocked: undefined, waitMs: 0}

/**
 * Chooses `count` of the pods that stay (contract 4.5, steps 1 and 2): those without a connected worker are deleted, the others are marked.
 * While the scheduler does not answer only pods that have never run are taken: the others may hold work.
 */
export function chooseVictims(staying: readonly Pod[], count: number, group: DaskWorkerGroup, world: GroupWorld, now: number): Shrinking {
  const {view} = world
  if (view.is === 'absent') {
    const victims = staying.toSorted(idlestFirst).slice(0, count)
    return {
      remove: victims.map((pod) => remove(pod, 'there is no scheduler that its worker could hold work of')),
      mark: [],
      blocked: undefined,
      waitMs: 0,
    }
  }
  if (view.is !== 'answered') {
    const waiting = staying.filter(isWaiting).toSorted(idlestFirst).slice(0, count)
    const isEnough = waiting.length === count
    return {
      remove: waiting.map((pod) => remove(pod, 'it has not begun to run')),
      mark: [],
      blocked: isEnough ? undefined : unreachable(view),
      waitMs: isEnough ? 0 : pause(group, now),
    }
  }
  const byName = new Map(staying.map((pod) => [pod.metadata.name, pod]))
  const victims = view.order.flatMap(({name, reason}) => {
    const pod = byName.get(name)
    return pod ? [{pod, reason}] : []
  })
  const chosen = victims.slice(0, count)
  return {
    remove: chosen.filter(({pod}) => !view.connected.has(pod.metadata.name)).map(({pod, reason}) => remove(pod, reason)),
    mark: chosen.filter(({pod}) => view.connected.has(pod.metadata.name)).map(({pod}) => mark(pod, timestamp(now))),
    blocked: undefined,
    waitMs: 0,
  }
}

export interface Leavers {
  readonly remove: readonly Delete[]
  readonly retire: readonly Retire[]
  readonly blocked: Blocked | undefined
  readonly waitMs: number
}

/** Goes on with pods that are marked: has their workers retired, and deletes each as soon as its own workers are gone. */
export function planLeavers(
  marked: readonly Pod[],
  world: GroupWorld,
  {now, policy}: {readonly now: number; readonly policy: LeavePolicy},
): Leavers {
  const {view, retirements, cluster} = world
  const gone: Delete[] = []
  const ready: Retire['pods'][number][] = []
  const blocks: {readonly blocked: Blocked; readonly waitMs: number}[] = []
  for (const pod of marked) {
    const uid = pod.metadata.uid ?? ''
    const retirement = retirements.get(uid)
    const workers = view.is === 'answered' ? (view.connected.get(pod.metadata.name) ?? []) : []
    const reason = goneBecause(pod, world, workers, policy)
    if (reason !== undefined) gone.push(remove(pod, reason))
    else if (retirement?.is === 'underWay') continue
    else if (retirement?.is === 'kept' && now - retirement.at < patience(retirement.reason) && !goesAfter(retirement.reason, policy))
      blocks.push({
        blocked: {reason: retirement.reason, message: `${pod.metadata.name}: ${retirement.message}`},
        waitMs: Math.min(patience(retirement.reason), retirement.at + patience(retirement.reason) - now),
      })
    else if (view.is === 'answered') ready.push({name: pod.metadata.name, uid, addresses: workers.map(({address}) => address)})
    else blocks.push({blocked: unreachable(view), waitMs: SHORTEST_PAUSE_MS})
  }
  const place: Ref | undefined = cluster && {
    name: cluster.metadata.name,
    ...(cluster.metadata.namespace !== undefined && {namespace: cluster.metadata.namespace}),
  }
  return {
    remove: gone,
    retire: ready.length > 0 && place ? [{do: 'retire', cluster: place, pods: ready, zero: world.isGoingToZero, policy}] : [],
    blocked: blocks[0]?.blocked,
    waitMs: blocks.length > 0 ? Math.min(...blocks.map(({waitMs}) => waitMs)) : 0,
  }
}

/** A conversation that broke off is taken up again soon; results that were in the way need somebody to fetch or release them. */
const patience = (reason: string): number => (reason === REASON.schedulerUnreachable ? SHORTEST_PAUSE_MS : ASK_AGAIN_MS)

/** Whether a worker goes after all that could not leave for this reason. */
const goesAfter = (reason: string, {afterTimeout, afterRefusal}: LeavePolicy): boolean =>
  (reason === REASON.timedOut && afterTimeout === 'delete') || (reason === REASON.refused && afterRefusal === 'delete')

/** Why a marked pod may be deleted now; `undefined` while it may hold work. */
const goneBecause = (pod: Pod, {view, retirements}: GroupWorld, workers: readonly Connected[], policy: LeavePolicy): string | undefined => {
  const retirement = retirements.get(pod.metadata.uid ?? '')
  if (isPodEnded(pod)) return 'its worker has ended'
  // One that has come since, in the place of one that had retired (a nanny's, say), may have been given tasks.
  if (retirement?.is === 'retired' && workers.length === 0) return 'its worker has retired'
  const isAsTold = retirement?.is === 'givenUp' && workers.every(({address}) => retirement.addresses.includes(address))
  if (isAsTold && goesAfter(retirement.reason, policy))
    return retirement.reason === REASON.timedOut
      ? 'its worker has not finished in time, and its spec says that it goes then'
      : 'its cluster is suspended, and its results go with the scheduler'
  if (view.is === 'absent') return 'there is no scheduler that its worker could hold work of'
  if (view.is === 'answered' && workers.length === 0) return 'its worker has left the scheduler'
  return undefined
}

/**
 * Marked pods whose workers were all let back in and run: they are the first that a group takes when it grows again. Nothing begins a worker anew in a
 * pod that has lost one of several.
 */
export function readmit(marked: readonly Pod[], atMost: number, {view, retirements}: GroupWorld): readonly Pod[] {
  if (view.is !== 'answered' || atMost <= 0) return []
  const back = marked.filter((pod) => {
    const workers = view.connected.get(pod.metadata.name) ?? []
    const retirement = retirements.get(pod.metadata.uid ?? '')
    const isWhole = retirement?.is === 'kept' && !retirement.isPart
    return isWhole && !isPodEnded(pod) && workers.length > 0 && workers.every(({status}) => status === 'running')
  })
  return back.slice(0, atMost)
}

export const unmark = (pod: Pod): Patch => mark(pod, null)

const mark = (pod: Pod, value: string | null): Patch => ({
  do: 'patch',
  kind: PODS,
  ref: refOf(pod),
  uid: pod.metadata.uid ?? '',
  patch: {metadata: {annotations: {[ANNOTATION_RETIRING]: value}}},
})

/** A pod that only waits may begin to run meanwhile: it goes only as it was seen. */
const remove = (pod: Pod, why: string): Delete => ({
  do: 'delete',
  kind: PODS,
  ref: refOf(pod),
  uid: pod.metadata.uid ?? '',
  ...(isWaiting(pod) && pod.metadata.resourceVersion !== undefined && {resourceVersion: pod.metadata.resourceVersion}),
  why,
})

const isWaiting = ({status}: Pod): boolean => status?.phase === undefined || status.phase === 'Pending'

const idlestFirst = (one: Pod, other: Pod): number =>
  Number(isWaiting(other)) - Number(isWaiting(one)) ||
  (other.metadata.creationTimestamp ?? '').localeCompare(one.metadata.creationTimestamp ?? '') ||
  one.metadata.name.localeCompare(other.metadata.name)

const unreachable = (view: GroupWorld['view']): Blocked => ({
  reason: REASON.schedulerUnreachable,
  message: `workers are not removed before the scheduler has let them go${view.is === 'unreachable' ? `, and it cannot be reached: ${view.message}` : ''}`,
})

/** Longer the longer it lasts, by the time that the condition has stood. */
const pause = (group: DaskWorkerGroup, now: number): number => {
  const blocked = findCondition(group.status?.conditions, RETIREMENT_BLOCKED)
  const since = blocked?.status === 'True' ? now - Date.parse(blocked.lastTransitionTime) : 0
  return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, since || 0))
}
