/** What installs the operator without its command line: a Helm chart and a base for kustomize, whole and in dist/. */
import {cp, mkdir, readdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {DEFAULT_LOG_LEVEL} from '../src/api/log-levels.ts'
import {LEASE_NAMESPACE} from '../src/api/names.ts'
import type {KubeObject} from '../src/api/object.ts'
import {BOOT, DEFAULT_NAMESPACE, DEFAULT_NODE_IMAGE, operatorManifests} from '../src/cli/install/manifests.ts'
import {FOR_PEOPLE, LEADING, LOOKING, SECURING, SERVING} from '../src/cli/install/roles.ts'
import {toYaml} from '../src/cli/yaml.ts'

interface Sources {
  /** Root of the package. */
  readonly root: string
  readonly version: string
  /** The packed operator. */
  readonly bundle: Buffer
}

/** `manifests/chart` with what it shares with `operator install`: the definitions, the rights, the operator itself. */
export async function writeChart(folder: string, {root, bundle}: Sources): Promise<void> {
  await cp(join(root, 'manifests', 'chart'), folder, {recursive: true})
  const files = join(folder, 'files')
  await cp(join(root, 'manifests', 'crds'), join(files, 'crds'), {recursive: true})
  const roles = {
    serving: SERVING,
    looking: LOOKING,
    leading: LEADING,
    securing: SECURING,
    people: FOR_PEOPLE,
    leaseNamespace: LEASE_NAMESPACE,
  }
  await writeFile(join(files, 'roles.json'), `${JSON.stringify(roles, undefined, 2)}\n`)
  await writeFile(join(files, 'boot.js'), `${BOOT}\n`)
  await writeFile(join(files, 'operator.mjs.br'), bundle)
}

/** The same objects as `operator install` makes, for `kubectl apply --server-side -k`. */
export async function writeKustomizeBase(folder: string, {root, version, bundle}: Sources): Promise<void> {
  await mkdir(folder)
  const objects = operatorManifests({
    namespace: DEFAULT_NAMESPACE,
    replicas: 1,
    nodeImage: DEFAULT_NODE_IMAGE,
    logLevel: DEFAULT_LOG_LEVEL,
    version,
    bundle,
  })
  const isBundle = (object: KubeObject): boolean => object.kind === 'ConfigMap'
  const found = objects.find(isBundle)
  if (!found) throw new Error('an installation has no ConfigMap with the operator')
  const definitions = await readdir(join(root, 'manifests', 'crds'))
  for (const file of definitions) await cp(join(root, 'manifests', 'crds', file), join(folder, file))
  const others = objects.filter((object) => !isBundle(object)).map((object) => `---\n${toYaml(object)}`)
  await writeFile(join(folder, 'operator.yaml'), others.join(''))
  await writeFile(join(folder, 'operator.mjs.br'), bundle)
  const {name, namespace, labels} = found.metadata
  const generator = {name, namespace, files: ['operator.mjs.br'], options: {disableNameSuffixHash: true, labels}}
  const base = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [...definitions, 'operator.yaml'],
    configMapGenerator: [generator],
  }
  await writeFile(join(folder, 'kustomization.yaml'), toYaml(base))
}

/** The base with the right to Secrets, beside it: kustomize takes in nothing of a folder that lies around its own. */
export async function writeKustomizeTls(folder: string, base: string, {version, bundle}: Sources): Promise<void> {
  await mkdir(folder)
  const options = {namespace: DEFAULT_NAMESPACE, replicas: 1, nodeImage: DEFAULT_NODE_IMAGE, logLevel: DEFAULT_LOG_LEVEL, version, bundle}
  const without = new Set(operatorManifests(options).map(nameOf))
  const objects = operatorManifests({...options, tls: true}).filter((object) => !without.has(nameOf(object)))
  await writeFile(join(folder, 'secrets.yaml'), objects.map((object) => `---\n${toYaml(object)}`).join(''))
  const kustomization = {apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources: [base, 'secrets.yaml']}
  await writeFile(join(folder, 'kustomization.yaml'), toYaml(kustomization))
}

const nameOf = ({kind, metadata}: KubeObject): string => `${kind} ${metadata.name}`
