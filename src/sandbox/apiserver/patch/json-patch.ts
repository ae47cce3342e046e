/** JSON Patch (RFC 6902), without changing the document that it is given. */
import {badRequest, Refusal} from '../errors.ts'
import {isEqual, isObject} from '../json.ts'

/** Refuses as the real server does: 422 for an operation that does not fit the document, 400 for what is no patch. */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp')
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
      return add(document, at, value)
    case 'remove':
      return remove(document, at)
    case 'replace':
      read(document, at)
      return replace(document, at, value)
    case 'move':
      return add(remove(document, segments(String(from))), at, read(document, segments(String(from))))
    case 'copy':
      return add(document, at, read(document, segments(String(from))))
    case 'test':
      if (!isEqual(read(document, at), value)) throw unfit()
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

/** The real server does not say which operation it was; nor do we, to be held to its words. */
const unfit = (): Refusal => new Refusal(422, 'Invalid', 'the server rejected our request due to an error in our request', {})

const slot = (list: readonly unknown[], segment: string, limit = list.length - 1): number => {
  const at = Number(segment)
  if (!/^(0|[1-9]\d*)$/.test(segment) || at > limit) throw unfit()
  return at
}

const read = (document: unknown, path: readonly string[]): unknown => {
  let at = document
  for (const segment of path) {
    if (Array.isArray(at)) at = at[slot(at, segment)]
    else if (isObject(at) && Object.hasOwn(at, segment)) at = at[segment]
    else throw unfit()
  }
  return at
}

type Parent = readonly unknown[] | Record<string, unknown>

/** Rebuilds the way to the parent of the last segment and lets `change` make the new parent. */
const atParent = (document: unknown, path: readonly string[], change: (parent: Parent, last: string) => unknown): unknown => {
  const [segment = '', ...rest] = path
  if (rest.length === 0) {
    if (Array.isArray(document)) return change([...document], segment)
    if (isObject(document)) return change({...document}, segment)
    throw unfit()
  }
  if (Array.isArray(document)) {
    const at = slot(document, segment)
    return document.with(at, atParent(document[at], rest, change))
  }
  if (!isObject(document) || !Object.hasOwn(document, segment)) throw unfit()
  return {...document, [segment]: atParent(document[segment], rest, change)}
}

const add = (document: unknown, path: readonly string[], value: unknown): unknown => {
  if (path.length === 0) return value
  return atParent(document, path, (parent, last) => {
    if (!Array.isArray(parent)) return {...parent, [last]: value}
    return parent.toSpliced(last === '-' ? parent.length : slot(parent, last, parent.length), 0, value)
  })
}

const remove = (document: unknown, path: readonly string[]): unknown => {
  if (path.length === 0) return null
  return atParent(document, path, (parent, last) => {
    if (Array.isArray(parent)) return parent.toSpliced(slot(parent, last), 1)
    if (!Object.hasOwn(parent, last)) throw unfit()
    return Object.fromEntries(Object.entries(parent).filter(([field]) => field !== last))
  })
}

const replace = (document: unknown, path: readonly string[], value: unknown): unknown => {
  if (path.length === 0) return value
  return atParent(document, path, (parent, last) => (Array.isArray(parent) ? parent.with(Number(last), value) : {...parent, [last]: value}))
}
