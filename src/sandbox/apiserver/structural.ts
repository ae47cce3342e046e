/** Structural schemas of custom resources: pruning and defaulting (apiextensions-apiserver: schema/pruning, schema/defaulting). */
import {isObject, type JsonObject} from './json.ts'
import {definitions, keepsUnknown, type Schema} from './schema.ts'

/** Fields that every embedded object has, whatever its schema names. */
const OBJECT_FIELDS = ['apiVersion', 'kind', 'metadata']

export interface Pruned {
  readonly object: JsonObject
  /** Paths that were dropped. */
  readonly unknown: readonly string[]
}

/** A copy without the fields that the schema neither names nor lets pass. */
export function prune(schema: Schema, object: JsonObject): Pruned {
  const unknown: string[] = []
  const pruned = pruneObject(schema, object, '', unknown, true)
  return {object: pruned, unknown: unknown.sort()}
}

const pruneValue = (schema: Schema | undefined, value: unknown, path: string, unknown: string[]): unknown => {
  if (!schema) return value
  if (Array.isArray(value)) return schema.items ? value.map((item, at) => pruneValue(schema.items, item, `${path}[${at}]`, unknown)) : value
  return isObject(value) ? pruneObject(schema, value, path, unknown, schema['x-kubernetes-embedded-resource'] === true) : value
}

const pruneObject = (schema: Schema, object: JsonObject, path: string, unknown: string[], isResource: boolean): JsonObject => {
  const kept: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(object)) {
    const at = path ? `${path}.${field}` : field
    const property = schema.properties?.[field]
    if (isResource && OBJECT_FIELDS.includes(field)) kept[field] = field === 'metadata' ? pruneMetadata(value, at, unknown) : value
    else if (property) {
      // A null where the schema allows none is a field left out.
      if (value !== null || property.nullable) kept[field] = pruneValue(property, value, at, unknown)
    } else if (typeof schema.additionalProperties === 'object') kept[field] = pruneValue(schema.additionalProperties, value, at, unknown)
    else if (keepsUnknown(schema)) kept[field] = value
    else unknown.push(at)
  }
  return kept
}

const METADATA_FIELDS = new Set(Object.keys(definitions['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta']?.properties ?? {}))

const pruneMetadata = (metadata: unknown, path: string, unknown: string[]): unknown => {
  if (!isObject(metadata)) return metadata
  const kept: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(metadata)) {
    if (!METADATA_FIELDS.has(field)) unknown.push(`${path}.${field}`)
    else if (value !== null) kept[field] = value
  }
  return kept
}

/** A copy with the schema's defaults where fields are missing, or null without being nullable. */
export function withDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const {items} = schema
    return items && hasDefaults(items) ? value.map((item) => withDefaults(items, item)) : value
  }
  if (!isObject(value) || !hasDefaults(schema)) return value
  const filled: Record<string, unknown> = {...value}
  for (const [field, property] of Object.entries(schema.properties ?? {})) {
    const present = filled[field]
    const isMissing = present === undefined || (present === null && !property.nullable)
    if (isMissing && property.default !== undefined) filled[field] = withDefaults(property, property.default)
    else if (present !== undefined) filled[field] = withDefaults(property, present)
  }
  const {additionalProperties} = schema
  if (typeof additionalProperties === 'object') {
    for (const field of Object.keys(value)) {
      if (!schema.properties?.[field]) filled[field] = withDefaults(additionalProperties, filled[field])
    }
  }
  return filled
}

const known = new WeakMap<Schema, boolean>()

/** Most subtrees have no default at all and need no copy. */
const hasDefaults = (schema: Schema): boolean => {
  let has = known.get(schema)
  if (has === undefined) {
    const children = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties]
    has = children.some((child) => typeof child === 'object' && (child.default !== undefined || hasDefaults(child)))
    known.set(schema, has)
  }
  return has
}
