/** Garbage collection by owner references: background, foreground, orphan (k8s.io/kubernetes: pkg/controller/garbagecollector). */
import type {OwnerReference} from '../../api/object.ts'
import {makeAgenda} from './agenda.ts'
import {FOREGROUND, ORPHAN, remove} from './delete.ts'
import type {ApiObject} from './json.ts'
import type {Ground, Registry, Resource} from './resources.ts'
import type {Change} from './store.ts'
import {isGone} from './write.ts'

interface Place {
  readonly storage: string
  readonly namespace: string
  readonly name: string
}

/** Follows the store until it is stopped. */
export function startGarbageCollector(ground: Ground, registry: Registry, onError: (error: unknown) => void): {stop(): void} {
  const {store} = ground
  /** Every live object by UID. */
  const places = new Map<string, Place>()
  /** UIDs of the dependents by UID of the owner. */
  const dependents = new Map<string, Set<string>>()

  const live = (uid: string): {readonly place: Place; readonly object: ApiObject} | undefined => {
    const place = places.get(uid)
    const object = place && store.get(place.storage, place.namespace, place.name)
    return place && object?.metadata.uid === uid ? {place, object} : undefined
  }
  const dependentsOf = (uid: string): readonly {readonly place: Place; readonly object: ApiObject}[] =>
    [...(dependents.get(uid) ?? [])].flatMap((each) => live(each) ?? [])
  const resourceOf = ({storage}: Place): Resource | undefined => registry.all().find((each) => each.storage === storage)

  const write = ({storage}: Place, object: ApiObject): void => {
    if (isGone(object)) store.remove(storage, object)
    else store.put(storage, object)
  }
  const withoutFinalizer = (object: ApiObject, finalizer: string): ApiObject => {
    const {finalizers = [], ...metadata} = object.metadata
    const left = finalizers.filter((each) => each !== finalizer)
    return {...object, metadata: {...metadata, ...(left.length > 0 && {finalizers: left})}}
  }
  const withOwners = (object: ApiObject, owners: readonly OwnerReference[]): ApiObject => {
    const {ownerReferences: _, ...metadata} = object.metadata
    return {...object, metadata: {...metadata, ...(owners.length > 0 && {ownerReferences: owners})}}
  }
  const removeDependent = (place: Place, object: ApiObject, propagation: 'Foreground' | 'Background' | 'Orphan'): void => {
    const resource = resourceOf(place)
    if (!resource) return
    const {uid} = object.metadata
    remove(ground, resource, place.namespace, place.name, {propagation, dryRun: false, ...(uid !== undefined && {uid})})
  }

  const isOfServedKind = ({apiVersion, kind}: OwnerReference): boolean => registry.findKind(apiVersion, kind) !== undefined
  const ownerOf = (reference: OwnerReference, namespace: string): ApiObject | undefined => {
    const owner = live(reference.uid)
    return owner && (owner.place.namespace === '' || owner.place.namespace === namespace) ? owner.object : undefined
  }
  const isGoingInForeground = ({metadata}: ApiObject): boolean =>
    metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(FOREGROUND)

  /** Deletes the object when no owner is left, takes out references to owners that are gone when one is. */
  const judge = (place: Place, object: ApiObject): void => {
    const owners = object.metadata.ownerReferences ?? []
    if (owners.length === 0 || owners.some((each) => !isOfServedKind(each))) return
    const present = owners.filter((each) => ownerOf(each, place.namespace))
    const isHeld = present.some((each) => {
      const owner = ownerOf(each, place.namespace)
      return owner && !isGoingInForeground(owner)
    })
    if (isHeld) {
      if (present.length < owners.length) write(place, withOwners(object, present))
    } else if (!object.metadata.deletionTimestamp) {
      const waits = present.some((each) => each.blockOwnerDeletion) && dependentsOf(object.metadata.uid ?? '').length > 0
      removeDependent(place, object, waits ? 'Foreground' : 'Background')
    }
  }

  /** Carries on an owner's own deletion in foreground or with its dependents left behind. */
  const finish = (place: Place, object: ApiObject): void => {
    const {uid = '', finalizers = [], deletionTimestamp} = object.metadata
    if (!deletionTimestamp) return
    if (finalizers.includes(ORPHAN)) {
      for (const dependent of dependentsOf(uid)) {
        const others = (dependent.object.metadata.ownerReferences ?? []).filter((each) => each.uid !== uid)
        write(dependent.place, withOwners(dependent.object, others))
      }
      write(place, withoutFinalizer(object, ORPHAN))
    } else if (finalizers.includes(FOREGROUND)) {
      for (const dependent of dependentsOf(uid)) judge(dependent.place, dependent.object)
      const isBlocked = dependentsOf(uid).some(({object: dependent}) =>
        dependent.metadata.ownerReferences?.some((each) => each.uid === uid && each.blockOwnerDeletion),
      )
      const now = live(uid)
      if (!isBlocked && now) write(place, withoutFinalizer(now.object, FOREGROUND))
    }
  }

  const agenda = makeAgenda((uid) => {
    const found = live(uid)
    if (!found) return
    judge(found.place, found.object)
    const left = live(uid)
    if (left) finish(left.place, left.object)
  }, onError)

  const book = (storage: string, {type, object, previous}: Change): void => {
    const {uid = '', namespace = '', name, ownerReferences = [], deletionTimestamp} = object.metadata
    const before = previous?.metadata.ownerReferences ?? []
    if (type === 'DELETED') {
      places.delete(uid)
      for (const owner of before) {
        dependents.get(owner.uid)?.delete(uid)
        agenda.add(owner.uid)
      }
      for (const dependent of dependents.get(uid) ?? []) agenda.add(dependent)
      if (dependents.get(uid)?.size === 0) dependents.delete(uid)
      return
    }
    if (!previous) places.set(uid, {storage, namespace, name})
    if (before !== ownerReferences) {
      for (const owner of before) dependents.get(owner.uid)?.delete(uid)
      for (const owner of ownerReferences) {
        const known = dependents.get(owner.uid) ?? new Set()
        dependents.set(owner.uid, known.add(uid))
      }
      // Only references that are new can point at an owner that is already gone.
      const isNew = ownerReferences.some((owner) => !before.some((each) => each.uid === owner.uid))
      if (isNew) agenda.add(uid)
    }
    if (deletionTimestamp) agenda.add(uid)
  }
  const unsubscribe = store.watchAll(book)
  return {
    stop: () => {
      unsubscribe()
      agenda.stop()
    },
  }
}
