import type {Kind, KubeObject, Ref} from '../api/object.ts'
import type {Cache, OnChange} from './informer.ts'

/** An informer's cache with the ways to change it; each change is told once, through `onChange`. */
export interface Store<T extends KubeObject> extends Cache<T> {
  /** Takes in a newer version; an older or the same one changes nothing. */
  put(object: T): void
  /** Takes out the object of this UID; another one of the same name stays. */
  remove(ref: Ref, uid: string): void
  /** Makes the cache what a complete list of this version says; what did not change is not told, what is newer stays. */
  replaceAll(objects: readonly T[], version: string): void
}

export function createStore<T extends KubeObject>(kind: Kind<T>, onChange: OnChange<T> = () => {}): Store<T> {
  const objects = new Map<string, T>()
  const byOwner = new Map<string, Map<string, T>>()
  /** UIDs that have gone, so that a late read does not bring them back. */
  const gone = new Set<string>()

  const index = (key: string, before: T | undefined, after: T | undefined): void => {
    for (const owner of before?.metadata.ownerReferences ?? []) {
      const owned = byOwner.get(owner.uid)
      owned?.delete(key)
      if (owned?.size === 0) byOwner.delete(owner.uid)
    }
    for (const owner of after?.metadata.ownerReferences ?? []) {
      const owned = byOwner.get(owner.uid) ?? new Map<string, T>()
      byOwner.set(owner.uid, owned.set(key, after as T))
    }
  }

  const set = (object: T): void => {
    const key = keyOf(object.metadata)
    const before = objects.get(key)
    if (before && sameVersion(before, object)) return
    const after = freeze(withoutManagedFields(object))
    objects.set(key, after)
    index(key, before, after)
    // Another object of the same name: the first one has gone, and its end is told as such.
    if (before && before.metadata.uid !== after.metadata.uid) {
      onChange(before, undefined)
      onChange(undefined, after)
    } else onChange(before, after)
  }

  const drop = (key: string, before: T): void => {
    objects.delete(key)
    index(key, before, undefined)
    remember(gone, before.metadata.uid)
    onChange(before, undefined)
  }

  return {
    kind,
    get: (ref) => objects.get(keyOf(ref)),
    list: (namespace) => {
      const all = [...objects.values()]
      return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace)
    },
    ownedBy: (uid) => [...(byOwner.get(uid)?.values() ?? [])],
    put: (object) => {
      const before = objects.get(keyOf(object.metadata))
      if (object.metadata.uid !== undefined && gone.has(object.metadata.uid)) return
      if (before && isOlder(object, before)) return
      set(object)
    },
    remove: (ref, uid) => {
      const key = keyOf(ref)
      const before = objects.get(key)
      remember(gone, uid)
      if (before?.metadata.uid === uid) drop(key, before)
    },
    replaceAll: (list, version) => {
      const present = new Set(list.map((object) => keyOf(object.metadata)))
      // What was written while the list was made may not be in it.
      for (const [key, before] of objects) if (!present.has(key) && !isLess(version, before.metadata.resourceVersion)) drop(key, before)
      for (const object of list) {
        const before = objects.get(keyOf(object.metadata))
        if (!before || !isOlder(object, before)) set(object)
      }
    },
  }
}

const keyOf = ({namespace, name}: Ref): string => `${namespace ?? ''}/${name}`

const sameVersion = (a: KubeObject, b: KubeObject): boolean =>
  a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion

const isOlder = (object: KubeObject, than: KubeObject): boolean => isLess(object.metadata.resourceVersion, than.metadata.resourceVersion)

/** Resource versions may be compared as numbers (Kubernetes 1.35 promises it); where they are none, neither is less. */
const isLess = (one = '', other = ''): boolean => /^\d+$/.test(one) && /^\d+$/.test(other) && BigInt(one) < BigInt(other)

/** How many departed UIDs are remembered: more than can be in flight at once. */
const REMEMBERED = 10_000

const remember = (uids: Set<string>, uid: string | undefined): void => {
  if (uid === undefined) return
  uids.add(uid)
  for (const oldest of uids) {
    if (uids.size <= REMEMBERED) break
    uids.delete(oldest)
  }
}

const withoutManagedFields = <T extends KubeObject>(object: T): T => {
  if (!('managedFields' in object.metadata)) return object
  const {managedFields: _, ...metadata} = object.metadata as T['metadata'] & {managedFields?: unknown}
  return {...object, metadata}
}

const freeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) freeze(inner)
  return Object.freeze(value)
}
