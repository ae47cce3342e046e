import {setTimeout as pause} from 'node:timers/promises'
import {LEASES, type Lease} from '../../api/core.ts'
import type {KubeClient} from '../../kube/client.ts'
import {isConflict, isNotFound} from '../../kube/errors.ts'

export interface LeaseOptions {
  readonly client: KubeClient
  readonly namespace: string
  readonly name: string
  readonly identity: string
  readonly signal: AbortSignal
  readonly log: (line: string) => void
  readonly times?: LeaseTimes
}

/** As client-go: a leader that has not renewed for `durationMs` is gone; it stops by itself after `deadlineMs`. */
export interface LeaseTimes {
  readonly durationMs: number
  readonly deadlineMs: number
  readonly retryMs: number
}

const CLIENT_GO: LeaseTimes = {durationMs: 15_000, deadlineMs: 10_000, retryMs: 2_000}

/**
 * Waits until this identity leads, then calls `lead` with a signal that aborts when the lease is lost or `signal` ends.
 * Resolves when `lead` has ended, after giving the lease back, so that a standby follows at once. Rejects when the lease was lost.
 */
export async function leadWhile(options: LeaseOptions, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const {client, identity, signal, log, times = CLIENT_GO} = options
  let lease = await acquire(options, times)
  if (!lease) return
  const term = new AbortController()
  const stop = (): void => term.abort(signal.reason)
  signal.addEventListener('abort', stop, {once: true})
  let lost: Error | undefined
  const renewing = (async () => {
    let renewedAt = performance.now()
    while (!term.signal.aborted) {
      await pause(times.retryMs, undefined, {signal: term.signal}).catch(() => {})
      if (term.signal.aborted) return
      try {
        lease = await client.replace(LEASES, held(lease as Lease, identity, times, false), {signal: AbortSignal.timeout(times.deadlineMs)})
        renewedAt = performance.now()
      } catch (error) {
        if (isConflict(error)) {
          const now = await client.get(LEASES, ref(options), {signal: term.signal}).catch(() => undefined)
          if (now?.spec?.holderIdentity === identity) {
            lease = now
            continue
          }
          lost = new Error(`the lease ${options.name} was taken by ${now?.spec?.holderIdentity ?? 'another operator'}`)
        } else if (performance.now() - renewedAt > times.deadlineMs)
          lost = new Error(`the lease ${options.name} could not be renewed for ${times.deadlineMs / 1000} s: ${String(error)}`)
        if (lost) term.abort(lost)
      }
    }
  })()
  try {
    await lead(term.signal)
  } finally {
    if (!term.signal.aborted) term.abort()
    await renewing
    signal.removeEventListener('abort', stop)
    if (!lost) await release(options, lease, log)
  }
  if (lost) throw lost
}

const ref = ({namespace, name}: LeaseOptions) => ({namespace, name})

/** `undefined`: the signal came before the lease. */
const acquire = async (options: LeaseOptions, times: LeaseTimes): Promise<Lease | undefined> => {
  const {client, namespace, name, identity, signal, log} = options
  /** Clocks of two machines may differ: a lease is stale when it has not changed for its duration by our own clock. */
  let seen: {readonly version: string | undefined; readonly at: number} | undefined
  let told: string | undefined
  while (!signal.aborted) {
    try {
      const current = await client.get(LEASES, {namespace, name}, {signal})
      const holder = current.spec?.holderIdentity
      if (!seen || seen.version !== current.metadata.resourceVersion)
        seen = {version: current.metadata.resourceVersion, at: performance.now()}
      const isStale = performance.now() - seen.at > (current.spec?.leaseDurationSeconds ?? 15) * 1000
      if (!holder || holder === identity || isStale) return await client.replace(LEASES, held(current, identity, times, true), {signal})
      if (told !== holder) log(`standing by: ${holder} leads (lease ${namespace}/${name})`)
      told = holder
    } catch (error) {
      if (signal.aborted) return undefined
      if (isNotFound(error)) {
        const fresh: Lease = {apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: {namespace, name}}
        try {
          return await client.create(LEASES, held(fresh, identity, times, true), {signal})
        } catch (refused) {
          if (!isConflict(refused)) log(`the lease ${namespace}/${name} cannot be made: ${messageOf(refused)}`)
        }
      } else if (!isConflict(error)) log(`the lease ${namespace}/${name} cannot be read: ${messageOf(error)}`)
    }
    await pause(times.retryMs * (0.9 + Math.random() / 5), undefined, {signal}).catch(() => {})
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

const release = async ({client, name}: LeaseOptions, lease: Lease | undefined, log: (line: string) => void): Promise<void> => {
  if (!lease) return
  const {holderIdentity: _, ...spec} = lease.spec ?? {}
  try {
    await client.replace(LEASES, {...lease, spec: {...spec, leaseDurationSeconds: 1}}, {signal: AbortSignal.timeout(2_000)})
  } catch (error) {
    // It runs out by itself.
    if (!isConflict(error) && !isNotFound(error)) log(`the lease ${name} was not given back: ${messageOf(error)}`)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
