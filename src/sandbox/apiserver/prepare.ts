/** From a request's body to an object that may be stored: identity, decoding, metadata. */
import {randomUUID} from 'node:crypto'
import type {KubeObject} from '../../api/object.ts'
import {decodeTyped} from './decode.ts'
import {badRequest, type Cause, forbiddenField, invalid, invalidValue, Refusal} from './errors.ts'
import {type ApiObject, isObject, type JsonObject, objectAt, valueAt} from './json.ts'
import {checkMetadata} from './names.ts'
import {apiVersionOf, type Ground, type Resource} from './resources.ts'
import {hasRules, judgeByRules} from './rules/rules.ts'
import type {Schema} from './schema.ts'
import {prune, withDefaults} from './structural.ts'
import {validateCustom} from './validate-schema.ts'

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

/** Now, as metadata carries it: whole seconds. */
export const timestamp = (ms = Date.now()): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

/** The body as an object of the resource: 400 when it is none, or of another kind, name or namespace than the request's. */
export function identified(resource: Resource, body: unknown, namespace: string, name?: string): JsonObject {
  if (!isObject(body)) throw badRequest('the request has no JSON object as its body')
  const apiVersion = apiVersionOf(resource)
  const {apiVersion: givenVersion = apiVersion, kind = resource.kind} = body
  if (resource.isCustom) checkCustomKind(resource, body)
  if (kind !== resource.kind)
    throw badRequest(
      `${kind} in version "${givenVersion}" cannot be handled as a ${resource.kind}: converting (${shortVersion(givenVersion)}.${kind}) to (${resource.group.split('.')[0] || 'core'}.${resource.kind}): unknown conversion`,
    )
  if (givenVersion !== apiVersion)
    throw badRequest(`the API version in the data (${givenVersion}) does not match the expected API version (${apiVersion})`)
  const metadata = objectAt(body, 'metadata')
  if (resource.namespaced && metadata['namespace'] && metadata['namespace'] !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  if (name !== undefined && metadata['name'] && metadata['name'] !== name)
    throw badRequest(`the name of the object (${metadata['name']}) does not match the name on the URL (${name})`)
  const placed = resource.namespaced
    ? {...metadata, namespace}
    : Object.fromEntries(Object.entries(metadata).filter(([field]) => field !== 'namespace'))
  // In this order, so that lists can cut the first two off (list.ts).
  const {apiVersion: _, kind: __, ...rest} = body
  return {apiVersion, kind, ...rest, metadata: {...placed, ...(name !== undefined && {name})}}
}

/** Custom resources must say what they are. */
const checkCustomKind = (resource: Resource, body: JsonObject): void => {
  const text = JSON.stringify(body)
  if (!body['kind'])
    throw badRequest(
      `the object provided is unrecognized (must be of type ${resource.kind}): Object 'Kind' is missing in '${text}' (${text})`,
    )
  if (body['kind'] !== resource.kind) {
    const named = {...resource, kind: String(body['kind'])}
    throw invalid(named, String(objectAt(body, 'metadata')['name'] ?? ''), [invalidValue('kind', body['kind'], `must be ${resource.kind}`)])
  }
}

const shortVersion = (apiVersion: unknown): string => String(apiVersion).split('/').at(-1) ?? ''

export interface Read {
  readonly object: JsonObject
  readonly warnings: readonly string[]
}

/** The object without unknown fields and with defaults; unknown fields are told or refused as `validation` says. */
export function decoded(resource: Resource, object: JsonObject, validation: FieldValidation, fill = true): Read {
  const {schema, kind, version, isCustom} = resource
  if (!schema) return {object, warnings: []}
  const read = isCustom ? prune(schema, object) : decodeTyped(schema, object, kind, version, fill)
  const told = read.unknown.map((path) => `unknown field "${path}"`)
  if (told.length > 0 && validation === 'Strict')
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${told.join(', ')}`)
  const filled = isCustom && fill ? (withDefaults(schema, read.object) as JsonObject) : read.object
  return {object: filled, warnings: validation === 'Warn' ? told : []}
}

const isBlank = (value: unknown): boolean =>
  value === null || value === '' || (Array.isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0)

/** Go leaves empty metadata out; so do we, or the same object would look different after each client. */
export const tidyMetadata = (metadata: JsonObject): ApiObject['metadata'] =>
  Object.fromEntries(Object.entries(metadata).filter(([, value]) => !isBlank(value))) as unknown as ApiObject['metadata']

export function newMetadata(resource: Resource, given: JsonObject): ApiObject['metadata'] {
  const {resourceVersion, selfLink: _, deletionTimestamp: __, deletionGracePeriodSeconds: ___, generation: ____, ...rest} = given
  if (resourceVersion) throw new Refusal(500, '', 'resourceVersion should not be set on objects to be created')
  return tidyMetadata({
    ...rest,
    uid: randomUUID(),
    creationTimestamp: timestamp(),
    ...(resource.hasGeneration && {generation: 1}),
  })
}

/** What a client may not change stays as it was. */
export function changedMetadata(given: JsonObject, old: ApiObject): ApiObject['metadata'] {
  const {uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, resourceVersion} = old.metadata
  const {deletionTimestamp: _, deletionGracePeriodSeconds: __, generation: ___, selfLink: ____, ...rest} = given
  return {
    ...tidyMetadata({...rest, uid, creationTimestamp, resourceVersion}),
    ...(deletionTimestamp !== undefined && {deletionTimestamp}),
    ...(deletionGracePeriodSeconds !== undefined && {deletionGracePeriodSeconds}),
    ...(generation !== undefined && {generation}),
  }
}

/** Refuses with 422 and every cause. */
export function validate(resource: Resource, object: ApiObject, old: ApiObject | undefined, ground: Ground): void {
  const causes: Cause[] = checkMetadata(object, resource.nameRule)
  if (old?.metadata.deletionTimestamp) {
    const added = (object.metadata.finalizers ?? []).filter((each) => !old.metadata.finalizers?.includes(each))
    if (added.length > 0) {
      const list = added.map((each) => `"${each}"`).join(', ')
      const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`
      causes.push(forbiddenField('metadata.finalizers', why))
    }
  }
  if (resource.isCustom && resource.schema) causes.push(...judged(resource.schema, object, old))
  causes.push(...checkScale(resource, object))
  causes.push(...(resource.hooks.validate?.(object, old, ground) ?? []))
  if (causes.length > 0) throw invalid(resource, nameOf(object), causes)
}

/** Rules are only asked about what has the shape that they expect. */
const judged = (schema: Schema, object: ApiObject, old: ApiObject | undefined): readonly Cause[] => {
  const causes = validateCustom(schema, object)
  return causes.some(({reason}) => BLOCKING.has(reason)) && hasRules(schema)
    ? [...causes, invalidValue('<nil>', null, UNCHECKED)]
    : [...causes, ...judgeByRules(schema, object, old)]
}

const BLOCKING: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
])
const UNCHECKED =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'

/** What the scale subresource reads must be a number that it can give back. */
const checkScale = ({scale, isCustom}: Resource, object: ApiObject): Cause[] => {
  if (!scale || !isCustom) return []
  const replicas = valueAt(object, scale.specReplicasPath.replace(/^\./, ''))
  if (replicas === undefined) return []
  if (typeof replicas === 'number' && Number.isInteger(replicas))
    return replicas < 0 ? [invalidValue(scale.specReplicasPath, replicas, 'should be a non-negative integer')] : []
  const type = typeof replicas === 'number' ? 'float64' : typeof replicas === 'boolean' ? 'bool' : typeof replicas
  return [
    invalidValue(scale.specReplicasPath, 0, `${scale.specReplicasPath} accessor error: ${replicas} is of the type ${type}, expected int64`),
  ]
}

/** What is accepted and still worth a word to the client. */
export const warningsOf = (resource: Resource, object: ApiObject): readonly string[] => [
  ...(resource.hooks.warn?.(object) ?? []),
  ...(object.metadata.finalizers ?? [])
    .filter((each) => resource.isCustom && !each.includes('/') && each !== 'orphan' && each !== 'foregroundDeletion')
    .map(
      (each) =>
        `metadata.finalizers: "${each}": prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers`,
    ),
]

const nameOf = (object: KubeObject): string => object.metadata.name ?? object.metadata.generateName ?? ''
