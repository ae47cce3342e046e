/** Label and field selectors as query parameters carry them (k8s.io/apimachinery: labels, fields). */
import {badRequest} from './errors.ts'
import {type ApiObject, valueAt} from './json.ts'

export type Predicate = (object: ApiObject) => boolean

type Labels = Readonly<Record<string, string>>
type Requirement = (labels: Labels) => boolean

const KEY = '(?:[A-Za-z0-9][-A-Za-z0-9_.]*/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?'
const FORMS: readonly (readonly [RegExp, (match: readonly string[]) => Requirement])[] = [
  [new RegExp(`^(${KEY})\\s+in\\s*\\(([^)]*)\\)$`), ([, key = '', list = '']) => valueIn(key, members(list))],
  [new RegExp(`^(${KEY})\\s+notin\\s*\\(([^)]*)\\)$`), ([, key = '', list = '']) => not(valueIn(key, members(list)))],
  [new RegExp(`^(${KEY})\\s*(?:==|=)\\s*([-A-Za-z0-9_.]*)$`), ([, key = '', value = '']) => valueIn(key, [value])],
  [new RegExp(`^(${KEY})\\s*!=\\s*([-A-Za-z0-9_.]*)$`), ([, key = '', value = '']) => not(valueIn(key, [value]))],
  [new RegExp(`^(${KEY})\\s*>\\s*(-?\\d+)$`), ([, key = '', limit]) => compare(key, (value) => value > Number(limit))],
  [new RegExp(`^(${KEY})\\s*<\\s*(-?\\d+)$`), ([, key = '', limit]) => compare(key, (value) => value < Number(limit))],
  [
    new RegExp(`^!\\s*(${KEY})$`),
    ([, key = '']) =>
      (labels) =>
        !Object.hasOwn(labels, key),
  ],
  [
    new RegExp(`^(${KEY})$`),
    ([, key = '']) =>
      (labels) =>
        Object.hasOwn(labels, key),
  ],
]

const members = (list: string): string[] => list.split(',').map((each) => each.trim())
const valueIn =
  (key: string, values: readonly string[]): Requirement =>
  (labels) =>
    Object.hasOwn(labels, key) && values.includes(labels[key] ?? '')
const not =
  (requirement: Requirement): Requirement =>
  (labels) =>
    !requirement(labels)
const compare =
  (key: string, holds: (value: number) => boolean): Requirement =>
  (labels) =>
    /^-?\d+$/.test(labels[key] ?? '') && holds(Number(labels[key]))

/** Refuses with 400 what is no selector. An empty one selects everything. */
export function parseLabelSelector(text: string): Requirement {
  const requirements = splitOutsideParentheses(text).map(parseRequirement)
  return (labels) => requirements.every((holds) => holds(labels))
}

const parseRequirement = (text: string): Requirement => {
  for (const [form, make] of FORMS) {
    const match = form.exec(text)
    if (match) return make(match)
  }
  throw badRequest(`unable to parse requirement: found '${text}', expected: a key, optionally with =, ==, !=, in, notin, > or <`)
}

const splitOutsideParentheses = (text: string): string[] => {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at <= text.length; at += 1) {
    const character = text[at]
    if (character === '(') depth += 1
    if (character === ')') depth -= 1
    if (at === text.length || (character === ',' && depth === 0)) {
      parts.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  return parts.length === 1 && parts[0] === '' ? [] : parts
}

/** `a=b,c!=d` over the fields that the resource can be selected by; 400 for any other field. */
export function parseFieldSelector(text: string, selectable: readonly string[]): Predicate {
  if (text === '') return () => true
  const terms = text.split(',').map((term) => {
    const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(term.trim())
    const [, field = '', operator, value = ''] = match ?? []
    if (!match) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`)
    if (!selectable.includes(field)) throw badRequest(`field label not supported: ${field}`)
    return (object: ApiObject): boolean => (fieldText(object, field) === value) === (operator !== '!=')
  })
  return (object) => terms.every((holds) => holds(object))
}

const fieldText = (object: ApiObject, field: string): string => {
  const value = valueAt(object, field)
  return value === undefined || value === null ? '' : String(value)
}

/** Both selectors of a list, watch or deletecollection; `undefined` when they select everything. */
export function selection(query: URLSearchParams, selectable: readonly string[]): Predicate | undefined {
  const labelText = query.get('labelSelector') ?? ''
  const fieldSelector = query.get('fieldSelector') ?? ''
  if (labelText === '' && fieldSelector === '') return undefined
  const byLabels = parseLabelSelector(labelText)
  const byFields = parseFieldSelector(fieldSelector, ['metadata.name', 'metadata.namespace', ...selectable])
  return (object) => byLabels(object.metadata.labels ?? {}) && byFields(object)
}
