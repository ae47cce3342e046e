/** JSON as it stands in the store: shared by every reader, so nobody may change it in place. */
import {isDeepStrictEqual} from 'node:util'
import type {KubeObject, ObjectMeta} from '../../api/object.ts'

export type JsonObject = {readonly [field: string]: unknown}

export interface ManagedFieldsEntry {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly time: string
  readonly fieldsType: 'FieldsV1'
  readonly fieldsV1: JsonObject
  readonly subresource?: string
}

/** An object as the server keeps it: its metadata is complete. */
export interface ApiObject extends KubeObject {
  readonly metadata: ObjectMeta & {readonly managedFields?: readonly ManagedFieldsEntry[]; readonly [field: string]: unknown}
  readonly [field: string]: unknown
}

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

export const objectAt = (value: unknown, field: string): JsonObject => {
  const child = isObject(value) ? value[field] : undefined
  return isObject(child) ? child : {}
}

export const listAt = (value: unknown, field: string): readonly unknown[] => {
  const child = isObject(value) ? value[field] : undefined
  return Array.isArray(child) ? child : []
}

/** What stands at `a.b.c`; `undefined` where the path ends early. Names with dots are not reached. */
export const valueAt = (value: unknown, path: string): unknown => {
  let at: unknown = value
  for (const field of path.split('.')) {
    if (!isObject(at)) return undefined
    at = at[field]
  }
  return at
}

/** A copy with `value` at the path; `undefined` removes the field. Objects on the way are made where they are missing. */
export function withValueAt(object: JsonObject, path: readonly string[], value: unknown): JsonObject {
  const [field, ...rest] = path
  if (field === undefined) return object
  const child = rest.length > 0 ? withValueAt(objectAt(object, field), rest, value) : value
  if (child !== undefined) return {...object, [field]: child}
  return without(object, field)
}

export const without = <T extends object>(object: T, ...fields: readonly string[]): T =>
  Object.fromEntries(Object.entries(object).filter(([field]) => !fields.includes(field))) as T

/** Equal as JSON: order of an object's fields does not count, order in lists does. */
export const isEqual = (a: unknown, b: unknown): boolean => a === b || isDeepStrictEqual(a, b)

/** Of the objects that were asked for last: those of ten thousand would take as much memory as the objects. */
const texts = new Map<object, string>()
const MOST_TEXTS = 2_048

/** The JSON of an object of the store, made once however many answers and watchers carry it. */
export const textOf = (object: object): string => {
  const known = texts.get(object)
  if (known !== undefined) return known
  const text = JSON.stringify(object)
  texts.set(object, text)
  for (const oldest of texts.keys()) {
    if (texts.size <= MOST_TEXTS) break
    texts.delete(oldest)
  }
  return text
}
