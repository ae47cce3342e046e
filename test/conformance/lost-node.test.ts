import {afterAll, beforeAll, expect, it} from 'vitest'
import {NODES} from '../../src/api/core.ts'
import {DASK_CLUSTERS} from '../../src/api/dask.ts'
import type {KubeObject} from '../../src/api/object.ts'
import {clusterManifest} from '../../src/cli/cluster-manifest.ts'
import {stand, until} from './ground.ts'

/** A node without a kubelet: nobody ever ends what is bound to it. */

const {client, namespace, kubectl, pods} = stand('lost')
const LOST = `lost-${namespace}`

const scheduler = async () => (await pods('dask.org/cluster-name=demo,dask.org/component=scheduler'))[0]

beforeAll(async () => {
  await client.create(NODES, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {name: LOST},
    spec: {taints: [{key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute'}]},
  } as KubeObject)
  const manifest = clusterManifest('demo', namespace, {workers: 0, image: 'dask'})
  const {scheduler: part} = manifest.spec
  const spec = {...part.spec, nodeName: LOST, terminationGracePeriodSeconds: 1}
  await client.create(DASK_CLUSTERS, {...manifest, spec: {...manifest.spec, scheduler: {...part, spec}}})
  await until(async () => (await scheduler()) !== undefined, 'the scheduler has its pod')
})
afterAll(async () => {
  await client.delete(DASK_CLUSTERS, {namespace, name: 'demo'})
  await until(async () => (await client.list(DASK_CLUSTERS, {namespace})).items.length === 0, 'the cluster goes')
  await kubectl('delete', 'pods', '--all', '--force', '--grace-period=0', '--ignore-not-found')
  await client.delete(NODES, {name: LOST})
})

it('a scheduler on a node that is out of service is removed by force, and another one made', async () => {
  const before = await scheduler()
  expect(before?.spec.nodeName).toBe(LOST)
  await kubectl('delete', 'pod', 'demo-scheduler', '--wait=false')
  expect((await scheduler())?.metadata).toMatchObject({uid: before?.metadata.uid, deletionTimestamp: expect.any(String)})
  await until(async () => {
    const after = await scheduler()
    return after !== undefined && after.metadata.uid !== before?.metadata.uid
  }, 'another pod has its name')
})
