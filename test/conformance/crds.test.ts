import {beforeAll, describe, expect, it} from 'vitest'
import {API_VERSION, DASK_AUTOSCALERS, DASK_CLUSTERS, DASK_JOBS} from '../../src/api/dask.ts'
import type {Kind, KubeObject} from '../../src/api/object.ts'
import {stand} from './ground.ts'

const {client, namespace, kubectl} = stand('crds')

/** What the API server would keep, and what it warns of; nothing is kept. */
const sent = async (kind: Kind, spec: unknown): Promise<unknown> => {
  const object = {apiVersion: API_VERSION, kind: kind.kind, metadata: {name: 'foo', namespace}, spec} as KubeObject
  const kept = await client.create(kind as Kind<KubeObject>, object, {dryRun: true, fieldValidation: 'Strict'})
  return (kept as KubeObject & {readonly spec: unknown}).spec
}

const probe = (port: unknown) => ({httpGet: {port, path: '/health'}, periodSeconds: 1})

/** The bytes of `make_cluster_spec` of the Python client (contract 1.5), nulls included. */
const clusterSpec = (container: object = {}, idleTimeout: unknown = null) => ({
  idleTimeout,
  worker: {
    replicas: null,
    spec: {
      containers: [
        {
          name: 'worker',
          image: 'ghcr.io/dask/dask:latest',
          args: ['dask-worker', '--name', '$(DASK_WORKER_NAME)'],
          env: null,
          resources: null,
          ports: [{name: 'http-dashboard', containerPort: 8788, protocol: 'TCP'}],
          ...container,
        },
      ],
    },
  },
  scheduler: {
    spec: {
      containers: [
        {
          name: 'scheduler',
          image: 'ghcr.io/dask/dask:latest',
          args: ['dask-scheduler', '--host', '0.0.0.0'],
          env: null,
          resources: null,
          ports: [{name: 'tcp-comm', containerPort: 8786, protocol: 'TCP'}],
          readinessProbe: probe('http-dashboard'),
        },
      ],
    },
    service: {
      type: 'ClusterIP',
      selector: {'dask.org/cluster-name': 'foo', 'dask.org/component': 'scheduler'},
      ports: [{name: 'tcp-comm', protocol: 'TCP', port: 8786, targetPort: 'tcp-comm'}],
    },
  },
})

describe('the definitions', () => {
  beforeAll(() => kubectl('wait', '--for=condition=Established', 'crd/daskclusters.kubernetes.dask.org', '--timeout=20s'))

  it('take what the Python client sends, nulls and all', async () => {
    const kept = await sent(DASK_CLUSTERS, clusterSpec())
    expect(kept).toMatchObject({idleTimeout: 0, worker: {replicas: 1}})
    const [worker] = (kept as {worker: {spec: {containers: readonly object[]}}}).worker.spec.containers
    expect(worker).not.toHaveProperty('env')
    expect(worker).not.toHaveProperty('resources')
  })

  it('take whole numbers for quantities and ports', async () => {
    const container = {resources: {limits: {cpu: 1, 'nvidia.com/gpu': 1, memory: '1Gi'}}, livenessProbe: probe(8788)}
    expect(await sent(DASK_CLUSTERS, clusterSpec(container))).toMatchObject({worker: {spec: {containers: [container]}}})
  })

  it('keep fields of pods that they do not name', async () => {
    const container = {resizePolicy: [{resourceName: 'cpu', restartPolicy: 'NotRequired'}]}
    expect(await sent(DASK_CLUSTERS, clusterSpec(container))).toMatchObject({worker: {spec: {containers: [container]}}})
  })

  it.each([
    ['args that are one string', {args: 'a b'}, 'args'],
    ['env that is no list', {env: 'A=b'}, 'env'],
    ['an image that is a number', {image: 1}, 'image'],
    ['a container without a name', {name: null}, 'name'],
  ])('refuse %s', async (_, container, field) => {
    await expect(sent(DASK_CLUSTERS, clusterSpec(container))).rejects.toMatchObject({status: 422, message: expect.stringContaining(field)})
  })

  const rolling = (rollingUpdate: object) => {
    const {worker, ...others} = clusterSpec()
    return {...others, worker: {...worker, updateStrategy: {rollingUpdate}}}
  }
  it.each([{maxSurge: 'abc'}, {maxSurge: '-5%'}, {maxUnavailable: -3}, {maxUnavailable: '3'}])(
    'refuse %j, which is no number or share',
    async (given) => {
      const [field = ''] = Object.keys(given)
      await expect(sent(DASK_CLUSTERS, rolling(given))).rejects.toMatchObject({status: 422, message: expect.stringContaining(field)})
    },
  )
  it('take numbers and shares for a rolling update', async () => {
    const rollingUpdate = {maxSurge: '50%', maxUnavailable: 2}
    expect(await sent(DASK_CLUSTERS, rolling(rollingUpdate))).toMatchObject({worker: {updateStrategy: {rollingUpdate}}})
  })

  it('restart a job that fails, where it does not say otherwise, and keep the metadata of its cluster', async () => {
    const job = {spec: {containers: [{name: 'job', image: 'dask', command: ['python']}]}}
    const cluster = {metadata: {labels: {team: 'a'}}, spec: clusterSpec()}
    expect(await sent(DASK_JOBS, {job, cluster})).toMatchObject({
      job: {spec: {restartPolicy: 'OnFailure'}},
      cluster: {metadata: {labels: {team: 'a'}}},
    })
  })

  it('bound an autoscaler that has no bounds', async () => {
    expect(await sent(DASK_AUTOSCALERS, {cluster: 'foo', minimum: null})).toEqual({cluster: 'foo', minimum: 0, maximum: 10})
  })
})
