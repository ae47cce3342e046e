/**
 * Writes `src/sandbox/apiserver/schemas/kinds.json`: the schemas of the built-in kinds that the sandbox serves, taken from
 * Kubernetes' own OpenAPI (Apache-2.0, see LICENSE-kubernetes beside it). Usage: `node scripts/schemas.ts <k8s.io/kubernetes source>`.
 */
import {readdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

type Json = {[key: string]: unknown}

const core = 'Pod Service ConfigMap Secret ServiceAccount Event Node Namespace Endpoints Binding ResourceQuota LimitRange'
const ROOTS = [
  ...core.split(' ').map((kind) => `io.k8s.api.core.v1.${kind}`),
  'io.k8s.api.coordination.v1.Lease',
  'io.k8s.api.discovery.v1.EndpointSlice',
  'io.k8s.api.events.v1.Event',
  'io.k8s.api.autoscaling.v1.Scale',
  'io.k8s.api.policy.v1.Eviction',
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
