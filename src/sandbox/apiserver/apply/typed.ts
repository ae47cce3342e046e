/**
 * Objects seen through their schema: which fields they have, how two of them differ, how one is merged into the other
 * (sigs.k8s.io/structured-merge-diff: typed). Lists without keys and maps marked atomic count as one value.
 */
import {isEqual, isObject, type JsonObject} from '../json.ts'
import {fieldSchema, itemSchema, type Schema} from '../schema.ts'
import {EMPTY, type FieldSet, LEAF, notation, setOf} from './field-set.ts'

/** The object has two list items with the same key: they cannot be told apart. */
export class DuplicateKey extends Error {
  readonly path: string
  readonly element: string

  constructor(path: string, element: string) {
    super(`${path}: duplicate entries for key ${notation(element)}`)
    this.path = path
    this.element = element
  }
}

const isAtomicMap = (schema: Schema | undefined): boolean => schema?.['x-kubernetes-map-type'] === 'atomic'

/** The items by their path element; `undefined` when the list is atomic. */
const itemsByElement = (schema: Schema | undefined, list: readonly unknown[]): ReadonlyMap<string, unknown> | undefined => {
  const type = schema?.['x-kubernetes-list-type']
  if (type === 'set') return new Map(list.map((item) => [`v:${JSON.stringify(item)}`, item]))
  if (type !== 'map') return undefined
  const keys = [...(schema?.['x-kubernetes-list-map-keys'] ?? [])].sort()
  const items = itemSchema(schema)
  const named = new Map<string, unknown>()
  for (const item of list) {
    if (!isObject(item)) return undefined
    const identity = keys.flatMap((key) => {
      const value = item[key] ?? fieldSchema(items, key)?.default
      return value === undefined ? [] : [[key, value] as const]
    })
    const element = `k:${JSON.stringify(Object.fromEntries(identity))}`
    if (named.has(element)) throw new DuplicateKey('', element)
    named.set(element, item)
  }
  return named
}

/** Lists with duplicates, which plain writes may bring, are one value. */
const elementsOrAtomic = (schema: Schema | undefined, list: readonly unknown[]): ReadonlyMap<string, unknown> | undefined => {
  try {
    return itemsByElement(schema, list)
  } catch (error) {
    if (error instanceof DuplicateKey) return undefined
    throw error
  }
}

/** Every field that the value has. Throws `DuplicateKey` when `strict`. */
export function fieldsOf(schema: Schema | undefined, value: unknown, strict = false): FieldSet {
  if (isObject(value)) {
    const entries = Object.entries(value)
    if (isAtomicMap(schema) || entries.length === 0) return LEAF
    return setOf(entries.map(([field, child]) => [`f:${field}`, below(`f:${field}`, fieldSchema(schema, field), child, strict)]))
  }
  if (Array.isArray(value)) {
    const elements = strict ? itemsByElement(schema, value) : elementsOrAtomic(schema, value)
    if (!elements || elements.size === 0) return LEAF
    const items = itemSchema(schema)
    return setOf([...elements].map(([element, item]) => [element, asMember(below(element, items, item, strict))]))
  }
  return LEAF
}

/** The same for a child; a duplicate in it is told with its whole path. */
const below = (element: string, schema: Schema | undefined, value: unknown, strict: boolean): FieldSet => {
  try {
    return fieldsOf(schema, value, strict)
  } catch (error) {
    if (error instanceof DuplicateKey) throw new DuplicateKey(notation(element) + error.path, error.element)
    throw error
  }
}

const asMember = (set: FieldSet): FieldSet => ({isMember: true, children: set.children})

/** Every field, and every map and list on the way to it: a plain write owns also the places that it made. */
const everyField = (schema: Schema | undefined, value: unknown): FieldSet => {
  if (isObject(value) && !isAtomicMap(schema))
    return asMember(setOf(Object.entries(value).map(([field, child]) => [`f:${field}`, everyField(fieldSchema(schema, field), child)])))
  const elements = Array.isArray(value) ? elementsOrAtomic(schema, value) : undefined
  if (!elements) return LEAF
  const items = itemSchema(schema)
  return asMember(setOf([...elements].map(([element, item]) => [element, everyField(items, item)])))
}

/** What a new object of a typed kind has before anybody writes: its structs, and in them the lists that are always written. */
export function emptyObject(schema: Schema | undefined, object: JsonObject): JsonObject {
  const structs = schema?.['x-kubernetes-group-version-kind'] ? ['metadata', 'spec', 'status'] : ['metadata']
  return Object.fromEntries(
    structs
      .filter((field) => isObject(object[field]))
      .map((field) => {
        const inner = fieldSchema(schema, field)
        const lists = (inner?.required ?? []).filter((each) => fieldSchema(inner, each)?.type === 'array')
        return [field, Object.fromEntries(lists.map((each) => [each, []]))]
      }),
  )
}

export interface Difference {
  /** Fields that are new or have another value. */
  readonly changed: FieldSet
  readonly removed: FieldSet
}

const SAME: Difference = {changed: EMPTY, removed: EMPTY}

export function differences(schema: Schema | undefined, before: unknown, after: unknown): Difference {
  if (before === after) return SAME
  if (before === undefined) return {changed: everyField(schema, after), removed: EMPTY}
  if (after === undefined) return {changed: EMPTY, removed: fieldsOf(schema, before)}
  if (isObject(before) && isObject(after) && !isAtomicMap(schema) && Object.keys(before).length + Object.keys(after).length > 0) {
    const fields = new Set([...Object.keys(before), ...Object.keys(after)])
    return collect([...fields].map((field) => [`f:${field}`, differences(fieldSchema(schema, field), before[field], after[field])]))
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const [old, fresh] = [elementsOrAtomic(schema, before), elementsOrAtomic(schema, after)]
    if (old && fresh) {
      const items = itemSchema(schema)
      return collect(
        [...new Set([...old.keys(), ...fresh.keys()])].map((element) => {
          const inside = differences(items, old.get(element), fresh.get(element))
          if (!old.has(element)) return [element, {...inside, changed: asMember(inside.changed)}]
          return fresh.has(element) ? [element, inside] : [element, {...inside, removed: asMember(inside.removed)}]
        }),
      )
    }
  }
  return isEqual(before, after) ? SAME : {changed: LEAF, removed: EMPTY}
}

const collect = (inside: readonly (readonly [string, Difference])[]): Difference => ({
  changed: setOf(inside.map(([element, {changed}]) => [element, changed])),
  removed: setOf(inside.map(([element, {removed}]) => [element, removed])),
})

/** What server-side apply makes of both: the applied value wins, keyed lists are joined. */
export function merged(schema: Schema | undefined, live: unknown, applied: unknown): unknown {
  if (isObject(live) && isObject(applied) && !isAtomicMap(schema)) {
    const fields: Record<string, unknown> = {...live}
    for (const [field, value] of Object.entries(applied)) fields[field] = merged(fieldSchema(schema, field), live[field], value)
    return fields
  }
  if (Array.isArray(live) && Array.isArray(applied)) {
    const [old, fresh] = [elementsOrAtomic(schema, live), elementsOrAtomic(schema, applied)]
    if (old && fresh) {
      const items = itemSchema(schema)
      const kept = [...old].map(([element, item]) => (fresh.has(element) ? merged(items, item, fresh.get(element)) : item))
      return [...kept, ...[...fresh].filter(([element]) => !old.has(element)).map(([, item]) => item)]
    }
  }
  return applied
}

/** The object without the fields of the set; what is empty because of it goes too, unless somebody else has it. */
export function withoutFields(schema: Schema | undefined, value: unknown, gone: FieldSet, owned: FieldSet): unknown {
  if (gone.children.size === 0) return value
  if (isObject(value)) {
    const kept = Object.entries(value).flatMap(([field, child]) => {
      const rest = remaining(fieldSchema(schema, field), child, gone.children.get(`f:${field}`), owned.children.get(`f:${field}`))
      return rest === undefined ? [] : [[field, rest] as const]
    })
    return Object.fromEntries(kept)
  }
  const elements = Array.isArray(value) ? elementsOrAtomic(schema, value) : undefined
  if (!elements) return value
  const items = itemSchema(schema)
  return [...elements].flatMap(([element, item]) => {
    const rest = remaining(items, item, gone.children.get(element), owned.children.get(element))
    return rest === undefined ? [] : [rest]
  })
}

const remaining = (schema: Schema | undefined, value: unknown, gone: FieldSet | undefined, owned: FieldSet | undefined): unknown => {
  if (!gone) return value
  const isOwned = owned !== undefined
  if (gone.isMember && !isOwned) return undefined
  const rest = withoutFields(schema, value, gone, owned ?? EMPTY)
  const isNowEmpty = (isObject(rest) && Object.keys(rest).length === 0) || (Array.isArray(rest) && rest.length === 0)
  return isNowEmpty && !isOwned && gone.children.size > 0 ? undefined : rest
}

/** The object's own fields, without those that the server keeps (structured-merge-diff ignores them too). */
export function ownFields(object: JsonObject): JsonObject {
  const {apiVersion: _, kind: __, metadata, ...fields} = object
  if (!isObject(metadata)) return fields
  const own = Object.fromEntries(Object.entries(metadata).filter(([field]) => !SERVER_METADATA.has(field)))
  return Object.keys(own).length > 0 ? {metadata: own, ...fields} : fields
}

const SERVER_METADATA = new Set([
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
])
