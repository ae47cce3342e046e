/** The words in which the schemas of our kinds are written. */

export interface Schema {
  readonly [key: string]: unknown
}

export type Properties = Readonly<Record<string, Schema>>

export const string: Schema = {type: 'string'}
export const integer: Schema = {type: 'integer'}
export const boolean: Schema = {type: 'boolean'}
export const strings: Schema = {type: 'object', additionalProperties: string}
/** Whatever Kubernetes puts there, in this version or a later one. */
export const anyObject: Schema = {type: 'object', 'x-kubernetes-preserve-unknown-fields': true}
export const intOrString: Schema = {'x-kubernetes-int-or-string': true}
/** As of a Deployment's strategy. Upstream has no such field: no object of before could have anything else there. */
export const countOrPercent: Schema = {...intOrString, minimum: 0, pattern: '^[0-9]+%$'}
export const date: Schema = {type: 'string', format: 'date-time'}

export const list = (items: Schema): Schema => ({type: 'array', items})
export interface Rule {
  readonly rule: string
  readonly message: string
}
export const object = (properties: Properties, required: readonly string[] = [], rules: readonly Rule[] = []): Schema => ({
  type: 'object',
  ...(required.length > 0 && {required}),
  properties,
  ...(rules.length > 0 && {'x-kubernetes-validations': rules}),
})
/** Its named fields are checked, others are kept. */
export const open = (properties: Properties, required: readonly string[] = []): Schema => ({...object(properties, required), ...anyObject})
export const each = (names: string, schema: Schema): Properties => Object.fromEntries(names.split(' ').map((name) => [name, schema]))
export const described = (schema: Schema, description: string): Schema => ({description, ...schema})
export const choice = (...values: readonly string[]): Schema => ({type: 'string', enum: values})
