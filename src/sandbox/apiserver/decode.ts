/**
 * Reads an object of a built-in kind as the real server's typed decoder does: nulls are absent fields, a wrong type is a
 * 400, an unknown field is dropped and reported. Defaults of the schema (`protocol: TCP`) are filled in.
 */
import {badRequest, type Refusal} from './errors.ts'
import {isObject, type JsonObject} from './json.ts'
import {canonicalQuantity} from './quantity.ts'
import {definitionNameOf, fieldSchema, itemSchema, resolve, type Schema} from './schema.ts'

interface Reading {
  readonly kind: string
  readonly version: string
  readonly unknown: string[]
  readonly fill: boolean
}

export interface Decoded {
  readonly object: JsonObject
  /** Paths of fields that the kind does not have. */
  readonly unknown: readonly string[]
}

/** `fill: false` leaves defaults out: what is applied server-side owns only what it says. */
export function decodeTyped(schema: Schema, value: JsonObject, kind: string, version: string, fill = true): Decoded {
  const reading: Reading = {kind, version, unknown: [], fill}
  const object = readObject(reading, resolve(schema), value, '', kind)
  return {object, unknown: reading.unknown}
}

const readObject = (reading: Reading, schema: Schema, value: JsonObject, path: string, type: string): JsonObject => {
  if (!schema.properties && !schema.additionalProperties) return value
  const read: Record<string, unknown> = {}
  for (const [field, child] of Object.entries(value)) {
    const at = path ? `${path}.${field}` : field
    const property = schema.properties?.[field]
    const inner = fieldSchema(schema, field)
    if (!inner) {
      if (schema['x-kubernetes-preserve-unknown-fields']) read[field] = child
      else reading.unknown.push(at)
    } else if (child !== null) {
      // An amount reads itself: Go names the struct that it is a field of.
      const name = property && inner.format !== 'int-or-string' ? definitionNameOf(property) : undefined
      // Go names the map, not the key, when a value of it is wrong.
      read[field] = readValue(reading, inner, child, property || inner.type === 'object' ? at : path, name ? lastPart(name) : type)
    } else if (!property && inner.type === 'string') read[field] = ''
  }
  if (!reading.fill) return read
  for (const field of WRITTEN_NULL[type] ?? []) read[field] ??= null
  for (const [field, property] of Object.entries(schema.properties ?? {})) {
    const fallback = property.default
    // An empty default of a whole object ({}) only says that the field is no pointer.
    if (fallback !== undefined && fallback !== null && read[field] === undefined && !isObject(fallback) && fallback !== '')
      read[field] = fallback
  }
  return read
}

/** Times that Go writes as null where there are none. */
const WRITTEN_NULL: Readonly<Record<string, readonly string[]>> = {
  PodCondition: ['lastProbeTime', 'lastTransitionTime'],
  ContainerStateRunning: ['startedAt'],
  ContainerStateTerminated: ['startedAt', 'finishedAt'],
}

const readValue = (reading: Reading, schema: Schema, value: unknown, path: string, type: string): unknown => {
  if (schema.format === 'int-or-string') return typeof value === 'string' ? value : readValue(reading, {type: 'integer'}, value, path, type)
  if (schema.oneOf) {
    if (typeof value !== 'string' && typeof value !== 'number') throw wrongType(reading, value, path, type, schema)
    return readQuantity(reading, value)
  }
  switch (schema.type) {
    case 'object':
      if (!isObject(value)) throw wrongType(reading, value, path, type, schema)
      return readObject(reading, schema, value, path, type)
    case 'array': {
      if (!Array.isArray(value)) throw wrongType(reading, value, path, type, schema)
      const items = itemSchema(schema)
      if (!items) return value
      const itemName = schema.items && definitionNameOf(schema.items)
      const itemType = itemName ? lastPart(itemName) : type
      return value.map((item, index) => {
        if (item === null) return items.type === 'string' ? '' : readValue(reading, items, {}, `${path}[${index}]`, itemType)
        return readValue(reading, items, item, `${path}[${index}]`, itemType)
      })
    }
    case 'string':
      if (typeof value !== 'string') throw wrongType(reading, value, path, type, schema)
      return value
    case 'boolean':
      if (typeof value !== 'boolean') throw wrongType(reading, value, path, type, schema)
      return value
    case 'integer':
      if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(reading, value, path, type, schema)
      return value
    case 'number':
      if (typeof value !== 'number') throw wrongType(reading, value, path, type, schema)
      return value
    default:
      return value
  }
}

const readQuantity = (reading: Reading, value: string | number): string => {
  const quantity = canonicalQuantity(value)
  if (quantity !== undefined) return quantity
  throw unreadable(reading, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
}

const unreadable = ({kind, version}: Reading, why: string): Refusal =>
  badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`)

const lastPart = (name: string): string => name.slice(name.lastIndexOf('.') + 1)

/** In the words of Go's decoder: `cannot unmarshal string into Go struct field Container.spec.containers.args of type []string`. */
const wrongType = (reading: Reading, value: unknown, path: string, type: string, schema: Schema): Error => {
  const told = Array.isArray(value) ? 'array' : isObject(value) ? 'object' : typeof value === 'boolean' ? 'bool' : typeof value
  const exact = told === 'number' && schema.type === 'integer' ? `number ${value}` : told
  return unreadable(
    reading,
    `json: cannot unmarshal ${exact} into Go struct field ${type}.${path.replaceAll(/\[\d+\]/g, '')} of type ${goType(schema)}`,
  )
}

const goType = (schema: Schema): string => {
  if (schema.type === 'array') {
    const name = schema.items && definitionNameOf(schema.items)
    return `[]${name ? `v1.${lastPart(name)}` : goType(itemSchema(schema) ?? {})}`
  }
  if (schema.type === 'integer') return schema.format === 'int64' ? 'int64' : 'int32'
  if (schema.type === 'boolean') return 'bool'
  if (schema.type === 'object' && typeof schema.additionalProperties === 'object')
    return `map[string]${goType(resolve(schema.additionalProperties))}`
  return schema.type === 'object' ? 'struct' : (schema.type ?? 'string')
}
