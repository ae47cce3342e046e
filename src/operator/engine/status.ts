import {isEqual, mergePatch} from '../../api/json.ts'
import {OPERATOR} from '../../api/names.ts'
import type {Kind, KubeObject} from '../../api/object.ts'
import type {KubeClient} from '../../kube/client.ts'
import {discover} from '../../kube/discovery.ts'
import {isNotFound} from '../../kube/errors.ts'
import type {Informer} from '../../kube/informer.ts'
import {conditionsOf, withConditionTimes} from './conditions.ts'
import {normalise} from './normalise.ts'
import {isOutdated, isTerminal} from './refusals.ts'
import {rememberYoungest} from './youngest.ts'

export interface StatusWriter {
  /**
   * Patches the owner's status if it differs (law 6). `outdated`: the owner is not what it was when the status was computed.
   * A number: it differs and will be due in so many milliseconds, for others of this owner have just been written, or `mayWait`.
   */
  write(owner: WithStatus, status: object, options: WriteOptions): Promise<'same' | 'written' | 'outdated' | number>
  /** The owner has gone: nothing is kept of it. */
  forget(uid: string | undefined): void
}

export interface WriteOptions {
  /** More of it is about to change: what the plan has just made shows in the cache, and the next run tells of it. */
  readonly mayWait: boolean
  /** Something has failed: that is told at once, but in other words not more often than once a minute. */
  readonly isUrgent: boolean
  readonly signal: AbortSignal
}

/** Twenty workers that become ready one by one are told in a few writes, each of them soon. */
const PACE_MS = 250
/**
 * Where writes that make something wait for their turn, statuses let them go first, for each costs the server as much as a pod: all owners of the
 * kind together get one turn in each PACE_MS, and nobody waits longer than this.
 */
const CROWDED_MS = 10_000
const LOOK_MS = 2_000
/**
 * A refusal names what was refused, under another name at each try. What has been written has its owner looked at again: each refusal would bring
 * the next one at once.
 */
const WORDS_MS = 60_000

type WithStatus = KubeObject & {readonly status?: unknown}

/**
 * Writes through `/status` where the installed CRD has it and through the main resource where it has not (upstream's CRDs).
 * A CRD can be changed under a running operator, so a 404, and a status that was dropped, ask anew; and where the server prunes what it
 * does not know, or refuses it, the same status is not sent again and again.
 */
export function createStatusWriter(
  client: KubeClient,
  kind: Kind,
  informer: Informer,
  steady: () => number,
  isCrowded: () => boolean,
): StatusWriter {
  let hasSubresource: boolean | undefined
  /** By UID: what was wanted last, and what the server made of it. */
  const last = new Map<string, {readonly wanted: object; readonly kept: unknown}>()

  /** By UID: when a status was written last, and when one that differs is due. */
  const written = new Map<string, number>()
  const due = new Map<string, number>()
  /** By UID: since when one that differs lets others go first. */
  const yielding = new Map<string, number>()
  /** When one of them was given its turn. */
  let turnAt = Number.NEGATIVE_INFINITY

  const waitMs = (uid: string, {mayWait, isUrgent}: WriteOptions, isWordsAlone: boolean): number => {
    if (isUrgent) return isWordsAlone ? Math.max(0, (written.get(uid) ?? Number.NEGATIVE_INFINITY) + WORDS_MS - steady()) : 0
    const at = due.get(uid) ?? Math.max((written.get(uid) ?? Number.NEGATIVE_INFINITY) + PACE_MS, mayWait ? steady() + PACE_MS : 0)
    if (at > steady()) rememberYoungest(due, uid, at)
    const since = yielding.get(uid) ?? steady()
    if (!isCrowded() || steady() - since >= CROWDED_MS) return Math.max(0, at - steady())
    rememberYoungest(yielding, uid, since)
    // Each comes back about when its turn is; soon in any case, for the crowd may have gone.
    if (at > steady() || steady() - turnAt < PACE_MS) return Math.max(Math.min(PACE_MS * yielding.size, LOOK_MS), at - steady())
    turnAt = steady()
    return 0
  }

  const send = async (owner: KubeObject, patch: unknown, signal: AbortSignal): Promise<WithStatus> => {
    hasSubresource ??= (await discover(client, kind, signal))?.hasStatus ?? false
    const body = {metadata: {uid: owner.metadata.uid}, status: patch}
    const through = hasSubresource ? ({subresource: 'status'} as const) : {}
    return client.patch(kind, owner.metadata, body, {type: 'merge', signal, fieldManager: OPERATOR, ...through})
  }

  const sendAsDiscovered = async (owner: WithStatus, status: object, patch: unknown, signal: AbortSignal): Promise<WithStatus> => {
    const result = await send(owner, patch, signal).catch((error: unknown) => {
      if (!isNotFound(error) || !hasSubresource) throw error
      hasSubresource = undefined
      return send(owner, patch, signal)
    })
    if (hasSubresource || mergePatch(result.status ?? {}, status) === undefined) return result
    // Through the main resource of a CRD that has got the subresource meanwhile a status is dropped without a word.
    hasSubresource = (await discover(client, kind, signal))?.hasStatus ?? false
    return hasSubresource ? send(owner, patch, signal) : result
  }

  const remember = (uid: string, wanted: object, kept: unknown): void => {
    rememberYoungest(last, uid, {wanted, kept})
    rememberYoungest(written, uid, steady())
    due.delete(uid)
    yielding.delete(uid)
  }

  return {
    forget: (uid = '') => {
      for (const map of [last, written, due, yielding]) map.delete(uid)
    },
    write: async (owner, fresh, options) => {
      const {signal} = options
      const uid = owner.metadata.uid ?? ''
      const before = last.get(uid)
      // Where the server has pruned the conditions, what was wanted still knows since when they hold.
      const isAsLeft = before !== undefined && isEqual(before.kept, owner.status)
      const status = withConditionTimes(isAsLeft ? before.wanted : owner.status, fresh)
      const patch = mergePatch(owner.status ?? {}, status)
      if (patch === undefined) {
        yielding.delete(uid)
        return 'same'
      }
      if (isAsLeft && isEqual(before.wanted, status)) return 'same'
      const wait = waitMs(uid, options, isEqual(withoutWords(owner.status), withoutWords(status)))
      if (wait > 0) return wait
      try {
        const result = await sendAsDiscovered(owner, status, patch, signal)
        remember(uid, status, normalise(result.status))
        informer.observe(result)
        return 'written'
      } catch (error) {
        // The object itself is gone: its watch tells.
        if (isNotFound(error)) return 'same'
        if (isOutdated(error)) return 'outdated'
        if (isTerminal(error)) remember(uid, status, owner.status)
        throw error
      }
    },
  }
}

/** A status but for the messages of its conditions. */
const withoutWords = (status: unknown): unknown => {
  const conditions = conditionsOf(status)
  return conditions ? {...(status as object), conditions: conditions.map(({message: _, ...condition}) => condition)} : status
}
