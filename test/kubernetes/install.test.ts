import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {CUSTOM_RESOURCE_DEFINITIONS, LEASES, NAMESPACES, PODS} from '../../src/api/core.ts'
import {CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES} from '../../src/cli/install/kinds.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {until} from '../conformance/ground.ts'
import {type EmptyKubernetes, type Output, PYTHON, startEmptyKubernetes} from './empty-kubernetes.ts'

/** From an empty Kubernetes to a cluster that computes, and back to nothing; the operator runs as its own pod all the while. */

let ground: EmptyKubernetes
let client: KubeClient
const dask = (...args: readonly string[]): Promise<Output> => ground.dask(...args)
const operatorPods = async () => (await client.list(PODS, {namespace: 'dask-operator'})).items

beforeAll(async () => {
  ground = await startEmptyKubernetes()
  client = ground.client
}, 120_000)

afterAll(() => ground?.stop())

describe('operator install', () => {
  it('says beforehand what it would make, and makes nothing', async () => {
    const {code, stdout, stderr} = await dask('operator', 'install', '--dry-run=server')
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(stdout).toContain('deployment.apps/dask-operator in dask-operator created (server dry run)')
    expect((await client.list(CUSTOM_RESOURCE_DEFINITIONS)).items).toEqual([])
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

  it('serves a cluster that computes, with the rights that it has been given', async () => {
    expect(await dask('cluster', 'create', 'demo', '--workers', '2', '--wait', '--timeout', '90s')).toMatchObject({code: 0})
    const program =
      'from distributed import Client; c = Client(timeout=20); print(sum(c.gather(c.map(lambda x: x * x, range(10))))); c.close()'
    expect(await dask('cluster', 'run', 'demo', '--', PYTHON, '-c', program)).toMatchObject({code: 0, stdout: '285\n'})
    expect((await dask('cluster', 'scale', 'demo', '1', '--wait', '--timeout', '60s')).code).toBe(0)
    expect((await dask('operator', 'logs')).stdout).not.toMatch(/forbidden/i)
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
