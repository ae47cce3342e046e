/** OpenAPI schemas: those of the built-in kinds (schemas/kinds.json) and those that CRDs bring. */
import kinds from './schemas/kinds.json' with {type: 'json'}

export interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly description?: string
  readonly default?: unknown
  readonly nullable?: boolean
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly required?: readonly string[]
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: boolean
  readonly exclusiveMaximum?: boolean
  readonly multipleOf?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly not?: Schema
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'map' | 'set'
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular'
  readonly 'x-kubernetes-patch-strategy'?: string
  readonly 'x-kubernetes-patch-merge-key'?: string
  readonly 'x-kubernetes-validations'?: readonly Rule[]
  readonly 'x-kubernetes-group-version-kind'?: readonly unknown[]
}

/** One of `x-kubernetes-validations`. */
export interface Rule {
  readonly rule: string
  readonly message?: string
  readonly messageExpression?: string
  readonly reason?: string
  readonly fieldPath?: string
  readonly optionalOldSelf?: boolean
}

/** Schemas by Kubernetes' own names (`io.k8s.api.core.v1.Pod`). */
export const definitions = kinds as unknown as Readonly<Record<string, Schema>>

const resolved = new WeakMap<Schema, Schema>()
const REF = '#/components/schemas/'

/** The schema itself where it only points to another one; what stands beside the pointer wins. */
export function resolve(schema: Schema): Schema {
  const pointer = schema.$ref ?? (schema.type === undefined && schema.allOf?.length === 1 ? schema.allOf[0]?.$ref : undefined)
  if (pointer === undefined) return schema
  let found = resolved.get(schema)
  if (!found) {
    const {$ref: _, allOf: __, ...beside} = schema
    found = {...definitions[pointer.slice(REF.length)], ...beside}
    resolved.set(schema, found)
  }
  return found
}

export const definitionNameOf = (schema: Schema): string | undefined => (schema.$ref ?? schema.allOf?.[0]?.$ref)?.slice(REF.length)

/** The schema of a field, or `undefined` where the schema says nothing about it. */
export function fieldSchema(schema: Schema | undefined, field: string): Schema | undefined {
  if (!schema) return undefined
  const property = schema.properties?.[field]
  if (property) return resolve(property)
  return typeof schema.additionalProperties === 'object' ? resolve(schema.additionalProperties) : undefined
}

export const itemSchema = (schema: Schema | undefined): Schema | undefined => schema?.items && resolve(schema.items)

/** `true` where fields that no schema names are kept. */
export const keepsUnknown = (schema: Schema): boolean =>
  schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true
