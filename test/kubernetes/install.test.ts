import {readFile} from 'node:fs/promises'
import {brotliCompressSync, brotliDecompressSync, constants} from 'node:zlib'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {CUSTOM_RESOURCE_DEFINITIONS, LEASES, NAMESPACES, PODS, SERVICES} from '../../src/api/core.ts'
import {DEFAULT_LOG_LEVEL} from '../../src/api/log-levels.ts'
import {ANNOTATION_VERSION} from '../../src/api/names.ts'
import type {Kind, KubeObject} from '../../src/api/object.ts'
import {isPodReady} from '../../src/api/pod-state.ts'
import {applyObject} from '../../src/cli/install/apply.ts'
import {CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES} from '../../src/cli/install/kinds.ts'
import {DEFAULT_NODE_IMAGE, operatorManifests} from '../../src/cli/install/manifests.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {until} from '../conformance/ground.ts'
import {type EmptyKubernetes, type Output, PYTHON, startEmptyKubernetes} from './empty-kubernetes.ts'

/** From an empty Kubernetes to a cluster that computes, and back to nothing; the operator runs as its own pod all the while. */

const FAST = {params: {[constants.BROTLI_PARAM_QUALITY]: 5}}

let ground: EmptyKubernetes
let version = ''
let client: KubeClient
const dask = (...args: readonly string[]): Promise<Output> => ground.dask(...args)
const operatorPods = async () => (await client.list(PODS, {namespace: 'dask-operator'})).items

beforeAll(async () => {
  ground = await startEmptyKubernetes()
  client = ground.client
  version = (JSON.parse(await readFile('package.json', 'utf8')) as {readonly version: string}).version
}, 120_000)

afterAll(() => ground?.stop())

describe('operator install', () => {
  it('says beforehand what it would make, and makes nothing', async () => {
    const {code, stdout, stderr} = await dask('operator', 'install', '--dry-run=server')
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(stdout).toContain('deployment.apps/dask-operator in dask-operator created (server dry run)')
    expect((await client.list(CUSTOM_RESOURCE_DEFINITIONS)).items).toEqual([])
  })

  it('is told beforehand what the cluster would refuse, and changes nothing', async () => {
    const group = 'admissionregistration.k8s.io/v1'
    const [POLICIES, BINDINGS] = ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'].map((kind) => ({
      ...{apiVersion: group, kind, namespaced: false},
      plural: kind === 'ValidatingAdmissionPolicy' ? 'validatingadmissionpolicies' : 'validatingadmissionpolicybindings',
    })) as [Kind, Kind]
    const metadata = {name: 'no-new-roles'}
    const rule = {apiGroups: ['rbac.authorization.k8s.io'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['clusterroles']}
    await client.create(POLICIES, {
      ...{apiVersion: group, kind: POLICIES.kind, metadata},
      spec: {
        matchConstraints: {resourceRules: [rule]},
        validations: [{expression: 'false', message: 'roles are made by the platform team'}],
      },
    } as KubeObject)
    await client.create(BINDINGS, {
      ...{apiVersion: group, kind: BINDINGS.kind, metadata},
      spec: {policyName: metadata.name, validationActions: ['Deny']},
    } as KubeObject)
    await until(async () => (await dask('operator', 'install', '--dry-run=server')).code === 1, 'the policy is in force')
    const {code, stdout, stderr} = await dask('operator', 'install')
    expect({code, stdout}).toEqual({code: 1, stdout: ''})
    expect(stderr).toMatch(/would refuse clusterrole\..*roles are made by the platform team.*nothing has been changed/)
    expect((await client.list(CUSTOM_RESOURCE_DEFINITIONS)).items).toEqual([])
    for (const kind of [BINDINGS, POLICIES]) await client.delete(kind, metadata)
    await until(async () => (await dask('operator', 'install', '--dry-run=server')).code === 0, 'the policy is no longer in force')
  })

  it('does not give rights in a namespace that is not there', async () => {
    expect(await dask('operator', 'install', '--watch-namespaces', 'default,nowhere')).toMatchObject({
      ...{code: 1, stdout: '', stderr: expect.stringContaining('kubectl create namespace nowhere')},
    })
  })

  it('installs an operator that leads, from nothing, in one command', async () => {
    const {code, stdout, stderr} = await dask('operator', 'install', '--timeout', '90s')
    expect(stderr).toContain('✔ leader: dask-operator-')
    expect(code).toBe(0)
    expect(stdout).toContain('customresourcedefinition.apiextensions.k8s.io/daskclusters.kubernetes.dask.org created')
    expect(await operatorPods()).toHaveLength(1)
    expect(await dask('operator', 'status')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 of 1 pods ready in namespace "dask-operator"'),
    })
    expect((await dask('operator', 'logs')).stdout).toMatch(/Z info {2}serving all namespaces/)
  })

  it('changes nothing when it is run again', async () => {
    const before = await operatorPods()
    const {code, stdout} = await dask('operator', 'install', '--timeout', '60s')
    expect(code).toBe(0)
    expect(stdout.split('\n').filter((line) => line !== '' && !line.endsWith(' unchanged'))).toEqual([])
    expect((await operatorPods()).map(({metadata}) => metadata.uid)).toEqual(before.map(({metadata}) => metadata.uid))
  })

  it('mends half an installation when it is run again', async () => {
    const place = {namespace: 'dask-operator', name: 'dask-operator'}
    const before = await operatorPods()
    await client.delete(SERVICES, place)
    await client.delete(CLUSTER_ROLE_BINDINGS, {name: place.name})
    const {code, stdout} = await dask('operator', 'install', '--timeout', '60s')
    const changed = stdout.split('\n').filter((line) => line !== '' && !line.endsWith(' unchanged'))
    expect({code, changed}).toEqual({
      code: 0,
      changed: ['clusterrolebinding.rbac.authorization.k8s.io/dask-operator created', 'service/dask-operator in dask-operator created'],
    })
    expect((await operatorPods()).map(({metadata}) => metadata.uid)).toEqual(before.map(({metadata}) => metadata.uid))
  })

  it('serves a cluster that computes, with the rights that it has been given', async () => {
    expect(await dask('cluster', 'create', 'demo', '--workers', '2', '--wait', '--timeout', '90s')).toMatchObject({code: 0})
    const program =
      'from distributed import Client; c = Client(timeout=20); print(sum(c.gather(c.map(lambda x: x * x, range(10))))); c.close()'
    expect(await dask('cluster', 'run', 'demo', '--', PYTHON, '-c', program)).toMatchObject({code: 0, stdout: '285\n'})
    expect((await dask('cluster', 'scale', 'demo', '1', '--wait', '--timeout', '60s')).code).toBe(0)
    expect((await dask('operator', 'logs')).stdout).not.toMatch(/forbidden/i)
  })

  it('takes the place of the version before, and touches no pod of a cluster', async () => {
    // No release is there yet: the version before is this one, under another number and with another line in its bundle.
    const bundle = brotliCompressSync(`${brotliDecompressSync(await readFile('dist/operator.mjs.br'))}\n// the version before`, FAST)
    const options = {namespace: 'dask-operator', replicas: 1, nodeImage: DEFAULT_NODE_IMAGE, logLevel: DEFAULT_LOG_LEVEL}
    const signal = AbortSignal.timeout(60_000)
    for (const object of operatorManifests({...options, version: '0.0.9', bundle}))
      await applyObject(object, {client, dryRun: false, signal})
    const runs = async (version: string): Promise<boolean> => {
      const pods = await operatorPods()
      return pods.length === 1 && pods.every((pod) => isPodReady(pod) && pod.metadata.labels?.['app.kubernetes.io/version'] === version)
    }
    await until(() => runs('0.0.9'), 'the version before runs', 60_000)
    expect((await dask('cluster', 'scale', 'demo', '2', '--wait', '--timeout', '60s')).code).toBe(0)
    const ofCluster = async () =>
      (await client.list(PODS, {namespace: 'default'})).items.map(({metadata, status}) => [
        metadata.uid,
        status?.containerStatuses?.map(({restartCount}) => restartCount),
      ])
    const before = await ofCluster()
    const {code, stdout} = await dask('operator', 'install', '--timeout', '90s')
    expect(code).toBe(0)
    expect(stdout).toContain('configmap/dask-operator-bundle in dask-operator configured')
    expect(stdout).toContain('deployment.apps/dask-operator in dask-operator configured')
    await until(() => runs(version), 'the version before has ended')
    expect(await ofCluster()).toEqual(before)
    expect((await dask('cluster', 'scale', 'demo', '1', '--wait', '--timeout', '60s')).code).toBe(0)
  })

  it('does not take away what a newer version has brought', async () => {
    const name = 'daskclusters.kubernetes.dask.org'
    const annotate = (value: string) =>
      client.patch(CUSTOM_RESOURCE_DEFINITIONS, {name}, {metadata: {annotations: {[ANNOTATION_VERSION]: value}}}, {type: 'merge'})
    await annotate('9.10.0')
    expect(await dask('operator', 'install')).toMatchObject({
      ...{code: 1, stdout: '', stderr: expect.stringMatching(/is of version 9\.10\.0, and this program is .*use version 9\.10\.0/)},
    })
    await annotate('0.0.1')
    expect(await dask('operator', 'install', '--timeout', '60s')).toMatchObject({
      ...{code: 0, stdout: expect.stringContaining(`${name} configured`)},
    })
  })

  it('tells in one sentence who may not, and with what nobody gets in', async () => {
    const told = async (...args: readonly string[]) => {
      const {code, stderr} = await dask(...args)
      expect(stderr.trim().split('\n')).toHaveLength(1)
      return {code, stderr}
    }
    expect(await told('cluster', 'list', '--as', 'nobody')).toMatchObject({
      ...{code: 1, stderr: expect.stringMatching(/User "nobody" cannot list resource "daskclusters".*; ask the administrator/)},
    })
    expect(await told('cluster', 'list', '--token', 'wrong')).toMatchObject({
      ...{code: 1, stderr: expect.stringMatching(/does not accept the credentials.*wrong or expired/)},
    })
    expect(await told('cluster', 'create', 'other', '--as', 'nobody')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot create'),
    })
    expect(await told('operator', 'install', '--as', 'nobody')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/you may not .*patch clusterroles/),
    })
    // Before it stops anything: what the take-over needs, too.
    expect(await told('operator', 'install', '--take-over', '--as', 'nobody')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/delete replicasets\.apps.*patch pods/),
    })
  })

  it('lets people of a namespace work with no more than the role edit, and look with the role view', async () => {
    const bind = async (user: string, role: string): Promise<void> => {
      const roleRef = {apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role}
      const subjects = [{apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user}]
      const object = {
        apiVersion: ROLE_BINDINGS.apiVersion,
        kind: ROLE_BINDINGS.kind,
        metadata: {name: user, namespace: 'default'},
        roleRef,
        subjects,
      }
      await client.create(ROLE_BINDINGS, object)
    }
    await bind('ann', 'edit')
    await bind('bob', 'view')
    await until(async () => (await dask('cluster', 'list', '--as', 'ann')).code === 0, 'the roles are aggregated')
    expect((await dask('cluster', 'create', 'anns', '--workers', '1', '--wait', '--timeout', '60s', '--as', 'ann')).code).toBe(0)
    expect((await dask('cluster', 'scale', 'anns', '2', '--wait', '--timeout', '60s', '--as', 'ann')).code).toBe(0)
    expect((await dask('cluster', 'list', '--as', 'bob')).stdout).toContain('anns')
    expect((await dask('cluster', 'delete', 'anns', '--yes', '--as', 'bob')).code).toBe(1)
    expect((await dask('cluster', 'delete', 'anns', '--yes', '--as', 'ann')).code).toBe(0)
  })

  it('makes a cluster with TLS only once it has been given the right to Secrets, and says how that is given', async () => {
    const create = () => dask('cluster', 'create', 'safe', '--tls', '-w', '1', '--wait', '--timeout', '60s')
    const refused = await create()
    expect(refused).toMatchObject({code: 1, stderr: expect.stringMatching(/SecretsForbidden: .*operator install --tls/)})
    expect((await dask('operator', 'install', '--tls', '--timeout', '60s')).stdout).toContain('/dask-operator-secrets created')
    await until(async () => (await dask('cluster', 'list', 'safe')).code === 3, 'the one that was refused is gone')
    const made = await create()
    expect(made, made.stderr).toMatchObject({code: 0})
    const program = 'from distributed import Client; c = Client(timeout=20); print(c.submit(sum, [1, 2, 3]).result()); c.close()'
    expect(await dask('cluster', 'run', 'safe', '--', PYTHON, '-c', program)).toMatchObject({code: 0, stdout: '6\n'})
    expect((await dask('cluster', 'delete', 'safe', '--yes')).code).toBe(0)
  })

  it('survives its operator: another one takes over and goes on', async () => {
    const [before] = await operatorPods()
    await client.delete(PODS, before?.metadata ?? {name: ''})
    await until(async () => (await operatorPods()).some(({metadata}) => metadata.uid !== before?.metadata.uid), 'another pod comes')
    expect((await dask('cluster', 'scale', 'demo', '3', '--wait', '--timeout', '90s')).code).toBe(0)
  })

  it('is taken away with everything that it has made, and clusters stay unless asked for', async () => {
    const {code, stderr} = await dask('operator', 'uninstall', '--yes', '--timeout', '60s')
    expect(code).toBe(0)
    expect(stderr).toContain('clusters and their definitions stay')
    expect((await client.list(PODS, {namespace: 'default'})).items.length).toBe(4)
    expect((await dask('operator', 'status')).code).toBe(1)
    expect(await dask('operator', 'logs')).toMatchObject({code: 3})
    const all = await dask('operator', 'uninstall', '--all', '--yes', '--timeout', '60s')
    expect(all).toMatchObject({code: 0})
    const left = await Promise.all([
      client.list(CUSTOM_RESOURCE_DEFINITIONS),
      client.list(LEASES, {fieldSelector: 'metadata.name=dask-operator'}),
      ...[CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS, ROLES].map((kind) =>
        client.list(kind, {labelSelector: 'app.kubernetes.io/part-of=dask-operator'}),
      ),
    ])
    expect(left.flatMap(({items}) => items.map(({metadata}) => metadata.name))).toEqual([])
    expect((await client.list(NAMESPACES)).items.map(({metadata}) => metadata.name)).not.toContain('dask-operator')
    await until(async () => (await client.list(PODS, {namespace: 'default'})).items.length === 0, 'the pods of the cluster go')
  })
})
