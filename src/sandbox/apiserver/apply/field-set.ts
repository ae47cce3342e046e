/** Sets of field paths, as `managedFields` carries them (FieldsV1: `f:` a field, `k:` a list item by keys, `v:` a value of a set). */
import {isObject, type JsonObject} from '../json.ts'

/** A node of the tree; the root is never a member itself. Sets are never changed once they are made. */
export interface FieldSet {
  /** The path that leads here is in the set. */
  readonly isMember: boolean
  readonly children: ReadonlyMap<string, FieldSet>
}

const NO_CHILDREN: ReadonlyMap<string, FieldSet> = new Map()
export const EMPTY: FieldSet = {isMember: false, children: NO_CHILDREN}
export const LEAF: FieldSet = {isMember: true, children: NO_CHILDREN}

export const isEmpty = (set: FieldSet): boolean => !set.isMember && set.children.size === 0

const made = (isMember: boolean, children: ReadonlyMap<string, FieldSet>): FieldSet => {
  if (children.size === 0) return isMember ? LEAF : EMPTY
  return {isMember, children}
}

/** Without children that hold nothing. */
export function setOf(children: Iterable<readonly [string, FieldSet]>, isMember = false): FieldSet {
  return made(isMember, new Map([...children].filter(([, child]) => !isEmpty(child))))
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(a)) return b
  if (isEmpty(b)) return a
  const children = new Map(a.children)
  for (const [element, child] of b.children) children.set(element, union(children.get(element) ?? EMPTY, child))
  return made(a.isMember || b.isMember, children)
}

/** What is in both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const shared = [...a.children].flatMap(([element, child]) => {
    const other = b.children.get(element)
    return other ? ([[element, intersection(child, other)]] as const) : []
  })
  return setOf(shared, a.isMember && b.isMember)
}

/** Paths of `a` that are not in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(b)) return a
  const left = [...a.children].map(([element, child]) => [element, difference(child, b.children.get(element) ?? EMPTY)] as const)
  return setOf(left, a.isMember && !b.isMember)
}

/** Paths of `a` that are not in `b` and do not lie below a path of `b`: what goes when those of `b` are removed whole. */
export function withoutBranches(a: FieldSet, b: FieldSet): FieldSet {
  const left = [...a.children].map(([element, child]) => {
    const other = b.children.get(element) ?? EMPTY
    return [element, other.isMember ? EMPTY : withoutBranches(child, other)] as const
  })
  return setOf(left, a.isMember)
}

export const isSame = (a: FieldSet, b: FieldSet): boolean => isEmpty(difference(a, b)) && isEmpty(difference(b, a))

export function toFieldsV1(set: FieldSet): JsonObject {
  const fields: Record<string, unknown> = {}
  if (set.isMember && set.children.size > 0) fields['.'] = {}
  for (const element of [...set.children.keys()].sort()) fields[element] = toFieldsV1(set.children.get(element) ?? EMPTY)
  return fields
}

export function fromFieldsV1(fields: unknown): FieldSet {
  const read = (node: unknown): FieldSet => {
    if (!isObject(node)) return LEAF
    const entries = Object.entries(node)
    const children = entries.filter(([element]) => element !== '.').map(([element, child]) => [element, read(child)] as const)
    return made(entries.length === 0 || '.' in node, new Map(children))
  }
  const root = read(fields)
  return made(false, root.children)
}

/** Every path in the server's notation: `.spec.containers[name="worker"].image`. */
export function paths(set: FieldSet, before = ''): readonly string[] {
  const own = set.isMember ? [before] : []
  return [...own, ...[...set.children].flatMap(([element, child]) => paths(child, before + notation(element)))]
}

/** One path element in that notation. */
export const notation = (element: string): string => {
  const rest = element.slice(2)
  if (element.startsWith('f:')) return `.${rest}`
  if (element.startsWith('v:')) return `[=${rest}]`
  if (element.startsWith('i:')) return `[${rest}]`
  const keys = Object.entries(JSON.parse(rest) as JsonObject)
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`
}
