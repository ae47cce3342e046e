/** Strategic merge patch (k8s.io/apimachinery: util/strategicpatch): a merge patch that knows the keys of lists. */
import {badRequest} from '../errors.ts'
import {isEqual, isObject, type JsonObject} from '../json.ts'
import {fieldSchema, itemSchema, type Schema} from '../schema.ts'

const DIRECTIVE = '$patch'
const RETAIN_KEYS = '$retainKeys'
const ORDER = '$setElementOrder/'
const DELETE_FROM = '$deleteFromPrimitiveList/'

/** `schema` says which lists are merged and by which key; without one it is a plain merge patch. */
export function strategicPatch(schema: Schema | undefined, target: unknown, patch: JsonObject): unknown {
  const directive = patch[DIRECTIVE]
  if (directive === 'replace') return without(patch, [DIRECTIVE])
  if (directive === 'delete') return {}
  const merged: Record<string, unknown> = {...(isObject(target) ? target : {})}
  for (const [field, value] of Object.entries(patch)) {
    if (field === DIRECTIVE || field === RETAIN_KEYS || field.startsWith(ORDER) || field.startsWith(DELETE_FROM)) continue
    const inner = fieldSchema(schema, field)
    const order = patch[`${ORDER}${field}`]
    if (value === null) delete merged[field]
    else if (Array.isArray(value) && inner && isMerged(inner)) merged[field] = mergeList(inner, merged[field], value, order)
    else if (isObject(value)) merged[field] = mergeField(inner, merged[field], value)
    else merged[field] = value
  }
  for (const field of Object.keys(patch)) {
    if (field.startsWith(DELETE_FROM)) {
      const name = field.slice(DELETE_FROM.length)
      const [list, gone] = [merged[name], patch[field]]
      if (Array.isArray(list) && Array.isArray(gone)) merged[name] = list.filter((item) => !gone.some((each) => isEqual(each, item)))
    }
    if (field.startsWith(ORDER)) {
      const name = field.slice(ORDER.length)
      const inner = fieldSchema(schema, name)
      if (patch[name] === undefined && inner && Array.isArray(merged[name])) merged[name] = inOrder(inner, merged[name], patch[field])
    }
  }
  const retained = patch[RETAIN_KEYS]
  if (Array.isArray(retained)) for (const field of Object.keys(merged)) if (!retained.includes(field)) delete merged[field]
  return merged
}

const mergeField = (schema: Schema | undefined, target: unknown, patch: JsonObject): unknown =>
  strategicPatch(schema?.['x-kubernetes-patch-strategy'] === 'replace' ? undefined : schema, target, patch)

const without = (object: JsonObject, fields: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([field]) => !fields.includes(field)))

const isMerged = (schema: Schema): boolean => (schema['x-kubernetes-patch-strategy'] ?? '').split(',').includes('merge')

const mergeList = (schema: Schema, target: unknown, patch: readonly unknown[], order: unknown): readonly unknown[] => {
  const key = schema['x-kubernetes-patch-merge-key']
  const items = itemSchema(schema)
  const present: readonly unknown[] = Array.isArray(target) ? target : []
  if (key === undefined) {
    const merged = [...present, ...patch.filter((item) => !present.some((each) => isEqual(each, item)))]
    return inOrder(schema, merged, order)
  }
  if (patch.some((item) => isObject(item) && item[DIRECTIVE] === 'replace'))
    return patch.filter((item) => !(isObject(item) && item[DIRECTIVE] === 'replace'))
  let merged = [...present]
  for (const item of patch) {
    if (!isObject(item) || item[key] === undefined)
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`)
    const at = merged.findIndex((each) => isObject(each) && isEqual(each[key], item[key]))
    if (item[DIRECTIVE] === 'delete') merged = merged.filter((each) => !(isObject(each) && isEqual(each[key], item[key])))
    else if (at < 0) merged.push(strategicPatch(items, {}, item))
    else merged[at] = strategicPatch(items, merged[at], item)
  }
  return inOrder(schema, merged, order)
}

/** Items that the order names stand in that order; the server's own items keep their place relative to the one before them. */
const inOrder = (schema: Schema, list: readonly unknown[], order: unknown): readonly unknown[] => {
  if (!Array.isArray(order)) return list
  const key = schema['x-kubernetes-patch-merge-key']
  const identity = (item: unknown): string => JSON.stringify(key !== undefined && isObject(item) ? item[key] : item)
  const wanted = order.map(identity)
  const named = list.filter((item) => wanted.includes(identity(item)))
  named.sort((a, b) => wanted.indexOf(identity(a)) - wanted.indexOf(identity(b)))
  let next = 0
  return list.map((item) => (wanted.includes(identity(item)) ? named[next++] : item))
}
