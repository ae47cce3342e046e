/** JSON as CEL sees it through a schema: whole numbers are int, times are timestamps, names that CEL cannot write are escaped. */
import {isObject, type JsonObject} from '../json.ts'
import {keepsUnknown, type Schema} from '../schema.ts'

/** Of an object's metadata a rule sees nothing else (apiextensions-apiserver: schema/cel/model). */
const SEEN_METADATA = ['name', 'generateName']

export function celValue(schema: Schema | undefined, value: unknown, isResource = false): unknown {
  if (Array.isArray(value)) return value.map((item) => celValue(schema?.items, item, schema?.items?.['x-kubernetes-embedded-resource']))
  if (isObject(value)) return celObject(schema, value, isResource)
  if (typeof value === 'number') return Number.isInteger(value) && schema?.type !== 'number' ? BigInt(value) : value
  if (typeof value === 'string' && schema?.format === 'date-time') return new Date(value)
  return value
}

const celObject = (schema: Schema | undefined, object: JsonObject, isResource: boolean): object => {
  const entries: (readonly [string, unknown])[] = []
  for (const [field, value] of Object.entries(object)) {
    const property = schema?.properties?.[field]
    const {additionalProperties} = schema ?? {}
    if (isResource && field === 'metadata') {
      const seen = isObject(value) ? Object.entries(value).filter(([name]) => SEEN_METADATA.includes(name)) : []
      entries.push([field, Object.fromEntries(seen)])
    } else if (property) entries.push([escaped(field), celValue(property, value, property['x-kubernetes-embedded-resource'])])
    else if (typeof additionalProperties === 'object') entries.push([field, celValue(additionalProperties, value)])
    else if (isResource || !schema || keepsUnknown(schema)) entries.push([field, celValue(undefined, value)])
  }
  return Object.fromEntries(entries)
}

const RESERVED =
  /^(true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|return|var|void|while)$/
const ESCAPES: Readonly<Record<string, string>> = {__: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__'}

/** k8s.io/apiserver: pkg/cel/escaping.go. */
const escaped = (field: string): string =>
  RESERVED.test(field) ? `__${field}__` : field.replaceAll(/__|[./-]/g, (part) => ESCAPES[part] ?? part)
