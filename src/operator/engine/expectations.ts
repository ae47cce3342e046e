import type {Kind, Ref} from '../../api/object.ts'
import type {KubeClient} from '../../kube/client.ts'
import {isNotFound} from '../../kube/errors.ts'
import type {Informer} from '../../kube/informer.ts'

/** A deletion that the cache has not shown yet; creations and patches are put into the cache from the server's own answer. */
interface Pending {
  readonly kind: Kind
  readonly ref: Ref
  readonly uid: string
  readonly since: number
}

/** Law 3: no plan on a cache that is known to be behind our own writes. */
export interface Expectations {
  /** This key has deleted that object. */
  expectGone(key: string, kind: Kind, ref: Ref, uid: string): void
  /** Milliseconds after which to look again; 0: the cache has seen every write of this key. */
  behind(key: string): number
  /** Reads from the API server what the cache has not shown in time. */
  settle(key: string, signal: AbortSignal): Promise<void>
  /** An object of this kind has changed in the cache: the keys that wait for it. */
  waitingFor(kind: Kind, ref: Ref): readonly string[]
}

/** How long a watch may be behind before the objects are read beside it. */
const PATIENCE_MS = 5_000

export function createExpectations(client: KubeClient, informerOf: (kind: Kind) => Informer, now: () => number): Expectations {
  const pending = new Map<string, Pending[]>()

  const isSeen = ({kind, ref, uid}: Pending): boolean => {
    const cached = informerOf(kind).get(ref)
    return !cached || cached.metadata.uid !== uid || cached.metadata.deletionTimestamp !== undefined
  }

  const unseen = (key: string): readonly Pending[] => {
    const left = (pending.get(key) ?? []).filter((each) => !isSeen(each))
    if (left.length > 0) pending.set(key, left)
    else pending.delete(key)
    return left
  }

  return {
    expectGone: (key, kind, ref, uid) => {
      const entry = {kind, ref, uid, since: now()}
      if (!isSeen(entry)) pending.set(key, [...(pending.get(key) ?? []), entry])
    },
    behind: (key) => {
      const left = unseen(key)
      if (left.length === 0) return 0
      return Math.max(1, Math.min(...left.map(({since}) => since + PATIENCE_MS - now())))
    },
    settle: async (key, signal) => {
      const late = unseen(key).filter(({since}) => now() - since >= PATIENCE_MS)
      await Promise.all(
        late.map(async ({kind, ref, uid}) => {
          try {
            const object = await client.get(kind, ref, {signal})
            if (object.metadata.uid === uid) informerOf(kind).observe(object)
            else informerOf(kind).forget(ref, uid)
          } catch (error) {
            if (!isNotFound(error)) throw error
            informerOf(kind).forget(ref, uid)
          }
        }),
      )
      // What the server itself shows as untouched was not deleted: there is nothing more to wait for.
      pending.set(
        key,
        (pending.get(key) ?? []).filter((each) => !late.includes(each)),
      )
    },
    waitingFor: (kind, ref) =>
      [...pending].flatMap(([key, entries]) =>
        entries.some((each) => each.kind === kind && each.ref.name === ref.name && each.ref.namespace === ref.namespace) ? [key] : [],
      ),
  }
}
