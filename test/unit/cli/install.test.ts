import {execFile} from 'node:child_process'
import {stat} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {beforeAll, expect, it} from 'vitest'
import {parseAllDocuments} from 'yaml'
import {build, isStale} from '../../../scripts/build.ts'
import type {KubeObject} from '../../../src/api/object.ts'
import {type InstallOptions, operatorManifests} from '../../../src/cli/install/manifests.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const OPTIONS: InstallOptions = {
  namespace: 'tools',
  replicas: 1,
  nodeImage: 'node',
  logLevel: 'info',
  version: '1.0.0',
  bundle: Buffer.from('packed'),
}

const named = (objects: readonly KubeObject[]): readonly string[] =>
  objects.map(({kind, metadata: {name, namespace}}) => `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`)

beforeAll(async () => {
  if (await isStale()) await build()
}, 60_000)

it('the packed operator is small enough for a chart, which stores it twice', async () => {
  expect((await stat(join(root, 'dist', 'operator.mjs.br'))).size).toBeLessThan(280 * 1024)
})

it('an installation for all namespaces is these objects', () => {
  expect(named(operatorManifests(OPTIONS))).toEqual([
    'Namespace tools',
    'ServiceAccount tools/dask-operator',
    'ClusterRole dask-operator',
    'ClusterRoleBinding dask-operator',
    'Role default/dask-operator',
    'RoleBinding default/dask-operator',
    'ClusterRole dask-view',
    'ClusterRole dask-edit',
    'ConfigMap tools/dask-operator-bundle',
    'Service tools/dask-operator',
    'PodDisruptionBudget tools/dask-operator',
    'Deployment tools/dask-operator',
  ])
})

it('one for some namespaces has rights in these alone', () => {
  const objects = operatorManifests({...OPTIONS, watchNamespaces: ['a', 'b']})
  expect(named(objects).filter((name) => /Role/.test(name))).toEqual([
    'Role a/dask-operator',
    'RoleBinding a/dask-operator',
    'Role b/dask-operator',
    'RoleBinding b/dask-operator',
    'ClusterRole dask-view',
    'ClusterRole dask-edit',
  ])
  expect(JSON.stringify(objects.at(-1))).toContain('{"name":"WATCH_NAMESPACES","value":"a,b"}')
})

it('clusters with TLS take the right to Secrets, in a role of its own, in the namespaces that are served', () => {
  const added = (options: Partial<InstallOptions>): readonly string[] => {
    const without = named(operatorManifests({...OPTIONS, ...options}))
    return named(operatorManifests({...OPTIONS, ...options, tls: true})).filter((name) => !without.includes(name))
  }
  expect(added({})).toEqual(['ClusterRole dask-operator-secrets', 'ClusterRoleBinding dask-operator-secrets'])
  expect(added({watchNamespaces: ['a']})).toEqual(['Role a/dask-operator-secrets', 'RoleBinding a/dask-operator-secrets'])
})

it('never asks for Secrets unless it is told to, for every verb or for every resource', () => {
  const rules = JSON.stringify(operatorManifests(OPTIONS).filter(({kind}) => /Role$/.test(kind)))
  expect(rules).not.toMatch(/secrets|\*/)
})

it('an image of its own needs no ConfigMap', () => {
  const objects = operatorManifests({...OPTIONS, image: 'registry.example/operator:1'})
  expect(named(objects)).not.toContain('ConfigMap tools/dask-operator-bundle')
  expect(JSON.stringify(objects.at(-1))).toContain('"image":"registry.example/operator:1"')
})

it('"operator manifests" prints the same as YAML, definitions first', async () => {
  const {stdout} = await promisify(execFile)(
    process.execPath,
    [join(root, 'bin', 'dask-k8s.js'), 'operator', 'manifests', '--replicas', '2'],
    {
      maxBuffer: 2 ** 24,
    },
  )
  const objects = [...parseAllDocuments(stdout)].map(
    (document) => document.toJS() as KubeObject & {readonly spec?: {readonly replicas?: number}},
  )
  expect(objects.map(({kind}) => kind).slice(0, 5)).toEqual([...Array(4).fill('CustomResourceDefinition'), 'Namespace'])
  expect(objects.at(-1)?.spec?.replicas).toBe(2)
})
