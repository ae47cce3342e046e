/** OpenAPI v3: what `kubectl explain`, `apply` and `diff` read of a kind. Paths hold only what clients look up in them. */
import {createHash} from 'node:crypto'
import {apiVersionOf, type Registry, type Resource} from './resources.ts'
import {definitions, type Schema} from './schema.ts'
import {VERSION} from './version.ts'

const REF = '#/components/schemas/'
const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

const rootOf = ({group, version}: {readonly group: string; readonly version: string}): string =>
  group ? `apis/${group}/${version}` : `api/${version}`

/** `GET /openapi/v3`. */
export function openApiIndex(registry: Registry): object {
  const roots = [...new Set(registry.all().map(rootOf))]
  return {
    paths: Object.fromEntries(
      roots.map((root) => [root, {serverRelativeURL: `/openapi/v3/${root}?hash=${hashOf(JSON.stringify(openApiAt(registry, root)))}`}]),
    ),
  }
}

const hashOf = (text: string): string => createHash('sha512').update(text).digest('hex').slice(0, 32).toUpperCase()

/** `GET /openapi/v3/<root>`; `undefined` where nothing is served. */
export function openApiAt(registry: Registry, root: string): object | undefined {
  const resources = registry.all().filter((each) => rootOf(each) === root)
  if (resources.length === 0) return undefined
  const schemas: Record<string, unknown> = {}
  for (const resource of resources) {
    const name = schemaName(resource)
    if (resource.isCustom) {
      schemas[name] = customSchema(resource)
      include(schemas, OBJECT_META)
    } else include(schemas, name)
  }
  return {
    openapi: '3.0.0',
    info: {title: 'Kubernetes', version: VERSION.gitVersion},
    paths: Object.fromEntries(resources.flatMap(pathsOf)),
    components: {schemas},
  }
}

const schemaName = (resource: Resource): string => {
  if (!resource.isCustom) return Object.keys(definitions).find((name) => definitions[name] === resource.schema) ?? resource.kind
  return `${resource.group.split('.').reverse().join('.')}.${resource.version}.${resource.kind}`
}

const include = (schemas: Record<string, unknown>, name: string): void => {
  if (name in schemas || !definitions[name]) return
  schemas[name] = definitions[name]
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [key, child] of Object.entries(value)) {
      if (key === '$ref' && typeof child === 'string') include(schemas, child.slice(REF.length))
      else visit(child)
    }
  }
  visit(definitions[name])
}

const kindOf = ({group, version, kind}: Resource): object => ({group, version, kind})

const customSchema = (resource: Resource): object => {
  const schema: Schema = resource.schema ?? {type: 'object'}
  const text = (description: string): Schema => ({type: 'string', description})
  return {
    ...schema,
    properties: {
      ...schema.properties,
      apiVersion: text('The version of the schema that this object follows.'),
      kind: text('The kind of this object.'),
      metadata: {allOf: [{$ref: `${REF}${OBJECT_META}`}], description: "Standard object's metadata."},
    },
    'x-kubernetes-group-version-kind': [kindOf(resource)],
  }
}

/** kubectl asks here whether the server knows `fieldValidation` and `dryRun` before it sends them. */
const pathsOf = (resource: Resource): readonly (readonly [string, object])[] => {
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((name) => ({name, in: 'query', schema: {type: 'string'}}))
  const schema = {$ref: `${REF}${schemaName(resource)}`}
  const responses = {200: {description: 'OK', content: {'application/json': {schema}}}}
  const operation = (action: string): object => ({
    tags: [apiVersionOf(resource)],
    parameters,
    responses,
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kindOf(resource),
  })
  const base = `/${rootOf(resource)}${resource.namespaced ? '/namespaces/{namespace}' : ''}/${resource.plural}`
  return [
    [base, {get: operation('list'), post: operation('post')}],
    [`${base}/{name}`, {get: operation('get'), put: operation('put'), patch: operation('patch'), delete: operation('delete')}],
  ]
}

/**
 * `GET /openapi/v2`, which kubectl still reads for `kind: List`, and only as protobuf: a document without definitions.
 * kubectl then leaves validation to the server. Field numbers as in gnostic's OpenAPIv2.proto.
 */
export function openApiV2(): Buffer {
  const field = (number: number, content: string | Buffer): Buffer => {
    const bytes = Buffer.from(content)
    return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes])
  }
  return Buffer.concat([field(1, '2.0'), field(2, Buffer.concat([field(1, 'Kubernetes'), field(2, VERSION.gitVersion)]))])
}
