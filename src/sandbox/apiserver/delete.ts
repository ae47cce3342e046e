/** Deletion: at once, after a grace period, or once finalizers are gone (k8s.io/apiserver: registry/rest/delete.go, generic/registry/store.go). */
import {conflict, invalidOptions, notFound, notSupported} from './errors.ts'
import {type ApiObject, isObject, objectAt, valueAt} from './json.ts'
import {timestamp} from './prepare.ts'
import type {Ground, Resource} from './resources.ts'
import {isGone} from './write.ts'

export const FOREGROUND = 'foregroundDeletion'
export const ORPHAN = 'orphan'
/** Kept on a CRD until its objects are gone. */
export const CRD_CLEANUP = 'customresourcecleanup.apiextensions.k8s.io'
const DEFAULT_GRACE_S = 30

export interface DeleteOptions {
  readonly propagation?: 'Foreground' | 'Background' | 'Orphan'
  readonly gracePeriodSeconds?: number
  readonly uid?: string
  readonly resourceVersion?: string
  readonly dryRun: boolean
}

/** From the body (`DeleteOptions`) and the query: both are used by clients, the body wins. */
export function deleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  const given = isObject(body) ? body : {}
  const propagation = given['propagationPolicy'] ?? query.get('propagationPolicy') ?? undefined
  const orphan = given['orphanDependents'] ?? (query.has('orphanDependents') ? query.get('orphanDependents') === 'true' : undefined)
  const grace = given['gracePeriodSeconds'] ?? (query.has('gracePeriodSeconds') ? Number(query.get('gracePeriodSeconds')) : undefined)
  if (propagation !== undefined && propagation !== 'Foreground' && propagation !== 'Background' && propagation !== 'Orphan')
    throw invalidOptions('DeleteOptions', notSupported('propagationPolicy', propagation, ['Foreground', 'Background', 'Orphan', 'nil']))
  const chosen = propagation ?? (orphan === true ? 'Orphan' : undefined)
  const preconditions = objectAt(given, 'preconditions')
  const dryRun = (Array.isArray(given['dryRun']) && given['dryRun'].includes('All')) || query.get('dryRun') === 'All'
  return {
    dryRun,
    ...(chosen && {propagation: chosen}),
    ...(typeof grace === 'number' && {gracePeriodSeconds: Math.max(0, grace)}),
    ...(typeof preconditions['uid'] === 'string' && {uid: preconditions['uid']}),
    ...(typeof preconditions['resourceVersion'] === 'string' && {resourceVersion: preconditions['resourceVersion']}),
  }
}

export interface Deleted {
  readonly object: ApiObject
  /** `false`: the object only carries a deletionTimestamp now. */
  readonly isGone: boolean
}

export function remove(ground: Ground, resource: Resource, namespace: string, name: string, options: DeleteOptions): Deleted {
  const old = ground.store.get(resource.storage, namespace, name)
  if (!old) throw notFound(resource, name)
  checkPreconditions(resource, old, options)
  const grace = graceOf(resource, old, options)
  const finalizers = finalizersFor(resource, old, options)
  // What goes at once is returned and told as it was; a pod carries the mark all the same.
  const isPlain = resource.storage !== 'pods' && old.kind !== 'Namespace' && finalizers.length === 0
  if (isPlain) return {object: options.dryRun ? old : (ground.store.remove(resource.storage, old) ?? old), isGone: true}
  const marked = withMark(old, grace, finalizers)
  if (options.dryRun) return {object: marked, isGone: isGone(marked)}
  if (isGone(marked)) return {object: ground.store.remove(resource.storage, marked) ?? marked, isGone: true}
  return {object: marked === old ? old : ground.store.put(resource.storage, marked), isGone: false}
}

const checkPreconditions = (resource: Resource, {metadata}: ApiObject, options: DeleteOptions): void => {
  const named = {...resource, plural: resource.kind}
  if (options.uid !== undefined && options.uid !== metadata.uid)
    throw conflict(
      named,
      metadata.name,
      `the UID in the precondition (${options.uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    )
  if (options.resourceVersion !== undefined && options.resourceVersion !== metadata.resourceVersion)
    throw conflict(
      named,
      metadata.name,
      `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    )
}

/** Only pods have a grace period, and of those only the ones that a node has to end. */
const graceOf = (resource: Resource, object: ApiObject, {gracePeriodSeconds}: DeleteOptions): number => {
  if (resource.storage !== 'pods') return 0
  const phase = valueAt(object, 'status.phase')
  if (!valueAt(object, 'spec.nodeName') || phase === 'Succeeded' || phase === 'Failed') return 0
  const own = valueAt(object, 'spec.terminationGracePeriodSeconds')
  const asked = gracePeriodSeconds ?? (typeof own === 'number' ? own : DEFAULT_GRACE_S)
  const before = object.metadata.deletionGracePeriodSeconds
  // A deletion under way can only be made shorter.
  return before !== undefined && object.metadata.deletionTimestamp ? Math.min(before, asked) : asked
}

const finalizersFor = (resource: Resource, object: ApiObject, {propagation}: DeleteOptions): readonly string[] => {
  const present = object.metadata.finalizers ?? []
  const others = propagation ? present.filter((each) => each !== FOREGROUND && each !== ORPHAN) : present
  const added = [
    ...(propagation === 'Foreground' ? [FOREGROUND] : []),
    ...(propagation === 'Orphan' ? [ORPHAN] : []),
    ...(resource.storage === 'customresourcedefinitions.apiextensions.k8s.io' && !object.metadata.deletionTimestamp ? [CRD_CLEANUP] : []),
  ]
  return [...others, ...added]
}

/** A namespace says that it is going; its contents go first (cascade.ts). */
const withMark = (old: ApiObject, grace: number, finalizers: readonly string[]): ApiObject => {
  const {deletionTimestamp, deletionGracePeriodSeconds, finalizers: before = [], generation, ...metadata} = old.metadata
  const isSame =
    deletionTimestamp !== undefined && (deletionGracePeriodSeconds ?? 0) === grace && before.join('\n') === finalizers.join('\n')
  if (isSame) return old
  const isFirst = deletionTimestamp === undefined
  // Shortened, it counts from when the deletion began.
  const began = isFirst ? Date.now() : Date.parse(deletionTimestamp) - (deletionGracePeriodSeconds ?? 0) * 1000
  return {
    ...old,
    metadata: {
      ...metadata,
      ...(generation !== undefined && {generation: isFirst ? generation + 1 : generation}),
      deletionTimestamp: timestamp(began + grace * 1000),
      ...(old.kind !== 'Namespace' && {deletionGracePeriodSeconds: grace}),
      ...(finalizers.length > 0 && {finalizers}),
    },
    ...(old.kind === 'Namespace' && {status: {...objectAt(old, 'status'), phase: 'Terminating'}}),
  }
}
