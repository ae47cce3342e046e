/** Creating and changing objects. Everything from reading the old state to storing the new one happens without awaiting. */
import {afterUpdate, apply as applyConfig} from './apply/managed-fields.ts'
import {DuplicateKey} from './apply/typed.ts'
import {alreadyExists, badRequest, conflict, forbidden, invalid, modified, notFound, Refusal, required} from './errors.ts'
import {type ApiObject, isEqual, isObject, type JsonObject, listAt, objectAt, without} from './json.ts'
import {generatedName} from './names.ts'
import {changedMetadata, decoded, type FieldValidation, identified, newMetadata, timestamp, validate, warningsOf} from './prepare.ts'
import {apiVersionOf, type Ground, type Resource} from './resources.ts'
import {toStored, view} from './view.ts'

export interface WriteOptions {
  readonly dryRun: boolean
  readonly fieldValidation: FieldValidation
  /** Who owns what is written. */
  readonly manager: string
  readonly subresource?: 'status' | 'scale'
}

export interface Written {
  readonly object: ApiObject
  readonly warnings: readonly string[]
  readonly isNew: boolean
}

export interface Target {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
}

export function create(ground: Ground, resource: Resource, namespace: string, body: unknown, options: WriteOptions): Written {
  return createPrepared(ground, resource, identified(resource, body, namespace), options, false)
}

const createPrepared = (ground: Ground, resource: Resource, given: JsonObject, options: WriteOptions, isApplied: boolean): Written => {
  const {object, warnings} = decoded(resource, given, options.fieldValidation)
  const metadata = newMetadata(resource, objectAt(object, 'metadata'))
  const namespace = metadata.namespace ?? ''
  if (resource.namespaced) checkNamespace(ground, resource, namespace, metadata.name ?? '')
  const named = metadata.name ? metadata : {...metadata, name: freeName(ground, resource, namespace, metadata.generateName)}
  const fresh = {...object, metadata: named} as ApiObject
  const bare = resource.isCustom && resource.hasStatus ? without(fresh, 'status') : fresh
  const stored = toStored(resource, bare)
  const filled = resource.hooks.defaults?.(stored) ?? stored
  const booked = isApplied ? filled : afterUpdate(resource.schema, undefined, filled, managerOf(resource, options))
  const started = resource.hooks.start?.(booked, ground) ?? booked
  validate(resource, started, undefined, ground)
  if (ground.store.get(resource.storage, namespace, started.metadata.name)) throw alreadyExists(resource, started.metadata.name)
  return {
    object: view(resource, options.dryRun ? started : ground.store.put(resource.storage, started)),
    warnings: [...warnings, ...warningsOf(resource, started)],
    isNew: true,
  }
}

const freeName = (ground: Ground, resource: Resource, namespace: string, base = ''): string => {
  if (!base) return ''
  let name = generatedName(base)
  while (ground.store.get(resource.storage, namespace, name)) name = generatedName(base)
  return name
}

const NAMESPACE = {group: '', plural: 'namespaces', kind: 'Namespace'}

const checkNamespace = ({store}: Ground, resource: Resource, namespace: string, name: string): void => {
  const found = store.get('namespaces', '', namespace)
  if (!found) throw notFound(NAMESPACE, namespace)
  if (found.metadata.deletionTimestamp)
    throw forbidden(resource, name, `unable to create new content in namespace ${namespace} because it is being terminated`, [
      {reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace'},
    ])
}

export function existing({store}: Ground, {resource, namespace, name}: Target): ApiObject {
  const found = store.get(resource.storage, namespace, name)
  if (!found) throw notFound(resource, name)
  return found
}

/** PUT, and every patch but apply: `change` makes the new object from the old one. */
export function update(ground: Ground, target: Target, change: (old: ApiObject) => unknown, options: WriteOptions): Written {
  const old = existing(ground, target)
  const given = identified(target.resource, change(view(target.resource, old)), target.namespace, target.name)
  return store(ground, target, old, given, options, false)
}

const store = (ground: Ground, target: Target, old: ApiObject, given: JsonObject, options: WriteOptions, isApplied: boolean): Written => {
  const {resource} = target
  checkPreconditions(resource, old, objectAt(given, 'metadata'))
  const {object, warnings} = decoded(resource, given, options.fieldValidation)
  const stored = toStored(resource, {...object, metadata: changedMetadata(objectAt(object, 'metadata'), old)} as ApiObject)
  const combined = combine(resource, stored, old, options.subresource)
  const isMain = options.subresource !== 'status'
  const filled = !isMain ? combined : (resource.hooks.defaults?.(combined) ?? combined)
  const booked = isApplied ? filled : afterUpdate(resource.schema, old, filled, managerOf(resource, options))
  const changed = !isMain ? booked : (resource.hooks.change?.(booked, old, ground) ?? booked)
  const complete = withGeneration(resource, changed, old)
  validate(resource, complete, old, ground)
  if (isEqual(complete, old)) return {object: view(resource, old), warnings, isNew: false}
  if (options.dryRun) return {object: view(resource, complete), warnings, isNew: false}
  const written = isGone(complete) ? ground.store.remove(resource.storage, complete) : ground.store.put(resource.storage, complete)
  return {object: view(resource, written ?? complete), warnings: [...warnings, ...warningsOf(resource, complete)], isNew: false}
}

const checkPreconditions = (resource: Resource, old: ApiObject, {resourceVersion, uid}: JsonObject): void => {
  if (uid && uid !== old.metadata.uid) throw conflict(resource, old.metadata.name, storageError(resource, old, String(uid)))
  if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw modified(resource, old.metadata.name)
}

/** The real server's storage speaks here. */
const storageError = (resource: Resource, {metadata}: ApiObject, uid: string): string => {
  const folder =
    resource.storage === 'services' ? 'services/specs' : resource.isCustom ? `${resource.group}/${resource.plural}` : resource.plural
  const key = `/registry/${folder}/${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`
  return `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`
}

/** The main resource cannot write status where that is a resource of its own, and the other way round. */
const combine = (resource: Resource, given: ApiObject, old: ApiObject, subresource: string | undefined): ApiObject => {
  if (subresource === 'status') {
    // Built-in kinds take labels and annotations through /status, custom resources take nothing but the status.
    const metadata = resource.isCustom ? {...old.metadata, managedFields: given.metadata.managedFields} : given.metadata
    const {managedFields, ...rest} = metadata
    return withStatus({...old, metadata: managedFields ? {...rest, managedFields} : rest}, given['status'])
  }
  return resource.hasStatus ? withStatus(given, old['status']) : given
}

const withStatus = (object: ApiObject, status: unknown): ApiObject =>
  status === undefined ? without(object, 'status') : {...object, status}

/** `generation` counts what a person may want, not what is reported: all but metadata, and status where it is a subresource. */
const withGeneration = (resource: Resource, object: ApiObject, old: ApiObject): ApiObject => {
  if (!resource.hasGeneration) return object
  const part = (each: ApiObject): unknown => {
    if (!resource.isCustom) return each['spec']
    return resource.hasStatus ? without(each, 'metadata', 'status', 'apiVersion') : without(each, 'metadata', 'apiVersion')
  }
  if (isEqual(part(object), part(old))) return object
  return {...object, metadata: {...object.metadata, generation: (old.metadata.generation ?? 0) + 1}}
}

/** Marked for deletion and waiting for nobody any more (namespaces have finalizers in their spec, too). */
export const isGone = ({kind, metadata, spec}: ApiObject): boolean =>
  metadata.deletionTimestamp !== undefined &&
  (metadata.finalizers ?? []).length === 0 &&
  (metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
  (kind !== 'Namespace' || listAt(spec, 'finalizers').length === 0)

const managerOf = (resource: Resource, options: WriteOptions) => ({
  name: options.manager,
  apiVersion: apiVersionOf(resource),
  subresource: options.subresource,
  time: timestamp(),
})

/** Server-side apply: creates what is missing. */
export function apply(ground: Ground, target: Target, body: unknown, options: WriteOptions & {readonly force: boolean}): Written {
  const {resource, namespace, name} = target
  if (!options.manager) throw missingManager()
  if (isObject(body) && (body['apiVersion'] === undefined || body['kind'] === undefined))
    throw badRequest('an applied object names its apiVersion and kind')
  const identifiedBody = identified(resource, body, namespace, name)
  if (objectAt(identifiedBody, 'metadata')['managedFields']) throw badRequest('metadata.managedFields must be nil')
  const object = appliedPart(resource, name, identifiedBody, options.subresource)
  const live = ground.store.get(resource.storage, namespace, name)
  const uid = objectAt(object, 'metadata')['uid']
  if (!live && uid)
    throw conflict(resource, name, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`)
  if (!live && options.subresource === 'status') throw notFound(resource, name)
  try {
    const result = applyConfig(resource.schema, live && view(resource, live), object, managerOf(resource, options), options.force)
    return live ? store(ground, target, live, result, options, true) : createPrepared(ground, resource, result, options, true)
  } catch (error) {
    if (!(error instanceof DuplicateKey)) throw error
    // The real server answers 500 without a reason here, too.
    throw untyped(resource, name, error.message)
  }
}

/** What of the applied object the (sub)resource takes. Unknown fields are refused with 500, as the real server does. */
const appliedPart = (resource: Resource, name: string, body: JsonObject, subresource: WriteOptions['subresource']): JsonObject => {
  const {object, warnings} = decoded(resource, body, 'Warn', false)
  const [unknown] = warnings
  if (unknown) throw untyped(resource, name, unknown.replace(/^unknown field "(.*)"$/, '.$1: field not declared in schema'))
  if (!resource.hasStatus) return object
  if (subresource !== 'status') return without(object, 'status')
  const {apiVersion, kind, metadata, status} = object
  return {apiVersion, kind, metadata, ...(status !== undefined && {status})}
}

/** 500 without a reason, as the real server has it. */
const untyped = ({group, version, kind}: Resource, name: string, why: string): Refusal =>
  new Refusal(500, '', `failed to create typed patch object (/${name}; ${group}/${version}, Kind=${kind}): ${why}`)

const missingManager = (): Refusal =>
  invalid({group: 'meta.k8s.io', plural: 'patchoptions', kind: 'PatchOptions'}, '', [
    required('fieldManager', 'is required for apply patch'),
  ])
