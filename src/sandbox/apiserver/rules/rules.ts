/** `x-kubernetes-validations` of definitions (apiextensions-apiserver: pkg/apiserver/schema/cel/validation.go). */
import {type Cause, causeFor, invalidHere, invalidValue} from '../errors.ts'
import {isEqual, isObject} from '../json.ts'
import type {Rule, Schema} from '../schema.ts'
import type {Expression} from './cel.ts'
import {celValue} from './values.ts'

type Cel = typeof import('./cel.ts')

let cel: Cel | undefined

/** To be awaited before anything else here is asked: the language is loaded with the first definition that comes, not with the server. */
export const loadRules = async (): Promise<void> => {
  cel ??= await import('./cel.ts')
}

const language = (): Cel => {
  if (!cel) throw new Error('a rule is to be evaluated before the language of rules is loaded')
  return cel
}

const expressions = new Map<string, Expression>()

const expressionOf = (text: string, {optionalOldSelf = false}: Rule): Expression => {
  const key = `${optionalOldSelf} ${text}`
  let read = expressions.get(key)
  if (!read) {
    read = language().readExpression(text, optionalOldSelf)
    expressions.set(key, read)
  }
  return read
}

interface Place {
  readonly schema: Schema
  readonly path: string
  readonly value: unknown
  /** What stood there before; `undefined`: nothing that could be compared. */
  readonly old: unknown
  readonly isResource: boolean
}

/** What the rules of a schema say against an object that is otherwise valid. */
export function judgeByRules(schema: Schema, object: unknown, old: unknown): readonly Cause[] {
  return hasRules(schema) ? judge({schema, path: '', value: object, old, isResource: true}) : []
}

const judge = (place: Place): Cause[] => {
  const {schema, value} = place
  if (value === null || value === undefined || !hasRules(schema)) return []
  const own = (schema['x-kubernetes-validations'] ?? []).flatMap((rule) => apply(rule, place) ?? [])
  return [...own, ...childrenOf(place).flatMap(judge)]
}

const childrenOf = ({schema, path, value, old}: Place): readonly Place[] => {
  if (Array.isArray(value)) {
    const {items} = schema
    if (!items) return []
    const isResource = items['x-kubernetes-embedded-resource'] === true
    return value.map((item, at) => ({schema: items, path: `${path}[${at}]`, value: item, old: sameItem(schema, item, old), isResource}))
  }
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([field, child]) => {
    const before = isObject(old) ? old[field] : undefined
    const property = schema.properties?.[field]
    if (property) {
      const isResource = property['x-kubernetes-embedded-resource'] === true
      return [{schema: property, path: path ? `${path}.${field}` : field, value: child, old: before, isResource}]
    }
    const {additionalProperties} = schema
    if (typeof additionalProperties !== 'object') return []
    return [{schema: additionalProperties, path: `${path}[${field}]`, value: child, old: before, isResource: false}]
  })
}

/** Items of lists are compared with earlier ones only where they have keys. */
const sameItem = (list: Schema, item: unknown, old: unknown): unknown => {
  if (list['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old) || !isObject(item)) return undefined
  const keys = list['x-kubernetes-list-map-keys'] ?? []
  return old.find((each) => isObject(each) && keys.every((key) => isEqual(each[key], item[key])))
}

const looksBack = (rule: Rule): boolean => /\boldSelf\b/.test(rule.rule)

const apply = (rule: Rule, {schema, path, value, old, isResource}: Place): Cause | undefined => {
  const isTransition = looksBack(rule)
  if (isTransition && old === undefined && !rule.optionalOldSelf) return undefined
  const expression = expressionOf(rule.rule, rule)
  // What it calls is not there; whoever made the definition was warned.
  if (!('evaluate' in expression)) return undefined
  const before = old === undefined ? undefined : celValue(schema, old, isResource)
  const variables = {
    self: celValue(schema, value, isResource),
    ...(isTransition && {oldSelf: rule.optionalOldSelf ? language().optional(before) : before}),
  }
  const told = (rule.message || rule.rule).trim()
  const type = schema.type ?? ''
  try {
    if (expression.evaluate(variables) === true) return undefined
  } catch (error) {
    if (!(error instanceof language().NoValue)) throw error
    if (!error.message.startsWith('no such overload'))
      return invalidValue(path || NOWHERE, type, `${error.message} evaluating rule: ${told}`)
    const why = 'call arguments did not match a supported operator, function or macro signature for rule'
    return invalidValue(path || NOWHERE, type, `'${error.message}': ${why}: ${told}`)
  }
  // A value that was let in before the rule was there does not keep others from being changed.
  if (!isTransition && old !== undefined && isEqual(value, old)) return undefined
  const field = `${path}${rule.fieldPath ?? ''}`.replace(/^\./, '') || NOWHERE
  const detail = messageOf(rule, variables) ?? (rule.message ? told : `failed rule: ${told}`)
  const isWhole = schema.type === 'object' || schema.type === 'array'
  return isWhole && rule.reason === undefined ? invalidHere(field, detail) : causeFor(rule.reason, field, value, detail)
}

/** How Go prints the path of the whole object. */
const NOWHERE = '<nil>'

const messageOf = (rule: Rule, variables: {readonly self: unknown}): string | undefined => {
  const expression = rule.messageExpression ? expressionOf(rule.messageExpression, rule) : undefined
  if (!expression || !('evaluate' in expression)) return undefined
  try {
    const message = expression.evaluate(variables)
    return typeof message === 'string' && message.trim() !== '' && !message.includes('\n') ? message.trim() : undefined
  } catch (error) {
    // The real server, too, then falls back to the message.
    if (error instanceof language().NoValue) return undefined
    throw error
  }
}

const known = new WeakMap<Schema, boolean>()

/** `false` for most schemas: nothing in them needs to be looked at. */
export const hasRules = (schema: Schema): boolean => {
  let has = known.get(schema)
  if (has === undefined) {
    has = (schema['x-kubernetes-validations'] ?? []).length > 0 || below(schema).some(([, child]) => hasRules(child))
    known.set(schema, has)
  }
  return has
}

const below = (schema: Schema): readonly (readonly [string, Schema])[] => [
  ...Object.entries(schema.properties ?? {}).map(([field, child]) => [`.properties[${field}]`, child] as const),
  ...(schema.items ? [['.items', schema.items] as const] : []),
  ...(typeof schema.additionalProperties === 'object' ? [['.additionalProperties', schema.additionalProperties] as const] : []),
]

interface WrongRule {
  readonly path: string
  readonly rule: Rule
  readonly wrong: 'syntax' | 'unsupported'
  readonly why: string
}

/** The rules of a definition's schema that cannot be evaluated; `path` is where the schema stands. */
export function wrongRules(schema: Schema, path: string): readonly WrongRule[] {
  const own = (schema['x-kubernetes-validations'] ?? []).flatMap((rule, at) => {
    const expression = expressionOf(rule.rule, rule)
    return 'wrong' in expression ? [{...expression, rule, path: `${path}.x-kubernetes-validations[${at}].rule`}] : []
  })
  return [...own, ...below(schema).flatMap(([step, child]) => wrongRules(child, path + step))]
}
