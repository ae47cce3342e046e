import type {Pod} from '../../api/core.ts'
import type {LeavePolicy} from '../../api/leave-policy.ts'
import type {Ref} from '../../api/object.ts'
import {keyOf} from '../../api/ref.ts'
import type {RetirementOutcome} from '../../dask/retirement.ts'
import type {IsHeld} from '../engine/contract.ts'
import {REASON} from './reasons.ts'
import type {Retire, Retirement} from './world.ts'

/**
 * Drains and retires workers through their cluster's scheduler (contract 4.5); `report` is called for each as soon as it is done.
 * Rejects when the scheduler cannot be reached.
 */
export type RunRetirement = (
  cluster: Ref,
  addresses: readonly string[],
  options: {
    readonly zero: boolean
    readonly policy: LeavePolicy
    readonly signal: AbortSignal
    /** Asked before anything is changed: once it says no, another operator goes on with what was begun. */
    readonly isHeld: IsHeld
    readonly report: (outcome: RetirementOutcome) => void
  },
) => Promise<void>

export interface Retirements {
  /** Lets retirements begin; each ends with `signal`, and what they had begun is on the pods. */
  start(enqueue: (group: Ref) => void, signal: AbortSignal, isHeld: IsHeld): void
  /** Begins to retire the workers of these pods in the background; those under way already are left alone. */
  retire(group: Ref, order: Retire): void
  /** How far the group's pods have come; what is known of pods that are gone is forgotten. */
  of(group: Ref, pods: readonly Pod[]): ReadonlyMap<string, Retirement>
}

/** Groups come and go; what is forgotten of one that is still there is asked again. */
const MOST_GROUPS = 1000

/**
 * Retirements take as long as tasks do, so they run beside the reconcile workers and report by having their group looked at again.
 * Nothing here needs to survive: the marks on the pods do, and a retirement that is begun again goes on where it stood.
 */
export function createRetirements(run: RunRetirement, clock: () => number = Date.now): Retirements {
  const known = new Map<string, Map<string, Retirement>>()
  let begun: {readonly enqueue: (group: Ref) => void; readonly signal: AbortSignal; readonly isHeld: IsHeld} | undefined

  const ofGroup = (group: Ref): Map<string, Retirement> => {
    const found = known.get(keyOf(group)) ?? new Map<string, Retirement>()
    if (!known.has(keyOf(group)) && known.size >= MOST_GROUPS) forgetOne()
    known.set(keyOf(group), found)
    return found
  }

  const forgetOne = (): void => {
    for (const [key, states] of known)
      if (![...states.values()].some(({is}) => is === 'underWay')) {
        known.delete(key)
        return
      }
  }

  const retire = (group: Ref, {cluster, pods, zero, policy}: Retire): void => {
    if (!begun || begun.signal.aborted) return
    const states = ofGroup(group)
    const fresh = pods.filter(({uid}) => states.get(uid)?.is !== 'underWay')
    if (fresh.length === 0) return
    /** Pods of which a worker has left, now or before. */
    const lessened = new Set(fresh.filter(({uid}) => isPart(states.get(uid))).map(({uid}) => uid))
    for (const {uid} of fresh) states.set(uid, {is: 'underWay'})
    const {enqueue, signal, isHeld} = begun
    const left = new Map(fresh.map(({uid, addresses}) => [uid, new Set(addresses)]))
    /** Why a pod, or one of its several workers, goes as it is. */
    const givenUp = new Map<string, string>()
    /** Why it stays: it is not asked again before all of its workers are done. */
    const keptAs = new Map<string, Kept>()
    const addressesOf = new Map(fresh.map(({uid, addresses}) => [uid, addresses]))
    const settle = (uid: string, retirement: Retirement): void => {
      states.set(uid, retirement)
      enqueue(group)
    }
    const report = ({address, is, mayGo, cause, message}: RetirementOutcome): void => {
      for (const [uid, addresses] of left) {
        if (!addresses.delete(address)) continue
        const hasGone = is === 'retired' || is === 'gone' || mayGo === true
        if (mayGo && (is === 'refused' || is === 'timed-out')) givenUp.set(uid, reasonOf(is))
        if (hasGone) lessened.add(uid)
        else if (is === 'unfinished') {
          const reason = cause ? reasonOf(cause) : UNFINISHED.reason
          keptAs.set(uid, {is: 'kept', reason, message: message ?? 'it may still be draining', at: clock()})
        } else if (keptAs.get(uid)?.reason !== UNFINISHED.reason) keptAs.set(uid, kept(is, message, clock()))
        if (addresses.size > 0) continue
        const [why, reason] = [keptAs.get(uid), givenUp.get(uid)]
        if (why) settle(uid, {...why, ...(lessened.has(uid) && {isPart: true})})
        else settle(uid, reason === undefined ? {is: 'retired'} : {is: 'givenUp', reason, addresses: addressesOf.get(uid) ?? []})
      }
    }
    const end = (message: string): void => {
      for (const {uid} of fresh)
        if (states.get(uid)?.is === 'underWay')
          states.set(uid, {...UNFINISHED, message, at: clock(), ...(lessened.has(uid) && {isPart: true})})
      enqueue(group)
    }
    run(
      cluster,
      fresh.flatMap(({addresses}) => addresses),
      {zero, policy, signal, isHeld, report},
    ).then(
      () => end('its retirement ended without an answer'),
      (error: unknown) => end(error instanceof Error ? error.message : String(error)),
    )
  }

  return {
    start: (enqueue, signal, isHeld) => {
      begun = {enqueue, signal, isHeld}
    },
    retire,
    of: (group, pods) => {
      const states = known.get(keyOf(group))
      if (!states) return new Map()
      const uids = new Set(pods.map(({metadata}) => metadata.uid))
      for (const [uid, {is}] of states) if (!uids.has(uid) && is !== 'underWay') states.delete(uid)
      if (states.size === 0) known.delete(keyOf(group))
      return new Map(states)
    },
  }
}

type Kept = Extract<Retirement, {readonly is: 'kept'}>

const isPart = (state: Retirement | undefined): boolean => state?.is === 'kept' && state.isPart === true

const UNFINISHED = {is: 'kept', reason: REASON.schedulerUnreachable} as const

const reasonOf = (is: 'refused' | 'timed-out'): string => (is === 'refused' ? REASON.refused : REASON.timedOut)

const kept = (is: 'refused' | 'timed-out', message: string | undefined, at: number): Kept => ({
  is: 'kept',
  reason: reasonOf(is),
  message:
    message ??
    (is === 'refused'
      ? 'its worker holds results that no other worker can take; it works on until they are released or another worker joins'
      : 'its worker has not finished its task in time; it works on'),
  at,
})
