/** CustomResourceDefinitions, and the resources that they make the server serve. */
import {type Cause, invalidValue, notSupported, required} from '../errors.ts'
import {type ApiObject, isEqual, isObject, type JsonObject, listAt, objectAt} from '../json.ts'
import {dnsSubdomain} from '../names.ts'
import type {Resource, ScalePaths} from '../resources.ts'
import {loadRules, wrongRules} from '../rules/rules.ts'
import type {Schema} from '../schema.ts'
import {AGE, type Column, NAME, since} from '../table/column.ts'
import {compileJsonPath} from '../table/jsonpath.ts'

/** Names default to what follows from the kind; a new CRD is established at once (there is nobody to wait for). */
export function startCrd(crd: ApiObject, old?: ApiObject): ApiObject {
  const spec = objectAt(crd, 'spec')
  const names = objectAt(spec, 'names')
  const kind = String(names['kind'] ?? '')
  const full = {...names, singular: names['singular'] || kind.toLowerCase(), listKind: names['listKind'] || `${kind}List`}
  const before = objectAt(old, 'status')
  const stored = listAt(before, 'storedVersions')
  const storage = listAt(spec, 'versions').find((version) => objectAt({version}, 'version')['storage'] === true)
  const version = objectAt({storage}, 'storage')['name']
  const has = listAt(before, 'conditions').length > 0
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const condition = (type: string, reason: string, message: string): JsonObject => ({
    type,
    status: 'True',
    lastTransitionTime: now,
    reason,
    message,
  })
  return {
    ...crd,
    spec: {...spec, names: full, conversion: spec['conversion'] ?? {strategy: 'None'}},
    status: {
      conditions: has
        ? before['conditions']
        : [
            condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
            condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
          ],
      acceptedNames: full,
      storedVersions: stored.includes(version) ? stored : [...stored, version],
    },
  }
}

export function validateCrd(crd: ApiObject): readonly Cause[] {
  const spec = objectAt(crd, 'spec')
  const names = objectAt(spec, 'names')
  const causes: Cause[] = []
  const expected = `${names['plural']}.${spec['group']}`
  if (!spec['group']) causes.push(required('spec.group'))
  if (!names['plural']) causes.push(required('spec.names.plural'))
  if (!names['kind']) causes.push(required('spec.names.kind'))
  if (crd.metadata.name !== expected)
    causes.push(invalidValue('metadata.name', crd.metadata.name, `must be spec.names.plural+"."+spec.group`))
  const scopes = ['Cluster', 'Namespaced']
  if (!scopes.includes(String(spec['scope']))) causes.push(notSupported('spec.scope', spec['scope'] ?? '', scopes))
  const versions = listAt(spec, 'versions').filter(isObject)
  if (versions.filter((each) => each['storage'] === true).length !== 1)
    causes.push(invalidValue('spec.versions', spec['versions'] ?? null, 'must have exactly one version marked as storage version'))
  for (const [at, version] of versions.entries()) {
    const schema = objectAt(version, 'schema')['openAPIV3Schema']
    if (!isObject(schema)) causes.push(required(`spec.versions[${at}].schema.openAPIV3Schema`, 'schemas are required'))
    else if (schema['type'] !== 'object')
      causes.push(required(`spec.versions[${at}].schema.openAPIV3Schema.type`, 'must be object at the root'))
    for (const [column, each] of listAt(version, 'additionalPrinterColumns').entries()) {
      const path = `spec.versions[${at}].additionalPrinterColumns[${column}].jsonPath`
      try {
        compileJsonPath(String(objectAt({each}, 'each')['jsonPath']))
      } catch (error) {
        causes.push(invalidValue(path, objectAt({each}, 'each')['jsonPath'], error instanceof Error ? error.message : String(error)))
      }
    }
  }
  const unreadable = rulesOf(crd).filter(({wrong}) => wrong === 'syntax')
  return [...causes, ...unreadable.map(({path, rule, why}) => invalidValue(path, rule, `compilation failed: ${why}`))]
}

const rulesOf = (crd: ApiObject): ReturnType<typeof wrongRules> => {
  const schemas = listAt(crd['spec'], 'versions').map((version) => objectAt(objectAt({version}, 'version'), 'schema')['openAPIV3Schema'])
  // One schema for all versions is told where it stood in v1beta1.
  const isOne = schemas.every((schema) => isEqual(schema, schemas[0]))
  return schemas.flatMap((schema, at) => {
    if (!isObject(schema) || (isOne && at > 0)) return []
    return wrongRules(schema, isOne ? 'spec.validation.openAPIV3Schema' : `spec.versions[${at}].schema.openAPIV3Schema`)
  })
}

/** Functions that only the real server has: a rule that calls one is kept and not evaluated. */
export const warnOfCrd = (crd: ApiObject): readonly string[] =>
  rulesOf(crd)
    .filter(({wrong}) => wrong === 'unsupported')
    .map(({path, why}) => `the sandbox does not evaluate ${path}: ${why}`)

/** One resource for each version that the CRD serves; none while it is being deleted is decided by the caller. */
export function resourcesOf(crd: ApiObject): readonly Resource[] {
  const spec = objectAt(crd, 'spec')
  const names = objectAt(spec, 'names')
  const texts = (field: string): readonly string[] => listAt(names, field).map(String)
  return listAt(spec, 'versions')
    .filter(isObject)
    .filter((version) => version['served'] === true)
    .map((version) => {
      const subresources = objectAt(version, 'subresources')
      const hasStatus = subresources['status'] !== undefined
      return {
        group: String(spec['group']),
        version: String(version['name']),
        kind: String(names['kind']),
        plural: String(names['plural']),
        singular: String(names['singular']),
        listKind: String(names['listKind']),
        namespaced: spec['scope'] === 'Namespaced',
        shortNames: texts('shortNames'),
        categories: texts('categories'),
        storage: crd.metadata.name,
        isCustom: true,
        schema: withObjectFields(objectAt(objectAt(version, 'schema'), 'openAPIV3Schema')),
        hasStatus,
        hasGeneration: true,
        ...(isObject(subresources['scale']) && {scale: subresources['scale'] as unknown as ScalePaths}),
        selectable: listAt(version, 'selectableFields').map((field) => String(objectAt({field}, 'field')['jsonPath']).replace(/^\./, '')),
        columns: columnsOf(version),
        nameRule: dnsSubdomain,
        ready: loadRules,
        hooks: {},
      }
    })
}

/** The metadata of a custom resource is everybody's: its lists have their keys, whatever the CRD says of it. */
const withObjectFields = (schema: Schema): Schema => ({
  ...schema,
  properties: {...schema.properties, metadata: {$ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'}},
})

const columnsOf = (version: JsonObject): readonly Column[] => {
  const columns = listAt(version, 'additionalPrinterColumns').filter(isObject)
  return columns.length === 0 ? [NAME, {...AGE, type: 'date'}] : [NAME, ...columns.map(printerColumn)]
}

const printerColumn = (column: JsonObject): Column => {
  const find = compileJsonPath(String(column['jsonPath']))
  const type = String(column['type'])
  return {
    name: String(column['name']),
    type,
    ...(column['format'] !== undefined && {format: String(column['format'])}),
    description: String(column['description'] ?? `Custom resource definition column (in JSONPath format): ${column['jsonPath']}`),
    ...(typeof column['priority'] === 'number' && {priority: column['priority']}),
    cell: (object, now) => cellOf(type, find(object)[0], now),
  }
}

/** apiextensions-apiserver: registry/customresource/tableconvertor. A value of another type than the column's shows nothing. */
const cellOf = (type: string, value: unknown, now: number): unknown => {
  if (value === undefined || value === null) return null
  switch (type) {
    case 'string':
      return typeof value === 'object' ? JSON.stringify(value) : String(value)
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null
    case 'number':
      return typeof value === 'number' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      return typeof value === 'string' ? since(value, now) : '<invalid>'
    default:
      return null
  }
}
