import {execFile} from 'node:child_process'
import {createHash} from 'node:crypto'
import {cp, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {parse, parseAllDocuments} from 'yaml'
import {build, isStale} from '../../scripts/build.ts'
import {DEFAULT_LOG_LEVEL} from '../../src/api/log-levels.ts'
import type {KubeObject} from '../../src/api/object.ts'
import {readCrds} from '../../src/cli/crds.ts'
import {DEFAULT_NODE_IMAGE, operatorManifests} from '../../src/cli/install/manifests.ts'
import {helmPath, kubectlPath} from '../kubernetes/kubectl.ts'

const root = join(import.meta.dirname, '..', '..')
const CHART = join(root, 'dist', 'chart')

const OPTIONS = {
  namespace: 'dask-operator',
  replicas: 1,
  nodeImage: DEFAULT_NODE_IMAGE,
  logLevel: DEFAULT_LOG_LEVEL,
  version: '',
  bundle: Buffer.alloc(0),
}

const run = promisify(execFile)
let helm = ''
let kubectl = ''
let directory = ''
let version = ''
let ours: readonly KubeObject[] = []

beforeAll(async () => {
  if (await isStale()) await build()
  ;[helm, kubectl, directory] = await Promise.all([helmPath(), kubectlPath(), mkdtemp(join(tmpdir(), 'chart-'))])
  version = (JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {version: string}).version
  const bundle = await readFile(join(root, 'dist', 'operator.mjs.br'))
  ours = [...(await readCrds()), ...operatorManifests({...OPTIONS, version, bundle})]
}, 60_000)
afterAll(() => rm(directory, {recursive: true}))

const objectsOf = (text: string): readonly KubeObject[] =>
  [...parseAllDocuments(text)].map((document) => document.toJS() as KubeObject | null).filter((object) => object !== null)

/** What Helm says of its own on every object. */
const OF_HELM = ['app.kubernetes.io/managed-by', 'app.kubernetes.io/instance']

/** By name, without Helm's own marks, and with nothing that means nothing. */
const comparable = (objects: readonly KubeObject[]): Readonly<Record<string, unknown>> => {
  const plain = objects.map((object) =>
    JSON.parse(JSON.stringify(object), (key, value) => {
      // kustomize breaks it into lines; a digest is enough to tell two apart, and can be read.
      if (key === 'operator.mjs.br')
        return createHash('sha256')
          .update(Buffer.from(String(value), 'base64'))
          .digest('hex')
      if (OF_HELM.includes(key) || key === 'helm.sh/resource-policy') return undefined
      return key === 'annotations' && Object.keys(value as object).length === 0 ? undefined : value
    }),
  ) as readonly KubeObject[]
  return Object.fromEntries(plain.map((each) => [`${each.kind} ${each.metadata.namespace ?? ''}/${each.metadata.name}`, each]))
}

const template = async (values: object = {}, release = 'dask-operator'): Promise<readonly KubeObject[]> => {
  const file = join(directory, `${Math.random()}.json`)
  await writeFile(file, JSON.stringify(values))
  const {stdout} = await run(helm, ['template', release, CHART, '--namespace', 'dask-operator', '--values', file], {maxBuffer: 2 ** 24})
  return objectsOf(stdout)
}

const named = (objects: readonly KubeObject[], kind: string): readonly string[] =>
  objects.filter((object) => object.kind === kind).map(({metadata: {name, namespace}}) => (namespace ? `${namespace}/${name}` : name))

describe('the Helm chart', () => {
  it('makes the very objects of "operator install", but for the namespace, which Helm makes', async () => {
    const made = comparable(await template())
    const wanted = comparable(ours.filter(({kind}) => kind !== 'Namespace'))
    expect(Object.keys(made).sort()).toEqual(Object.keys(wanted).sort())
    for (const [name, object] of Object.entries(wanted)) expect(made[name], name).toEqual(object)
  })

  it('passes lint', async () => {
    const {stdout} = await run(helm, ['lint', '--strict', CHART])
    expect(stdout).toContain('0 chart(s) failed')
  })

  it('has the version of the package, and so has what it makes', async () => {
    const chart = parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8')) as Readonly<Record<string, unknown>>
    expect({version: chart['version'], appVersion: chart['appVersion']}).toEqual({version, appVersion: version})
  })

  it('keeps the definitions when the release is removed, since every cluster would go with them', async () => {
    const definitions = (await template()).filter(({kind}) => kind === 'CustomResourceDefinition')
    expect(definitions).toHaveLength(4)
    for (const {metadata} of definitions) expect(metadata.annotations?.['helm.sh/resource-policy']).toBe('keep')
    expect(named(await template({crds: {install: false}}), 'CustomResourceDefinition')).toEqual([])
  })

  it('serves some namespaces with rights in these alone', async () => {
    const objects = await template({watchNamespaces: ['a', 'b'], rbac: {people: false}})
    expect(named(objects, 'ClusterRole')).toEqual([])
    expect(named(objects, 'Role')).toEqual(['a/dask-operator', 'b/dask-operator'])
    expect(JSON.stringify(objects)).toContain('{"name":"WATCH_NAMESPACES","value":"a,b"}')
  })

  it('has the right to Secrets in a role of its own, where clusters may speak TLS', async () => {
    const roles = (objects: readonly KubeObject[]) => comparable(objects.filter(({metadata}) => metadata.name.endsWith('-secrets')))
    for (const watchNamespaces of [undefined, ['a', 'b']]) {
      const wanted = roles(operatorManifests({...OPTIONS, version, tls: true, watchNamespaces}))
      expect(Object.keys(wanted)).toHaveLength(2 * (watchNamespaces?.length ?? 1))
      expect(roles(await template({tls: true, ...(watchNamespaces && {watchNamespaces})}))).toEqual(wanted)
    }
    expect(roles(await template())).toEqual({})
  })

  it('takes values of the Python operator’s chart that still mean something', async () => {
    const values = {
      imagePullSecrets: [{name: 'registry'}],
      fullnameOverride: 'ours',
      serviceAccount: {create: false, name: 'there-already'},
      podAnnotations: {team: 'a'},
      nodeSelector: {pool: 'system'},
      tolerations: [{key: 'system', operator: 'Exists'}],
      priorityClassName: 'high',
      resources: {limits: {memory: '1Gi'}},
      extraEnv: [{name: 'HTTPS_PROXY', value: 'http://proxy:3128'}],
      kopfArgs: ['--namespace=team-a', '--verbose'],
      workerAllocation: {size: 5, delay: 1},
      metrics: {
        scheduler: {enabled: true, serviceMonitor: {enabled: true, interval: '30s', targetLabels: ['dask.org/cluster-name']}},
        worker: {enabled: true, podMonitor: {enabled: true}},
      },
    }
    const objects = await template(values, 'anything')
    expect(named(objects, 'Deployment')).toEqual(['dask-operator/ours'])
    expect(named(objects, 'ServiceAccount')).toEqual([])
    expect(named(objects, 'Role')).toEqual(['team-a/ours'])
    expect(named(objects, 'ServiceMonitor')).toEqual(['dask-operator/ours-schedulers'])
    expect(named(objects, 'PodMonitor')).toEqual(['dask-operator/ours-workers'])
    // What the operator serves, and not the namespace of its release alone.
    for (const monitor of objects.filter(({kind}) => kind.endsWith('Monitor')))
      expect(monitor).toMatchObject({spec: {namespaceSelector: {matchNames: ['team-a']}}})
    const deployment = JSON.stringify(objects.find(({kind}) => kind === 'Deployment'))
    for (const part of ['"there-already"', '"pool":"system"', '"high"', '"memory":"1Gi"', 'http://proxy:3128', '"registry"', '"team":"a"'])
      expect(deployment).toContain(part)
    expect(named(await template({rbac: {cluster: false}}), 'Role')).toEqual(['dask-operator/dask-operator'])
  })

  it('gives its monitors what values say of them', async () => {
    const said = {
      jobLabel: 'team',
      targetLabels: ['team', 'tier'],
      podTargetLabels: ['zone'],
      metricRelabelings: [{action: 'drop', sourceLabels: ['__name__'], regex: 'dask_.*_bucket'}],
    }
    const monitorsOf = async (schedulers: object, workers: object): Promise<readonly unknown[]> =>
      (await template({metrics: {scheduler: schedulers, worker: workers}}))
        .filter(({kind}) => kind.endsWith('Monitor'))
        // A ServiceMonitor before a PodMonitor.
        .toSorted((one, other) => other.kind.localeCompare(one.kind))
        .map((object) => (object as KubeObject & {readonly spec: unknown}).spec)
    const on = {enabled: true}
    const endpoint = {port: 'http-dashboard', path: '/metrics', interval: '15s'}
    expect(await monitorsOf({serviceMonitor: on}, {podMonitor: on})).toEqual([
      expect.objectContaining({targetLabels: ['dask.org/cluster-name'], endpoints: [endpoint]}),
      expect.objectContaining({podTargetLabels: ['dask.org/cluster-name', 'dask.org/workergroup-name'], podMetricsEndpoints: [endpoint]}),
    ])
    const {jobLabel, targetLabels, podTargetLabels, metricRelabelings} = said
    expect(await monitorsOf({serviceMonitor: {...on, ...said}}, {podMonitor: {...on, ...said}})).toEqual([
      expect.objectContaining({jobLabel, targetLabels, podTargetLabels, endpoints: [{...endpoint, metricRelabelings}]}),
      expect.objectContaining({
        jobLabel,
        // There it has one list; the other name is what the Python operator's chart took.
        podTargetLabels: ['zone', 'team', 'tier'],
        podMetricsEndpoints: [{...endpoint, metricRelabelings}],
      }),
    ])
    expect(await monitorsOf({enabled: false, serviceMonitor: on}, {enabled: false, podMonitor: on})).toEqual([])
  })

  it('refuses a value that it does not know, and says which', async () => {
    await expect(template({replica: 2})).rejects.toThrow(/replica/)
    await expect(template({watchNamespaces: ['Not_A_Name']})).rejects.toThrow(/watchNamespaces/)
  })

  it('says where the whole chart is, when its source alone is installed', async () => {
    const source = join(root, 'manifests', 'chart')
    await expect(run(helm, ['template', 'dask-operator', source])).rejects.toThrow(/npm run build/)
  })
})

it('the base for kustomize makes the very objects of "operator install"', async () => {
  const {stdout} = await run(kubectl, ['kustomize', join(root, 'dist', 'kustomize')], {maxBuffer: 2 ** 24})
  const made = comparable(objectsOf(stdout))
  const wanted = comparable(ours)
  expect(Object.keys(made).sort()).toEqual(Object.keys(wanted).sort())
  for (const [name, object] of Object.entries(wanted)) expect(made[name], name).toEqual(object)
})

it('the base for kustomize with TLS adds the right to Secrets', async () => {
  const {stdout} = await run(kubectl, ['kustomize', join(root, 'dist', 'kustomize-tls')], {maxBuffer: 2 ** 24})
  const bundle = await readFile(join(root, 'dist', 'operator.mjs.br'))
  const wanted = comparable([...(await readCrds()), ...operatorManifests({...OPTIONS, version, bundle, tls: true})])
  expect(comparable(objectsOf(stdout))).toEqual(wanted)
})

it('what the Dockerfile puts into its image is the operator, as a program of its own', async () => {
  const lines = (await readFile(join(root, 'Dockerfile'), 'utf8')).split('\n')
  const words = (instruction: string): readonly string[] =>
    JSON.parse(lines.find((line) => line.startsWith(`${instruction} [`))?.slice(instruction.length + 1) ?? '[]') as readonly string[]
  const folder = await mkdtemp(join(directory, 'image-'))
  await cp(join(root, 'dist', 'operator.mjs.br'), join(folder, 'operator.mjs.br'))
  const [node, ...args] = words('RUN')
  expect(node).toBe('node')
  await run(process.execPath, args, {cwd: folder})
  const entry = words('ENTRYPOINT').at(-1) ?? ''
  const env = {KUBECONFIG: join(folder, 'none'), PATH: process.env['PATH'] ?? ''}
  const program = run(process.execPath, [join(folder, entry.split('/').at(-1) ?? '')], {cwd: folder, env})
  await expect(program).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/"error":"KUBECONFIG names .*none, which does not exist/),
  })
})
