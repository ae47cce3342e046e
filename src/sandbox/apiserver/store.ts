/**
 * Every object, in memory, under one revision counter; a ring of past changes for watches that start in the past.
 * All of it is synchronous: whoever reads and writes without awaiting in between has a transaction.
 */
import type {ApiObject} from './json.ts'

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly revision: number
  /** The new state; of a deletion the last state, with the revision of the deletion. */
  readonly object: ApiObject
  readonly previous?: ApiObject
}

export type ChangeListener = (change: Change) => void

/** All that a store holds, for the store of a later life to begin with. */
export interface Kept {
  readonly revision: number
  readonly objects: readonly (readonly [storage: string, object: ApiObject])[]
}

export interface Store {
  revision(): number
  get(storage: string, namespace: string, name: string): ApiObject | undefined
  /** Ordered by namespace and name, as etcd does it. `undefined`: of all namespaces. */
  list(storage: string, namespace?: string): readonly ApiObject[]
  /** The same as it was at a past revision; `undefined` when the ring has forgotten changes since. */
  listAt(storage: string, namespace: string | undefined, revision: number): readonly ApiObject[] | undefined
  /** Writes the object with a new resourceVersion, which it returns with it. */
  put(storage: string, object: ApiObject): ApiObject
  remove(storage: string, object: ApiObject): ApiObject | undefined
  /** Takes an object of an earlier life as it was. It is told to `watchAll`, but no watch from the past hears of it. */
  restore(storage: string, object: ApiObject): void
  holds(): Kept
  /** Changes after `revision` in order; `undefined` when the ring has forgotten some of them. */
  changesSince(storage: string, revision: number): readonly Change[] | undefined
  /** Calls `listener` on every later change, in order, before the write returns. The result ends it. */
  watch(storage: string, listener: ChangeListener): () => void
  /** As `watch`, over all storages. */
  watchAll(listener: (storage: string, change: Change) => void): () => void
  /** Names of the storages that have ever held an object. */
  storages(): readonly string[]
  /** Drops the ring of a storage: later watches from the past get 410 (a CRD was changed or removed). */
  forgetHistory(storage: string): void
}

interface Collection {
  readonly namespaces: Map<string, Map<string, ApiObject>>
  readonly listeners: Set<ChangeListener>
  history: Change[]
  /** Revision up to which the history has been dropped. */
  forgotten: number
}

/** Past changes kept per resource: at least this many, at most twice as many. */
const HISTORY = 2_048

/**
 * `firstRevision` should be larger than any revision of an earlier life (a clock does it): a client that comes back
 * with a revision of that life is then told 410 and lists again, instead of waiting for a future that never comes.
 */
export function makeStore(firstRevision: number): Store {
  const collections = new Map<string, Collection>()
  const everywhere = new Set<(storage: string, change: Change) => void>()
  let revision = firstRevision

  const collectionOf = (storage: string): Collection => {
    let collection = collections.get(storage)
    if (!collection) {
      collection = {namespaces: new Map(), listeners: new Set(), history: [], forgotten: firstRevision - 1}
      collections.set(storage, collection)
    }
    return collection
  }

  const tell = (storage: string, collection: Collection, change: Change): void => {
    collection.history.push(change)
    if (collection.history.length > 2 * HISTORY) {
      collection.forgotten = collection.history[HISTORY - 1]?.revision ?? collection.forgotten
      collection.history = collection.history.slice(HISTORY)
    }
    for (const listener of [...collection.listeners]) listener(change)
    for (const listener of everywhere) listener(storage, change)
  }

  const namesakes = (collection: Collection, namespace: string): Map<string, ApiObject> => {
    const found = collection.namespaces.get(namespace) ?? new Map<string, ApiObject>()
    collection.namespaces.set(namespace, found)
    return found
  }

  const list = (storage: string, namespace?: string): readonly ApiObject[] => {
    const collection = collections.get(storage)
    if (!collection) return []
    const spaces = namespace === undefined ? [...collection.namespaces.keys()].map((each) => `${each}/`).sort() : [`${namespace}/`]
    return spaces.flatMap((each) => sorted(collection.namespaces.get(each.slice(0, -1))))
  }

  const changesSince = (storage: string, since: number): readonly Change[] | undefined => {
    const {forgotten, history} = collectionOf(storage)
    return since < forgotten ? undefined : history.slice(firstAfter(history, since))
  }

  const stamped = (object: ApiObject): ApiObject => {
    revision += 1
    return {...object, metadata: {...object.metadata, resourceVersion: String(revision)}}
  }

  return {
    revision: () => revision,
    get: (storage, namespace, name) => collections.get(storage)?.namespaces.get(namespace)?.get(name),
    list,
    listAt: (storage, namespace, then) => {
      const since = changesSince(storage, then)
      return since && undone(list(storage, namespace), namespace, since)
    },
    put: (storage, object) => {
      const collection = collectionOf(storage)
      const {namespace = '', name} = object.metadata
      const objects = namesakes(collection, namespace)
      const previous = objects.get(name)
      const written = stamped(object)
      objects.set(name, written)
      tell(storage, collection, {type: previous ? 'MODIFIED' : 'ADDED', revision, object: written, ...(previous && {previous})})
      return written
    },
    remove: (storage, object) => {
      const collection = collectionOf(storage)
      const {namespace = '', name} = object.metadata
      const objects = collection.namespaces.get(namespace)
      const previous = objects?.get(name)
      if (!objects || !previous) return undefined
      objects.delete(name)
      if (objects.size === 0) collection.namespaces.delete(namespace)
      const last = stamped(object)
      tell(storage, collection, {type: 'DELETED', revision, object: last, previous})
      return last
    },
    restore: (storage, object) => {
      const {namespace = '', name} = object.metadata
      namesakes(collectionOf(storage), namespace).set(name, object)
      const change = {type: 'ADDED', revision: Number(object.metadata.resourceVersion), object} as const
      for (const listener of everywhere) listener(storage, change)
    },
    holds: () => ({
      revision,
      objects: [...collections.keys()].flatMap((storage) => list(storage).map((object) => [storage, object] as const)),
    }),
    changesSince,
    watch: (storage, listener) => {
      const {listeners} = collectionOf(storage)
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    watchAll: (listener) => {
      everywhere.add(listener)
      return () => everywhere.delete(listener)
    },
    storages: () => [...collections.keys()],
    forgetHistory: (storage) => {
      const collection = collectionOf(storage)
      collection.history = []
      collection.forgotten = revision
    },
  }
}

const sorted = (objects: ReadonlyMap<string, ApiObject> | undefined): ApiObject[] => {
  if (!objects) return []
  const pairs = [...objects].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return pairs.map(([, object]) => object)
}

/** The place of an object among all of its storage: etcd orders by these keys. */
export const keyOf = ({metadata: {namespace = '', name}}: ApiObject): string => `${namespace}/${name}`

/** A list as it was before these changes. */
const undone = (objects: readonly ApiObject[], namespace: string | undefined, changes: readonly Change[]): readonly ApiObject[] => {
  const ofIt = changes.filter(({object}) => namespace === undefined || (object.metadata.namespace ?? '') === namespace)
  if (ofIt.length === 0) return objects
  const before = new Map(objects.map((object) => [keyOf(object), object]))
  for (const {object, previous} of ofIt.toReversed())
    if (previous) before.set(keyOf(object), previous)
    else before.delete(keyOf(object))
  return sorted(before)
}

/** Index of the first change later than `revision` (binary search: revisions only grow). */
const firstAfter = (history: readonly Change[], revision: number): number => {
  let low = 0
  let high = history.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((history[middle]?.revision ?? 0) > revision) high = middle
    else low = middle + 1
  }
  return low
}
