import type {Kind, Ref} from '../../api/object.ts'
import type {KubeClient} from '../../kube/client.ts'
import {isNotFound} from '../../kube/errors.ts'
import type {Informer} from '../../kube/informer.ts'

/** A write that the cache has not shown yet; creations and patches are put into the cache from the server's own answer. */
interface Pending {
  readonly kind: Kind
  readonly ref: Ref
  /** Of the object that was deleted. Absent: the server's answer to a write was lost, nobody knows what came of it. */
  readonly goneUid?: string
  /** When the server itself is to be asked. */
  readonly askAt: number
}

/** Law 3: no plan on a cache that is known to be behind our own writes. */
export interface Expectations {
  /** This key has deleted that object. */
  expectGone(key: string, kind: Kind, ref: Ref, uid: string): void
  /** A write of this key got no answer: it may have been carried out, or not. */
  doubt(key: string, kind: Kind, ref: Ref): void
  /**
   * Resolves with 0 when the cache has seen every write of this key, else with milliseconds after which to look again.
   * Reads from the API server what the cache has not shown in time and what is in doubt; rejects when it does not answer.
   */
  ready(key: string, signal: AbortSignal): Promise<number>
  /** An object of this kind has changed in the cache: the keys that waited for it and wait for nothing any more. */
  seen(kind: Kind, ref: Ref): readonly string[]
}

/** How long a watch may be behind before the objects are read beside it. */
const PATIENCE_MS = 5_000

export function createExpectations(client: KubeClient, informerOf: (kind: Kind) => Informer, steady: () => number): Expectations {
  /** By key, then by object. */
  const pending = new Map<string, Map<string, Pending>>()
  /** By object: the keys that wait for it. */
  const waiting = new Map<string, Set<string>>()

  const isSeen = ({kind, ref, goneUid}: Pending): boolean => {
    if (goneUid === undefined) return false
    const cached = informerOf(kind).get(ref)
    return !cached || cached.metadata.uid !== goneUid || cached.metadata.deletionTimestamp !== undefined
  }

  const add = (key: string, entry: Pending): void => {
    if (isSeen(entry)) return
    const object = nameOf(entry.kind, entry.ref)
    const entries = pending.get(key) ?? new Map<string, Pending>()
    pending.set(key, entries.set(object, entry))
    waiting.set(object, (waiting.get(object) ?? new Set()).add(key))
  }

  const settle = (key: string, {kind, ref}: Pending): void => {
    const object = nameOf(kind, ref)
    const [entries, keys] = [pending.get(key), waiting.get(object)]
    entries?.delete(object)
    if (entries?.size === 0) pending.delete(key)
    keys?.delete(key)
    if (keys?.size === 0) waiting.delete(object)
  }

  /** Puts into the cache what the server says of the object. One that it shows untouched was not deleted: there is nothing to wait for. */
  const read = async ({kind, ref, goneUid}: Pending, signal: AbortSignal): Promise<void> => {
    const informer = informerOf(kind)
    const uid = goneUid ?? informer.get(ref)?.metadata.uid
    try {
      const object = await client.get(kind, ref, {signal})
      if (uid !== undefined && uid !== object.metadata.uid) informer.forget(ref, uid)
      informer.observe(object)
    } catch (error) {
      if (!isNotFound(error)) throw error
      if (uid !== undefined) informer.forget(ref, uid)
    }
  }

  return {
    expectGone: (key, kind, ref, uid) => add(key, {kind, ref, goneUid: uid, askAt: steady() + PATIENCE_MS}),
    doubt: (key, kind, ref) => add(key, {kind, ref, askAt: steady()}),
    ready: async (key, signal) => {
      const late: Pending[] = []
      let nextAt = Number.POSITIVE_INFINITY
      for (const entry of pending.get(key)?.values() ?? []) {
        const isLate = entry.askAt <= steady()
        // One that is unseen is enough to wait for: a thousand deletions are not looked up again at the end of each.
        if ((isLate || nextAt === Number.POSITIVE_INFINITY) && isSeen(entry)) settle(key, entry)
        else if (isLate) late.push(entry)
        else nextAt = Math.min(nextAt, entry.askAt)
      }
      await Promise.all(late.map((entry) => read(entry, signal)))
      for (const entry of late) settle(key, entry)
      return pending.has(key) ? Math.max(1, nextAt - steady()) : 0
    },
    seen: (kind, ref) => {
      const object = nameOf(kind, ref)
      const keys = [...(waiting.get(object) ?? [])]
      return keys.filter((key) => {
        const entry = pending.get(key)?.get(object)
        if (entry && isSeen(entry)) settle(key, entry)
        return !pending.has(key)
      })
    },
  }
}

const nameOf = ({apiVersion, plural}: Kind, {namespace = '', name}: Ref): string => `${apiVersion}/${plural}/${namespace}/${name}`
