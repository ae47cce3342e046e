/**
 * Writes two files of `src/sandbox/apiserver/schemas`, both from Kubernetes' own sources (Apache-2.0, see LICENSE-kubernetes there):
 * `kinds.json`, the schemas of the built-in kinds that the sandbox serves, and `protobuf.json`, their fields by number.
 * Usage: `node scripts/schemas.ts <directory of the Go module k8s.io/kubernetes>`; k8s.io/api and k8s.io/apimachinery lie beside it.
 */
import {readdir, readFile, writeFile} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'

type Json = {[key: string]: unknown}

const core =
  'Pod Service ConfigMap Secret ServiceAccount Event Node Namespace Endpoints Binding ResourceQuota LimitRange PersistentVolumeClaim'
const ROOTS = [
  ...core.split(' ').map((kind) => `io.k8s.api.core.v1.${kind}`),
  'io.k8s.api.apps.v1.Deployment',
  'io.k8s.api.apps.v1.ReplicaSet',
  'io.k8s.api.batch.v1.Job',
  'io.k8s.api.coordination.v1.Lease',
  'io.k8s.api.discovery.v1.EndpointSlice',
  'io.k8s.api.events.v1.Event',
  'io.k8s.api.autoscaling.v1.Scale',
  ...['Ingress', 'NetworkPolicy'].map((kind) => `io.k8s.api.networking.v1.${kind}`),
  ...['Eviction', 'PodDisruptionBudget'].map((kind) => `io.k8s.api.policy.v1.${kind}`),
  ...['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'].map((kind) => `io.k8s.api.rbac.v1.${kind}`),
  ...['SelfSubjectAccessReview', 'SelfSubjectRulesReview', 'SubjectAccessReview'].map((kind) => `io.k8s.api.authorization.v1.${kind}`),
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
  'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions',
]

const source = process.argv[2]
if (!source) throw new Error('usage: node scripts/schemas.ts <directory of the Go module k8s.io/kubernetes>')
const folder = join(source, 'api/openapi-spec/v3')
const known: Json = {}
for (const file of await readdir(folder)) {
  const document = JSON.parse(await readFile(join(folder, file), 'utf8')) as {components?: {schemas?: Json}}
  Object.assign(known, document.components?.schemas)
}

const wanted: Json = {}
const want = (name: string): void => {
  if (name in wanted) return
  if (!(name in known)) throw new Error(`${name} is in no file of ${folder}`)
  wanted[name] = known[name]
  visit(known[name])
}
const visit = (value: unknown): void => {
  if (typeof value !== 'object' || value === null) return
  for (const [key, child] of Object.entries(value)) {
    if (key === '$ref' && typeof child === 'string') want(child.slice(child.lastIndexOf('/') + 1))
    else visit(child)
  }
}
for (const root of ROOTS) want(root)

const names = Object.keys(wanted).sort()
const lines = names.map((name) => `${JSON.stringify(name)}: ${JSON.stringify(wanted[name])}`)
await writeFile('src/sandbox/apiserver/schemas/kinds.json', `{\n${lines.join(',\n')}\n}\n`)

const messages: {[message: string]: {[number: string]: readonly [field: string, type: string, shape: '' | 'list' | 'map']}} = {}
const version = basename(source).split('@v1.')[1]
const beside = (name: string): string => join(dirname(source), `${name}@v0.${version}`)
const PROTOS = [
  ...[
    'core',
    'apps',
    'batch',
    'coordination',
    'discovery',
    'events',
    'autoscaling',
    'networking',
    'policy',
    'rbac',
    'authorization',
    'authentication',
  ].map((group) => join(beside('api'), group, 'v1/generated.proto')),
  ...['api/resource', 'apis/meta/v1', 'runtime', 'util/intstr'].map((folder) =>
    join(beside('apimachinery'), 'pkg', folder, 'generated.proto'),
  ),
]
/** Protobuf packages begin with `k8s.io`, schemas with `io.k8s`. */
const schemaName = (type: string, home: string): string => {
  if (!/^[.A-Z]/.test(type)) return type
  const full = type.startsWith('.') ? type.slice(1) : `${home}.${type}`
  return full.replace(/^k8s\.io\./, 'io.k8s.')
}
for (const file of PROTOS) {
  const text = await readFile(file, 'utf8')
  const home = /^package (.+);$/m.exec(text)?.[1] ?? ''
  for (const [, message = '', body = ''] of text.matchAll(/^message (\w+) \{$(.*?)^\}$/gms)) {
    const fields: (typeof messages)[string] = {}
    for (const match of body.matchAll(/^ {2}(?:(optional|repeated) ([.\w]+)|map<string, ([.\w]+)>) (\w+) = (\d+);$/gm)) {
      const [, label, type = '', mapped, field = '', number = ''] = match
      fields[number] = [field, schemaName(mapped ?? type, home), mapped ? 'map' : label === 'repeated' ? 'list' : '']
    }
    messages[schemaName(`.${home}.${message}`, home)] = fields
  }
}
const sent: typeof messages = {}
const send = (name: string): void => {
  const fields = messages[name]
  if (!fields || name in sent) return
  sent[name] = fields
  for (const [, type] of Object.values(fields)) send(type)
}
for (const root of [...ROOTS, 'io.k8s.api.authentication.v1.SelfSubjectReview']) send(root)
const rows = Object.keys(sent)
  .sort()
  .map((name) => `${JSON.stringify(name)}: ${JSON.stringify(sent[name])}`)
await writeFile('src/sandbox/apiserver/schemas/protobuf.json', `{\n${rows.join(',\n')}\n}\n`)
