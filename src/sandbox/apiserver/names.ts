/** Rules for names, labels and annotations (k8s.io/apimachinery: api/validation, api/validate/content, util/validation). */
import {type Cause, invalidValue, required, tooLong} from './errors.ts'
import {type ApiObject, isObject} from './json.ts'

/** Says what is wrong with a name; `undefined`: nothing. */
export type NameRule = (name: string) => string | undefined

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'

/** The real server counts the length of names in characters, that of labels in bytes. */
const rule = (pattern: string, limit: number, says: string, examples: readonly string[], unit = 'characters'): NameRule => {
  const whole = new RegExp(`^${pattern}$`)
  const told = examples.map((example) => `'${example}'`).join(',  or ')
  return (name) => {
    if (name.length > limit) return `must be no more than ${limit} ${unit}`
    return whole.test(name) ? undefined : `${says} (e.g. ${told}, regex used for validation is '${pattern}')`
  }
}

const plainLabel = rule(
  LABEL,
  63,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  ['my-name', '123-abc'],
)

export const dnsSubdomain = rule(
  SUBDOMAIN,
  253,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  ['example.com'],
)

export const dnsLabel: NameRule = (name) =>
  name.length <= 63 && name.includes('.') && dnsSubdomain(name) === undefined ? 'must not contain dots' : plainLabel(name)

/** RBAC names: anything that can stand in a path. */
export const pathSegment: NameRule = (name) => {
  if (name === '.' || name === '..') return `may not be '${name}'`
  const bad = ['/', '%'].find((character) => name.includes(character))
  return bad && `may not contain '${bad}'`
}

const labelPart = rule(
  QUALIFIED,
  63,
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  ['MyName', 'my.name', '123-abc'],
  'bytes',
)
export const labelValue = rule(
  `(${QUALIFIED})?`,
  63,
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  ['MyValue', 'my_value', '12345'],
  'bytes',
)

/** What would lead out of a folder, or is kept for the files of a volume itself. */
const upwards: NameRule = (name) => {
  if (name === '.' || name === '..') return `must not be '${name}'`
  return name.startsWith('..') ? "must not start with '..'" : undefined
}
const configKey = rule('[-._a-zA-Z0-9]+', 253, "a valid config key must consist of alphanumeric characters, '-', '_' or '.'", [
  'key.name',
  'KEY_NAME',
  'key-name',
])

export const qualifiedName = (key: string): string | undefined => {
  const [prefix, name, ...rest] = key.includes('/') ? key.split('/') : [undefined, key]
  if (rest.length > 0 || name === undefined)
    return "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
  const wrong = prefix === undefined ? undefined : prefix === '' ? 'prefix part must be non-empty' : dnsSubdomain(prefix)
  return wrong ? `prefix part ${wrong}` : labelPart(name)
}

const ANNOTATIONS_LIMIT = 262_144

/** Everything that is wrong with an object's metadata. */
export function checkMetadata(object: ApiObject, checkName: NameRule): Cause[] {
  const {name, generateName, labels = {}, annotations = {}, finalizers = []} = object.metadata
  const causes: Cause[] = []
  if (!name && !generateName) causes.push(required('metadata.name', 'name or generateName is required'))
  else if (name) causes.push(...refused('metadata.name', name, checkName(name)))
  for (const [key, value] of Object.entries(labels)) {
    causes.push(...refused('metadata.labels', key, qualifiedName(key)), ...refused('metadata.labels', value, labelValue(value)))
  }
  let size = 0
  for (const [key, value] of Object.entries(annotations)) {
    causes.push(...refused('metadata.annotations', key, qualifiedName(key.toLowerCase())))
    size += key.length + value.length
  }
  if (size > ANNOTATIONS_LIMIT) causes.push(tooLong('metadata.annotations', ANNOTATIONS_LIMIT))
  for (const finalizer of finalizers) causes.push(...refused('metadata.finalizers', finalizer, qualifiedName(finalizer)))
  for (const [at, owner] of (object.metadata.ownerReferences ?? []).entries()) {
    for (const field of ['apiVersion', 'kind', 'name', 'uid'] as const)
      if (!owner[field]) causes.push(required(`metadata.ownerReferences[${at}].${field}`, 'must not be empty'))
  }
  const owners = object.metadata.ownerReferences ?? []
  const [first, second] = owners.filter((owner) => owner.controller)
  if (first && second) {
    const both = `${first.kind}/${first.name} and ${second.kind}/${second.name}`
    const why = `Only one reference can have Controller set to true. Found "true" in references for ${both}`
    causes.push(invalidValue('metadata.ownerReferences', owners, why))
  }
  return causes
}

/** A key of a ConfigMap or Secret, which becomes the name of a file. */
export const checkKey = (field: string, key: string): Cause[] => [configKey, upwards].flatMap((each) => refused(field, key, each(key)))

export function checkKeys(field: string, data: unknown): Cause[] {
  return isObject(data) ? Object.keys(data).flatMap((key) => checkKey(`${field}[${key}]`, key)) : []
}

export const refused = (field: string, value: unknown, why: string | undefined): Cause[] => (why ? [invalidValue(field, value, why)] : [])

const SUFFIX = 'bcdfghjklmnpqrstvwxz2456789'

/** `generateName` and five characters, as k8s.io/apiserver: storage/names. */
export function generatedName(base: string): string {
  const suffix = Array.from({length: 5}, () => SUFFIX[Math.floor(Math.random() * SUFFIX.length)]).join('')
  return base.slice(0, 58) + suffix
}
