/** Validation against a structural schema, in the words of the real server (kube-openapi: validation/validate, validation/errors). */
import {type Cause, invalidValue, notSupported, required, tooLong, tooMany, wrongType} from './errors.ts'
import {isEqual, isObject, type JsonObject} from './json.ts'
import type {Schema} from './schema.ts'

/** Everything that is wrong with the object's own fields; `apiVersion`, `kind` and `metadata` are not looked at. */
export function validateCustom(schema: Schema, object: JsonObject): readonly Cause[] {
  const {apiVersion: _, kind: __, metadata: ___, ...fields} = schema.properties ?? {}
  return check({...schema, properties: fields}, object, '')
}

const check = (schema: Schema, value: unknown, path: string): Cause[] => {
  if (value === null && schema.nullable) return []
  const wrong = checkType(schema, value, path)
  if (wrong) return [wrong]
  const causes: Cause[] = []
  if (schema.enum && !schema.enum.some((allowed) => isEqual(allowed, value))) causes.push(notSupported(path, value, schema.enum))
  if (typeof value === 'string') causes.push(...checkString(schema, value, path))
  if (typeof value === 'number') causes.push(...checkNumber(schema, value, path))
  if (Array.isArray(value)) causes.push(...checkList(schema, value, path))
  else if (isObject(value)) causes.push(...checkObject(schema, value, path))
  causes.push(...checkCombined(schema, value, path))
  return causes
}

const typeOf = (value: unknown): string => {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

const checkType = (schema: Schema, value: unknown, path: string): Cause | undefined => {
  const actual = typeOf(value)
  const wanted = schema['x-kubernetes-int-or-string'] ? 'integer,string' : schema.type
  if (!wanted || wanted.split(',').includes(actual) || (wanted === 'number' && actual === 'integer')) return undefined
  return wrongType(path, actual, `${path} in body must be of type ${wanted}: "${actual}"`)
}

const checkString = (schema: Schema, value: string, path: string): Cause[] => {
  const causes: Cause[] = []
  const length = [...value].length
  if (schema.maxLength !== undefined && length > schema.maxLength) causes.push(tooLong(path, schema.maxLength))
  if (schema.minLength !== undefined && length < schema.minLength)
    causes.push(invalidValue(path, value, `${path} in body should be at least ${schema.minLength} chars long`))
  if (schema.pattern !== undefined && !patternOf(schema.pattern).test(value))
    causes.push(invalidValue(path, value, `${path} in body should match '${schema.pattern}'`))
  if (schema.format === 'date-time' && Number.isNaN(Date.parse(value)))
    causes.push(wrongType(path, value, `${path} in body must be of type date-time: "${value}"`))
  return causes
}

const patterns = new Map<string, RegExp>()

const patternOf = (pattern: string): RegExp => {
  let compiled = patterns.get(pattern)
  if (!compiled) {
    compiled = new RegExp(pattern, 'u')
    patterns.set(pattern, compiled)
  }
  return compiled
}

const checkNumber = (schema: Schema, value: number, path: string): Cause[] => {
  const causes: Cause[] = []
  const {minimum, maximum, multipleOf} = schema
  const refuse = (rule: string): number => causes.push(invalidValue(path, value, `${path} in body should be ${rule}`))
  if (minimum !== undefined && (schema.exclusiveMinimum ? value <= minimum : value < minimum))
    refuse(`greater than ${schema.exclusiveMinimum ? '' : 'or equal to '}${minimum}`)
  if (maximum !== undefined && (schema.exclusiveMaximum ? value >= maximum : value > maximum))
    refuse(`less than ${schema.exclusiveMaximum ? '' : 'or equal to '}${maximum}`)
  if (multipleOf !== undefined && value % multipleOf !== 0) refuse(`a multiple of ${multipleOf}`)
  return causes
}

const checkList = (schema: Schema, value: readonly unknown[], path: string): Cause[] => {
  const causes: Cause[] = []
  if (schema.minItems !== undefined && value.length < schema.minItems)
    causes.push(invalidValue(path, value.length, `${path} in body should have at least ${schema.minItems} items`))
  if (schema.maxItems !== undefined && value.length > schema.maxItems) causes.push(tooMany(path, value.length, schema.maxItems))
  const {items} = schema
  if (items) for (const [at, item] of value.entries()) causes.push(...check(items, item, `${path}[${at}]`))
  causes.push(...checkKeys(schema, value, path))
  return causes
}

/** Items of `set` and `map` lists are unique (apiextensions-apiserver: schema/listtype). */
const checkKeys = (schema: Schema, value: readonly unknown[], path: string): Cause[] => {
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const type = schema['x-kubernetes-list-type']
  if (type !== 'set' && type !== 'map') return []
  const seen = new Set<string>()
  const causes: Cause[] = []
  for (const [at, item] of value.entries()) {
    const identity = type === 'set' ? item : Object.fromEntries(keys.map((key) => [key, isObject(item) ? item[key] : undefined]))
    const text = JSON.stringify(identity)
    if (seen.has(text)) causes.push({reason: 'FieldValueDuplicate', message: `Duplicate value: ${text}`, field: `${path}[${at}]`})
    seen.add(text)
  }
  return causes
}

const checkObject = (schema: Schema, value: JsonObject, path: string): Cause[] => {
  const causes: Cause[] = []
  const child = (field: string): string => (path ? `${path}.${field}` : field)
  for (const field of schema.required ?? []) if (value[field] === undefined) causes.push(required(child(field)))
  const count = Object.keys(value).length
  if (schema.minProperties !== undefined && count < schema.minProperties)
    causes.push(invalidValue(path, count, `${path} in body should have at least ${schema.minProperties} properties`))
  if (schema.maxProperties !== undefined && count > schema.maxProperties) causes.push(tooMany(path, count, schema.maxProperties))
  for (const [field, item] of Object.entries(value)) {
    const property = schema.properties?.[field]
    if (property) causes.push(...check(property, item, child(field)))
    else if (typeof schema.additionalProperties === 'object') causes.push(...check(schema.additionalProperties, item, child(field)))
  }
  return causes
}

const checkCombined = (schema: Schema, value: unknown, path: string): Cause[] => {
  const holds = (each: Schema): boolean => check(each, value, path).length === 0
  const causes: Cause[] = (schema.allOf ?? []).flatMap((each) => check(each, value, path))
  const refuse = (rule: string): number => causes.push(invalidValue(path, value, `"${path}" must ${rule}`))
  if (schema.anyOf && !schema.anyOf.some(holds)) refuse('validate at least one schema (anyOf)')
  if (schema.oneOf && schema.oneOf.filter(holds).length !== 1) refuse('validate one and only one schema (oneOf)')
  if (schema.not && holds(schema.not)) refuse('not validate the schema (not)')
  return causes
}
