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
  /** An object of this kind has changed in the cache: the keys that wait for it. */
  waitingFor(kind: Kind, ref: Ref): readonly string[]
}

/** How long a watch may be behind before the objects are read beside it. */
const PATIENCE_MS = 5_000

export function createExpectations(client: KubeClient, informerOf: (kind: Kind) => Informer, now: () => number): Expectations {
  const pending = new Map<string, readonly Pending[]>()

  const isSeen = ({kind, ref, goneUid}: Pending): boolean => {
    if (goneUid === undefined) return false
    const cached = informerOf(kind).get(ref)
    return !cached || cached.metadata.uid !== goneUid || cached.metadata.deletionTimestamp !== undefined
  }

  const keep = (key: string, isKept: (entry: Pending) => boolean): readonly Pending[] => {
    const left = (pending.get(key) ?? []).filter(isKept)
    if (left.length > 0) pending.set(key, left)
    else pending.delete(key)
    return left
  }
  const unseen = (key: string): readonly Pending[] => keep(key, (entry) => !isSeen(entry))

  const add = (key: string, entry: Pending): void => {
    if (!isSeen(entry)) pending.set(key, [...(pending.get(key) ?? []), entry])
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
    expectGone: (key, kind, ref, uid) => add(key, {kind, ref, goneUid: uid, askAt: now() + PATIENCE_MS}),
    doubt: (key, kind, ref) => add(key, {kind, ref, askAt: now()}),
    ready: async (key, signal) => {
      const late = unseen(key).filter(({askAt}) => askAt <= now())
      if (late.length > 0) {
        await Promise.all(late.map((entry) => read(entry, signal)))
        keep(key, (entry) => !late.includes(entry))
      }
      const left = unseen(key)
      return left.length === 0 ? 0 : Math.max(1, Math.min(...left.map(({askAt}) => askAt)) - now())
    },
    waitingFor: (kind, ref) => [...pending].flatMap(([key, entries]) => (entries.some((entry) => isAbout(entry, kind, ref)) ? [key] : [])),
  }
}

const isAbout = (entry: Pending, kind: Kind, ref: Ref): boolean =>
  entry.ref.name === ref.name &&
  entry.ref.namespace === ref.namespace &&
  entry.kind.plural === kind.plural &&
  entry.kind.apiVersion === kind.apiVersion
