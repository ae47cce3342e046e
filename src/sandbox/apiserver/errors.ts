/** Refusals in the real server's words (k8s.io/apimachinery: api/errors, util/validation/field). */

export interface Cause {
  readonly reason: string
  readonly message: string
  readonly field: string
}

export interface StatusDetails {
  readonly name?: string
  readonly group?: string
  readonly kind?: string
  readonly uid?: string
  readonly causes?: readonly Cause[]
  readonly retryAfterSeconds?: number
}

/** A refusal; becomes a `metav1.Status` body with its code. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: number
  readonly reason: string
  readonly details: StatusDetails | undefined
  /** Of the status, as a list has it. */
  readonly metadata: object

  constructor(code: number, reason: string, message: string, details?: StatusDetails, metadata: object = {}) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
    this.metadata = metadata
  }
}

/** Enough of a resource to name it in a message. */
interface Named {
  readonly group: string
  readonly plural: string
  readonly kind: string
}

const qualified = (name: string, group: string): string => (group ? `${name}.${group}` : name)
const detailsOf = (resource: Named, name: string): StatusDetails => ({
  name,
  ...(resource.group && {group: resource.group}),
  kind: resource.plural,
})

export const notFound = (resource: Named, name: string): Refusal =>
  new Refusal(404, 'NotFound', `${qualified(resource.plural, resource.group)} "${name}" not found`, detailsOf(resource, name))

export const noSuchResource = (): Refusal => new Refusal(404, 'NotFound', 'the server could not find the requested resource', {})

export const alreadyExists = (resource: Named, name: string): Refusal =>
  new Refusal(409, 'AlreadyExists', `${qualified(resource.plural, resource.group)} "${name}" already exists`, detailsOf(resource, name))

export const conflict = (resource: Named, name: string, why: string): Refusal =>
  new Refusal(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource.plural, resource.group)} "${name}": ${why}`,
    detailsOf(resource, name),
  )

export const modified = (resource: Named, name: string): Refusal =>
  conflict(resource, name, 'the object has been modified; please apply your changes to the latest version and try again')

export const invalid = (resource: Named, name: string, causes: readonly Cause[]): Refusal => {
  const told = causes.map((cause) => `${cause.field}: ${cause.message}`)
  return new Refusal(
    422,
    'Invalid',
    `${qualified(resource.kind, resource.group)} "${name}" is invalid: ${told.length === 1 ? told[0] : `[${told.join(', ')}]`}`,
    {...(name && {name}), ...(resource.group && {group: resource.group}), kind: resource.kind, causes},
  )
}

/** 422 for what a query or a DeleteOptions body asks in a wrong way. */
export const invalidOptions = (kind: string, ...causes: readonly Cause[]): Refusal =>
  invalid({group: 'meta.k8s.io', plural: kind.toLowerCase(), kind}, '', causes)

export const badRequest = (message: string): Refusal => new Refusal(400, 'BadRequest', message)
export const forbidden = (resource: Named, name: string, why: string, causes: readonly Cause[] = []): Refusal =>
  new Refusal(403, 'Forbidden', `${qualified(resource.plural, resource.group)} "${name}" is forbidden: ${why}`, {
    ...detailsOf(resource, name),
    ...(causes.length > 0 && {causes}),
  })
export const unauthorized = (): Refusal => new Refusal(401, 'Unauthorized', 'Unauthorized')
export const methodNotAllowed = (): Refusal =>
  new Refusal(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})
export const expired = (message: string, metadata?: object): Refusal => new Refusal(410, 'Expired', message, undefined, metadata)
/** A version that has not been yet. */
export const tooLarge = (asked: number, current: number): Refusal => {
  const message = 'Too large resource version'
  const cause = {reason: 'ResourceVersionTooLarge', message} as Cause
  return new Refusal(504, 'Timeout', `Timeout: ${message}: ${asked}, current: ${current}`, {causes: [cause]})
}
export const unsupportedMediaType = (accepted: readonly string[]): Refusal =>
  new Refusal(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )
export const notAcceptable = (): Refusal =>
  new Refusal(406, 'NotAcceptable', 'only the following media types are accepted: application/json, application/yaml', {})
export const notServed = (what: string): Refusal =>
  new Refusal(501, 'NotImplemented', `the sandbox does not serve ${what}: use a real Kubernetes cluster for it`)
export const serviceUnavailable = (message: string): Refusal => new Refusal(503, 'ServiceUnavailable', message)
export const internal = (message: string): Refusal => new Refusal(500, 'InternalError', `Internal error occurred: ${message}`)

export const statusOf = (refusal: Refusal): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: refusal.metadata,
  status: 'Failure',
  message: refusal.message,
  ...(refusal.reason && {reason: refusal.reason}),
  ...(refusal.details && {details: refusal.details}),
  code: refusal.code,
})

/** A value as Go's field errors print it: strings quoted, everything else as JSON. */
const told = (value: unknown): string => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value))

export const required = (field: string, detail = ''): Cause => ({
  reason: 'FieldValueRequired',
  message: `Required value${detail && `: ${detail}`}`,
  field,
})
export const invalidValue = (field: string, value: unknown, detail: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${told(value)}: ${detail}`,
  field,
})
/** The same where the value would be too long to be told. */
export const invalidHere = (field: string, detail: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${detail}`,
  field,
})
export const wrongType = (field: string, value: unknown, detail: string): Cause => ({
  reason: 'FieldValueTypeInvalid',
  message: `Invalid value: ${told(value)}: ${detail}`,
  field,
})
export const notSupported = (field: string, value: unknown, allowed: readonly unknown[]): Cause => ({
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${told(value)}: supported values: ${allowed.map((one) => JSON.stringify(typeof one === 'string' ? one : JSON.stringify(one))).join(', ')}`,
  field,
})
export const duplicate = (field: string, value: unknown): Cause => ({
  reason: 'FieldValueDuplicate',
  message: `Duplicate value: ${told(value)}`,
  field,
})
export const forbiddenField = (field: string, detail: string): Cause => ({
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${detail}`,
  field,
})
export const tooLong = (field: string, limit: number): Cause => ({
  reason: 'FieldValueTooLong',
  message: `Too long: may not be more than ${limit} ${limit === 1 ? 'byte' : 'bytes'}`,
  field,
})
export const tooMany = (field: string, actual: number, limit: number): Cause => ({
  reason: 'FieldValueTooMany',
  message: `Too many: ${actual}: must have at most ${limit} ${limit === 1 ? 'item' : 'items'}`,
  field,
})

/** The cause that a definition's rule asks for. */
export const causeFor = (reason: string | undefined, field: string, value: unknown, detail: string): Cause => {
  if (reason === 'FieldValueForbidden') return forbiddenField(field, detail)
  if (reason === 'FieldValueRequired') return required(field, detail)
  if (reason === 'FieldValueDuplicate') return duplicate(field, value)
  return invalidValue(field, value, detail)
}
