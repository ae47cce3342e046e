import {setTimeout as pause} from 'node:timers/promises'
import {LEASES, type Lease} from '../../api/core.ts'
import type {KubeClient} from '../../kube/client.ts'
import {isConflict, isNotFound} from '../../kube/errors.ts'
import type {IsHeld} from './contract.ts'
import type {Log} from './log.ts'

export interface LeaseOptions {
  readonly client: KubeClient
  readonly namespace: string
  readonly name: string
  readonly identity: string
  readonly signal: AbortSignal
  readonly log: Log
  readonly times?: LeaseTimes
}

/** As client-go: a leader that has not renewed for `durationMs` is gone; it stops by itself after `deadlineMs`. */
export interface LeaseTimes {
  readonly durationMs: number
  readonly deadlineMs: number
  readonly retryMs: number
}

const CLIENT_GO: LeaseTimes = {durationMs: 15_000, deadlineMs: 10_000, retryMs: 2_000}

/** How often a standby looks: a lease that is given back is taken within a second. */
const STANDBY_MS = 500

/** The lease as this identity wrote it last, and when (by our own clock) that was sent. */
interface Hold {
  readonly lease: Lease
  readonly at: number
}

/** The times of client-go, in proportion to another duration. */
export const leaseTimes = (durationMs: number): LeaseTimes => {
  const {durationMs: usual, deadlineMs, retryMs} = CLIENT_GO
  return {durationMs, deadlineMs: (durationMs * deadlineMs) / usual, retryMs: (durationMs * retryMs) / usual}
}

/**
 * Waits until this identity leads, then calls `lead` with a signal that aborts when the lease is lost or `signal` ends.
 * Resolves when `lead` has ended, after giving the lease back, so that a standby follows at once. Rejects when the lease was lost.
 */
export async function leadWhile(options: LeaseOptions, lead: (signal: AbortSignal, isHeld: IsHeld) => Promise<void>): Promise<void> {
  const {signal, log, times = CLIENT_GO} = options
  const hold = await acquire(options, times)
  if (!hold) return
  if (signal.aborted) return release(options, hold.lease, log)
  const term = new AbortController()
  const stop = (): void => term.abort(signal.reason)
  signal.addEventListener('abort', stop, {once: true})
  let heldFor = ageOf(hold)
  const renewed = (renewal: Hold): void => {
    heldFor = ageOf(renewal)
  }
  const renewing = renew(options, times, hold, renewed, term.signal).catch((lost: unknown) => {
    term.abort(lost)
    throw lost
  })
  // Awaited below, after the work has ended.
  renewing.catch(() => {})
  try {
    await lead(term.signal, () => heldFor() < times.deadlineMs)
  } finally {
    term.abort()
    signal.removeEventListener('abort', stop)
    // A lease that was lost is another's.
    await renewing.then(
      ({lease}) => release(options, lease, log),
      () => {},
    )
  }
  await renewing
}

/** Milliseconds since it was sent, by whichever clock says more: the steady one stands still while a machine sleeps, the other one may be set back. */
const ageOf = ({at}: Hold): (() => number) => {
  const wall = Date.now() - (performance.now() - at)
  return () => Math.max(performance.now() - at, Date.now() - wall)
}

/**
 * Renews until `term` ends and resolves with the hold that is to be given back. Rejects when another has the lease, and in any case before it
 * runs out: a server that does not answer gets no more time than is left.
 */
const renew = async (
  options: LeaseOptions,
  times: LeaseTimes,
  first: Hold,
  renewed: (hold: Hold) => void,
  term: AbortSignal,
): Promise<Hold> => {
  const {client, name, identity} = options
  let hold = first
  let failure = 'no answer'
  for (;;) {
    await pause(times.retryMs, undefined, {signal: term}).catch(() => {})
    if (term.aborted) return hold
    const at = performance.now()
    const leftMs = hold.at + times.deadlineMs - at
    if (leftMs <= 0) throw new Error(`the lease ${name} could not be renewed for ${times.deadlineMs / 1000} s: ${failure}`)
    const inTime = {signal: AbortSignal.timeout(Math.ceil(leftMs))}
    try {
      hold = {lease: await client.replace(LEASES, held(hold.lease, identity, times, false), inTime), at}
      renewed(hold)
    } catch (error) {
      failure = messageOf(error)
      if (!isConflict(error)) continue
      const lease = await client.get(LEASES, ref(options), inTime).catch((unread: unknown) => {
        failure = messageOf(unread)
        return undefined
      })
      if (lease && lease.spec?.holderIdentity !== identity)
        throw new Error(`the lease ${name} was taken by ${lease.spec?.holderIdentity ?? 'another operator'}`)
      // Somebody touched it, or an answer to us was lost; it is ours still, but not renewed.
      if (lease) hold = {lease, at: hold.at}
    }
  }
}

const ref = ({namespace, name}: LeaseOptions) => ({namespace, name})

/** `undefined`: the signal came before the lease. */
const acquire = async (options: LeaseOptions, times: LeaseTimes): Promise<Hold | undefined> => {
  const {client, namespace, name, identity, signal, log} = options
  /** Clocks of two machines may differ: a lease is stale when it has not changed for its duration by our own clock. */
  let seen: {readonly version: string | undefined; readonly at: number} | undefined
  let told = ''
  const tell = (line: string): void => {
    if (line !== told) log.info(line)
    told = line
  }
  while (!signal.aborted) {
    const inTime = {signal: AbortSignal.any([signal, AbortSignal.timeout(times.deadlineMs)])}
    const at = performance.now()
    try {
      const current = await client.get(LEASES, {namespace, name}, inTime)
      const holder = current.spec?.holderIdentity
      if (!seen || seen.version !== current.metadata.resourceVersion)
        seen = {version: current.metadata.resourceVersion, at: performance.now()}
      const isStale = performance.now() - seen.at > (current.spec?.leaseDurationSeconds ?? 15) * 1000
      if (!holder || holder === identity || isStale)
        return {lease: await client.replace(LEASES, held(current, identity, times, true), inTime), at}
      tell(`standing by: ${holder} leads (lease ${namespace}/${name})`)
    } catch (error) {
      if (signal.aborted) return undefined
      if (isNotFound(error)) {
        const fresh: Lease = {apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: {namespace, name}}
        try {
          return {lease: await client.create(LEASES, held(fresh, identity, times, true), inTime), at}
        } catch (refused) {
          if (!isConflict(refused) && !signal.aborted) tell(`the lease ${namespace}/${name} cannot be made: ${messageOf(refused)}`)
        }
      } else if (!isConflict(error)) tell(`the lease ${namespace}/${name} cannot be read: ${messageOf(error)}`)
    }
    await pause(Math.min(times.retryMs, STANDBY_MS) * (0.9 + Math.random() / 5), undefined, {signal}).catch(() => {})
  }
  return undefined
}

const held = (lease: Lease, identity: string, times: LeaseTimes, isNew: boolean): Lease => {
  const now = new Date().toISOString().replace('Z', '000Z')
  const transitions = lease.spec?.leaseTransitions ?? 0
  return {
    ...lease,
    spec: {
      ...lease.spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.round(times.durationMs / 1000),
      renewTime: now,
      ...(isNew && {acquireTime: now, leaseTransitions: lease.spec?.holderIdentity === undefined ? transitions : transitions + 1}),
    },
  }
}

const release = async ({client, name}: LeaseOptions, lease: Lease, log: Log): Promise<void> => {
  const {holderIdentity: _, ...spec} = lease.spec ?? {}
  try {
    await client.replace(LEASES, {...lease, spec: {...spec, leaseDurationSeconds: 1}}, {signal: AbortSignal.timeout(2_000)})
  } catch (error) {
    // It runs out by itself.
    if (!isConflict(error) && !isNotFound(error)) log.warn({error: messageOf(error)}, `the lease ${name} was not given back`)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
