/** Label selectors as queries carry them, read and refused as the real server does (k8s.io/apimachinery: labels/selector.go). */
import {badRequest, type Cause, forbiddenField, invalidValue, required} from './errors.ts'
import {isObject, type JsonObject, listAt, objectAt} from './json.ts'
import {labelValue, qualifiedName, refused} from './names.ts'

type Labels = Readonly<Record<string, string>>
type Requirement = (labels: Labels) => boolean

/** Words and signs; white space only parts them. */
const TOKEN = /==|!=|[=!(),<>]|[^\s=!(),<>]+/g
const OPERATORS = ['in', 'notin', '=', '==', '!=', '>', '<']
const isWord = (token: string | undefined): token is string => token !== undefined && !/^[=!(),<>]/.test(token)

const unreadable = (found: string | undefined, expected: string): Error =>
  badRequest(`unable to parse requirement: found '${found ?? ''}', expected: ${expected}`)

/** Refuses with 400 what is no selector. An empty one selects everything. */
export function parseLabelSelector(text: string): Requirement {
  const tokens: string[] = text.match(TOKEN) ?? []
  const requirements: Requirement[] = []
  while (tokens.length > 0) {
    if (!isWord(tokens[0]) && tokens[0] !== '!') throw badRequest(`found '${tokens[0]}', expected: !, identifier, or 'end of string'`)
    requirements.push(readRequirement(tokens))
    const comma = tokens.shift()
    if (comma !== undefined && comma !== ',') throw badRequest(`found '${comma}', expected: ',' or 'end of string'`)
    if (comma === ',' && !isWord(tokens[0]) && tokens[0] !== '!')
      throw badRequest(`found '${tokens[0] ?? ''}', expected: identifier after ','`)
  }
  return (labels) => requirements.every((holds) => holds(labels))
}

const readRequirement = (tokens: string[]): Requirement => {
  const isAbsent = tokens[0] === '!'
  if (isAbsent) tokens.shift()
  const key = tokens.shift()
  if (!isWord(key)) throw unreadable(key, 'identifier')
  checkWord('<nil>', key, qualifiedName(key))
  if (isAbsent) return (labels) => !Object.hasOwn(labels, key)
  if (tokens.length === 0 || tokens[0] === ',') return (labels) => Object.hasOwn(labels, key)
  const operator = tokens.shift() ?? ''
  if (!OPERATORS.includes(operator)) throw unreadable(operator, 'in, notin, =, ==, !=, gt, lt')
  const isList = operator === 'in' || operator === 'notin'
  const values = isList ? readList(tokens) : [readValue(tokens)]
  for (const [at, value] of values.entries()) checkWord(`values[${at}][${key}]`, value, labelValue(value))
  if (operator === 'in') return isIn(key, values)
  if (operator === 'notin') return not(isIn(key, values))
  const [value = ''] = values
  if (operator === '!=') return not(isIn(key, [value]))
  if (operator === '=' || operator === '==') return isIn(key, [value])
  return compare(key, (label) => (operator === '>' ? label > Number(value) : label < Number(value)))
}

const checkWord = (field: string, word: string, why: string | undefined): void => {
  if (why) throw badRequest(`unable to parse requirement: ${field}: Invalid value: ${JSON.stringify(word)}: ${why}`)
}

const readValue = (tokens: string[]): string => {
  if (tokens.length === 0 || tokens[0] === ',') return ''
  const value = tokens.shift()
  if (!isWord(value)) throw unreadable(value, 'identifier')
  return value
}

/** `(a,b)`; where a word is missing, the empty value is meant. */
const readList = (tokens: string[]): readonly string[] => {
  const open = tokens.shift()
  if (open !== '(') throw badRequest(`unable to parse requirement: found '${open ?? ''}' expected: '('`)
  const values = ['']
  for (let token = tokens.shift(); token !== ')'; token = tokens.shift()) {
    if (token === ',') values.push('')
    else if (isWord(token) && values.at(-1) === '') values[values.length - 1] = token
    else throw unreadable(token, "',' or ')'")
  }
  return values
}

const isIn =
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

/** A LabelSelector of a workload as the text that a query would carry (k8s.io/apimachinery: meta/v1/helpers.go). */
export function selectorText(selector: JsonObject): string {
  const labels = Object.entries(objectAt(selector, 'matchLabels')).map(([key, value]) => [key, `${key}=${value}`] as const)
  const expressions = listAt(selector, 'matchExpressions')
    .filter(isObject)
    .map(({key, operator, values}) => {
      const list = Array.isArray(values) ? [...values].sort().join(',') : ''
      const text =
        operator === 'Exists' ? `${key}` : operator === 'DoesNotExist' ? `!${key}` : `${key} ${String(operator).toLowerCase()} (${list})`
      return [String(key), text] as const
    })
  const all = [...labels, ...expressions].sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))
  return all.map(([, text]) => text).join(',')
}

/** A LabelSelector as refusals show it: without lists and maps that are empty. */
export const toldSelector = (selector: JsonObject): unknown =>
  JSON.parse(
    JSON.stringify(selector, (key, value) => (key !== '' && isObjectOrList(value) && Object.keys(value).length === 0 ? undefined : value)),
  )

const isObjectOrList = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Everything that is wrong with a LabelSelector (k8s.io/apimachinery: meta/v1/validation). */
export function checkSelector(field: string, selector: JsonObject): readonly Cause[] {
  const labels = Object.entries(objectAt(selector, 'matchLabels')).flatMap(([key, value]) => [
    ...refused(`${field}.matchLabels`, key, qualifiedName(key)),
    ...refused(`${field}.matchLabels`, value, labelValue(String(value))),
  ])
  const expressions = listAt(selector, 'matchExpressions')
    .filter(isObject)
    .flatMap((expression, index) => checkExpression(`${field}.matchExpressions[${index}]`, expression))
  return [...labels, ...expressions]
}

const checkExpression = (field: string, expression: JsonObject): readonly Cause[] => {
  const key = String(expression['key'] ?? '')
  const values = listAt(expression, 'values').map(String)
  return [
    ...checkOperator(field, expression['operator'] ?? '', values.length > 0),
    ...refused(`${field}.key`, key, qualifiedName(key)),
    ...values.flatMap((value, index) => refused(`${field}.values[${index}]`, value, labelValue(value))),
  ]
}

const checkOperator = (field: string, operator: unknown, hasValues: boolean): readonly Cause[] => {
  if (operator === 'In' || operator === 'NotIn')
    return hasValues ? [] : [required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
  if (operator === 'Exists' || operator === 'DoesNotExist')
    return hasValues ? [forbiddenField(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")] : []
  return [invalidValue(`${field}.operator`, operator, 'not a valid selector operator')]
}
