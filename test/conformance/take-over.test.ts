import {expect, it} from 'vitest'
import {API_VERSION, DASK_AUTOSCALERS, DASK_CLUSTERS, DASK_JOBS} from '../../src/api/dask.ts'
import {itOnOurs, stand, until} from './ground.ts'

const {client, namespace, dask} = stand('take-over')

/** The Python operator's own, on clusters and autoscalers (contract 1.7). */
const MARKER = 'kopf.zalando.org/KopfFinalizerMarker'

it('a cluster of the Python operator loses its finalizer and can be deleted', async () => {
  expect((await dask('cluster', 'create', 'old', '--workers', '0')).code).toBe(0)
  const marks = {finalizers: [MARKER], annotations: {'kopf.zalando.org/last-handled-configuration': '{}'}}
  await client.patch(DASK_CLUSTERS, {namespace, name: 'old'}, {metadata: marks}, {type: 'merge'})
  await until(async () => {
    const {metadata} = await client.get(DASK_CLUSTERS, {namespace, name: 'old'})
    return metadata.finalizers === undefined && metadata.annotations?.['kopf.zalando.org/last-handled-configuration'] === undefined
  }, 'its marks go')
  expect((await dask('cluster', 'delete', 'old', '--yes', '--timeout', '60s')).code).toBe(0)
})

itOnOurs('a job of the Python operator loses its annotations', async () => {
  const metadata = {name: 'old', namespace, annotations: {'kopf.zalando.org/last-handled-configuration': '{}'}}
  const spec = {suspend: true, clusterName: 'old', job: {spec: {containers: [{name: 'job', image: 'python'}]}}}
  await client.create(DASK_JOBS, {apiVersion: API_VERSION, kind: 'DaskJob', metadata, spec})
  await until(async () => {
    const {annotations = {}} = (await client.get(DASK_JOBS, {namespace, name: 'old'})).metadata
    return Object.keys(annotations).every((name) => !name.startsWith('kopf.'))
  }, 'they go')
  await client.delete(DASK_JOBS, {namespace, name: 'old'})
})

it('an autoscaler whose deletion has begun goes, whoever held it', async () => {
  const metadata = {name: 'old', namespace, finalizers: [MARKER]}
  await client.create(DASK_AUTOSCALERS, {
    apiVersion: API_VERSION,
    kind: 'DaskAutoscaler',
    metadata,
    spec: {cluster: 'old', minimum: 0, maximum: 1},
  })
  await client.delete(DASK_AUTOSCALERS, {namespace, name: 'old'})
  await until(async () => (await client.list(DASK_AUTOSCALERS, {namespace})).items.length === 0, 'it is gone')
})
