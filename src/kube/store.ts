import type {Kind, KubeObject, Ref} from '../api/object.ts'
import {keyOf} from '../api/ref.ts'
import type {Cache, InformerOptions} from './informer.ts'
import {isOlderVersion} from './resource-version.ts'

/** An informer's cache with the ways to change it; each change is told once, through `onChange`. */
export interface Store<T extends KubeObject> extends Cache<T> {
  /** Takes in a newer version; an older or the same one changes nothing. */
  put(object: T): void
  /**
   * Takes out the object of this UID; another one of the same name stays. `version` is the one at which it left (an object that only left
   * a selector may come back with a newer one); without it the object is gone for good.
   */
  remove(ref: Ref, uid: string, version?: string): void
  /**
   * Makes the cache what a complete list of this version says. What did not change is not told, and what is newer than the list stays,
   * unless the list is `anew`: the server's history is another one, so nothing known of the old one can be newer.
   */
  replaceAll(objects: readonly T[], version: string, anew?: boolean): void
}

export function createStore<T extends KubeObject>(
  kind: Kind<T>,
  {onChange = () => undefined, keep = withoutManagedFields}: Pick<InformerOptions<T>, 'onChange' | 'keep'> = {},
): Store<T> {
  const objects = new Map<string, T>()
  const byOwner = new Map<string, Map<string, T>>()
  /** UIDs that have left, with the version at which they did (none: for good), so that a late read does not bring them back. */
  const gone = new Map<string, string | undefined>()
  const hasLeft = ({metadata: {uid, resourceVersion}}: T): boolean => {
    if (uid === undefined || !gone.has(uid)) return false
    const at = gone.get(uid)
    return at === undefined || !isOlderVersion(at, resourceVersion)
  }

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
    const after = freeze(keep(object))
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
      if (!hasLeft(object) && !(before && isOlder(object, before))) set(object)
    },
    remove: (ref, uid, version) => {
      const key = keyOf(ref)
      const before = objects.get(key)
      const isSame = before?.metadata.uid === uid
      // It left a selector, came back, and was seen again before its leaving was told.
      if (isSame && isOlderVersion(version, before.metadata.resourceVersion)) return
      remember(gone, uid, version)
      if (isSame) drop(key, before)
    },
    replaceAll: (list, version, anew = false) => {
      if (anew) gone.clear()
      const present = new Set(list.map((object) => keyOf(object.metadata)))
      for (const [key, before] of objects) {
        // What was written while the list was made may not be in it.
        if (present.has(key) || (!anew && isOlderVersion(version, before.metadata.resourceVersion))) continue
        remember(gone, before.metadata.uid, version)
        drop(key, before)
      }
      for (const object of list) {
        const before = objects.get(keyOf(object.metadata))
        if (anew || !(hasLeft(object) || (before && isOlder(object, before)))) set(object)
      }
    },
  }
}

const sameVersion = (a: KubeObject, b: KubeObject): boolean =>
  a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion

const isOlder = (object: KubeObject, than: KubeObject): boolean =>
  isOlderVersion(object.metadata.resourceVersion, than.metadata.resourceVersion)

/** How many departed UIDs are remembered: more than can be in flight at once. */
const REMEMBERED = 10_000

const remember = (uids: Map<string, string | undefined>, uid: string | undefined, version: string | undefined): void => {
  if (uid === undefined) return
  uids.set(uid, version)
  for (const oldest of uids.keys()) {
    if (uids.size <= REMEMBERED) break
    uids.delete(oldest)
  }
}

/** managedFields are half of many an object's bytes, and nobody here reads them. */
export const withoutManagedFields = <T extends KubeObject>(object: T): T => {
  if (!('managedFields' in object.metadata)) return object
  const {managedFields: _, ...metadata} = object.metadata as T['metadata'] & {managedFields?: unknown}
  return {...object, metadata}
}

const freeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) freeze(inner)
  return Object.freeze(value)
}
