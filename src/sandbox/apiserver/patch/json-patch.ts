/** JSON Patch (RFC 6902), without changing the document that it is given. */
import {badRequest, Refusal} from '../errors.ts'
import {isEqual, isObject} from '../json.ts'

/** Refuses as the real server does: 422 for an operation that does not fit the document, 400 for what is no patch. */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch is a list of operations')
  return patch.reduce<unknown>((now, operation) => {
    if (!isObject(operation) || typeof operation['path'] !== 'string')
      throw badRequest('each operation of a JSON patch has an op and a path')
    return applyOperation(now, String(operation['op']), operation['path'], operation['from'], operation['value'])
  }, document)
}

const applyOperation = (document: unknown, op: string, path: string, from: unknown, value: unknown): unknown => {
  const at = segments(path)
  switch (op) {
    case 'add':
      return add(document, at, value, path)
    case 'remove':
      return remove(document, at, path)
    case 'replace':
      read(document, at, path, op)
      return replace(document, at, value)
    case 'move':
      return add(remove(document, segments(String(from)), String(from)), at, read(document, segments(String(from)), String(from), op), path)
    case 'copy':
      return add(document, at, read(document, segments(String(from)), String(from), op), path)
    case 'test':
      if (!isEqual(read(document, at, path, op), value)) throw unfit(`testing path "${path}" failed`)
      return document
    default:
      throw badRequest(`unexpected JSON patch operation "${op}"`)
  }
}

const segments = (path: string): readonly string[] => {
  if (path === '') return []
  if (!path.startsWith('/')) throw badRequest(`the JSON pointer "${path}" does not begin with "/"`)
  return path
    .slice(1)
    .split('/')
    .map((each) => each.replaceAll('~1', '/').replaceAll('~0', '~'))
}

const unfit = (why: string): Refusal =>
  new Refusal(422, 'Invalid', `the server rejected our request due to an error in our request: ${why}`, {})
const missing = (path: string, op: string): Refusal => unfit(`${op} operation does not apply: doc is missing path "${path}"`)

const slot = (list: readonly unknown[], segment: string, path: string, op: string): number => {
  const at = Number(segment)
  if (!/^(0|[1-9]\d*)$/.test(segment) || at >= list.length) throw missing(path, op)
  return at
}

const read = (document: unknown, path: readonly string[], whole: string, op: string): unknown => {
  let at = document
  for (const segment of path) {
    if (Array.isArray(at)) at = at[slot(at, segment, whole, op)]
    else if (isObject(at) && Object.hasOwn(at, segment)) at = at[segment]
    else throw missing(whole, op)
  }
  return at
}

/** Rebuilds the way to the parent of the last segment and lets `change` make the new parent. */
const atParent = (
  document: unknown,
  path: readonly string[],
  whole: string,
  op: string,
  change: (parent: readonly unknown[] | Record<string, unknown>, last: string) => unknown,
): unknown => {
  const [segment = '', ...rest] = path
  if (rest.length === 0) {
    if (Array.isArray(document)) return change([...document], segment)
    if (isObject(document)) return change({...document}, segment)
    throw missing(whole, op)
  }
  if (Array.isArray(document)) {
    const at = slot(document, segment, whole, op)
    return document.with(at, atParent(document[at], rest, whole, op, change))
  }
  if (!isObject(document) || !Object.hasOwn(document, segment)) throw missing(whole, op)
  return {...document, [segment]: atParent(document[segment], rest, whole, op, change)}
}

const add = (document: unknown, path: readonly string[], value: unknown, whole: string): unknown => {
  if (path.length === 0) return value
  return atParent(document, path, whole, 'add', (parent, last) => {
    if (!Array.isArray(parent)) return {...parent, [last]: value}
    const at = last === '-' ? parent.length : Number(last)
    if (last !== '-' && (!/^(0|[1-9]\d*)$/.test(last) || at > parent.length)) throw missing(whole, 'add')
    return parent.toSpliced(at, 0, value)
  })
}

const remove = (document: unknown, path: readonly string[], whole: string): unknown => {
  if (path.length === 0) return null
  return atParent(document, path, whole, 'remove', (parent, last) => {
    if (Array.isArray(parent)) return parent.toSpliced(slot(parent, last, whole, 'remove'), 1)
    if (!Object.hasOwn(parent, last)) throw missing(whole, 'remove')
    return Object.fromEntries(Object.entries(parent).filter(([field]) => field !== last))
  })
}

const replace = (document: unknown, path: readonly string[], value: unknown): unknown => {
  if (path.length === 0) return value
  return atParent(document, path, '', 'replace', (parent, last) =>
    Array.isArray(parent) ? parent.with(Number(last), value) : {...parent, [last]: value},
  )
}
