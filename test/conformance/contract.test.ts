import {beforeAll, describe, expect, it} from 'vitest'
import {type Container, PODS, type Pod, SERVICES} from '../../src/api/core.ts'
import {
  API_VERSION,
  DASK_AUTOSCALERS,
  DASK_CLUSTERS,
  DASK_JOBS,
  DASK_WORKER_GROUPS,
  type DaskCluster,
  type DaskClusterSpec,
  type DaskJob,
  GROUP,
} from '../../src/api/dask.ts'
import type {Kind, KubeObject, OwnerReference} from '../../src/api/object.ts'
import {startInformer} from '../../src/kube/start-informer.ts'
import {onOurs, stand, until} from './ground.ts'

/**
 * What manifests, scripts and clients of the Python operator rely on, item by item: the numbers are those of the sections in which it was
 * written down, the identifiers those that it uses. Its client itself is in python-client.test.ts.
 */
const {client, namespace, kubectl, pods} = stand('contract')

const SLEEPER = {image: 'busybox', command: ['sleep', '600']}
const specOf = (name: string, replicas: number | undefined, changes: Partial<DaskClusterSpec> = {}): DaskClusterSpec => ({
  scheduler: {
    metadata: {labels: {of: 'scheduler', 'dask.org/component': 'nonsense'}, annotations: {of: 'scheduler'}},
    spec: {containers: [{name: 'scheduler', image: 'ghcr.io/dask/dask:latest', args: ['dask', 'scheduler', '--host', '0.0.0.0']}]},
    service: {
      type: 'ClusterIP',
      selector: {'dask.org/cluster-name': name, 'dask.org/component': 'scheduler'},
      ports: [
        {name: 'tcp-comm', protocol: 'TCP', port: 8786, targetPort: 'tcp-comm'},
        {name: 'http-dashboard', protocol: 'TCP', port: 8787, targetPort: 'http-dashboard'},
      ],
    },
  },
  worker: {
    ...(replicas !== undefined && {replicas}),
    metadata: {labels: {of: 'worker'}, annotations: {of: 'worker'}},
    spec: {
      initContainers: [{name: 'before', image: 'busybox', command: ['true']}],
      containers: [
        {name: 'worker', ...SLEEPER, env: [{name: 'OWN', value: '1'}]},
        {name: 'beside', ...SLEEPER, env: [{name: 'DASK_WORKER_NAME', value: 'mine'}]},
      ],
    },
  },
  ...changes,
})
const at = (name: string) => ({namespace, name})
const make = (name: string, spec: DaskClusterSpec, metadata: Partial<KubeObject['metadata']> = {}): Promise<DaskCluster> =>
  client.create(DASK_CLUSTERS, {apiVersion: API_VERSION, kind: 'DaskCluster', metadata: {...metadata, ...at(name)}, spec})
const workersOf = (group: string): Promise<readonly Pod[]> => pods(`dask.org/workergroup-name=${group}`)
const ownerOf = ({metadata}: KubeObject): Partial<OwnerReference> | undefined =>
  metadata.ownerReferences?.find(({controller}) => controller)
const envOf = (container: Container | undefined): readonly string[] => (container?.env ?? []).map(({name, value}) => `${name}=${value}`)

/** Every value that a field of one object has had, in order. */
const history = async <T extends KubeObject>(kind: Kind<T>, name: string, told: (object: T) => string | undefined) => {
  const values: string[] = []
  const end = new AbortController()
  const onChange = (_: T | undefined, after: T | undefined): void => {
    const value = after?.metadata.name === name ? told(after) : undefined
    if (value !== undefined && values.at(-1) !== value) values.push(value)
  }
  await startInformer({client, kind, namespace, signal: end.signal, onChange}).synced
  return {values, stop: () => end.abort()}
}

describe('1.1 the resources', () => {
  interface Resource {
    readonly name: string
    readonly singularName: string
    readonly namespaced: boolean
    readonly shortNames?: readonly string[]
  }
  let resources: readonly Resource[]
  beforeAll(async () => {
    await kubectl('wait', '--for=condition=Established', 'crd/daskclusters.kubernetes.dask.org', '--timeout=20s')
    const answer = await client.raw({path: `/apis/${GROUP}/v1`})
    resources = (JSON.parse(await answer.body.text()) as {readonly resources: readonly Resource[]}).resources
  })

  it.each([
    ['daskclusters', 'daskcluster', ['daskcluster', 'dsk']],
    ['daskworkergroups', 'daskworkergroup', ['daskworkers']],
    ['daskjobs', 'daskjob', ['djb']],
    ['daskautoscalers', 'daskautoscaler', []],
  ])('%s have their singular and their short names', (plural, singular, short) => {
    const found = resources.find(({name}) => name === plural)
    expect(found).toMatchObject({singularName: singular, namespaced: true})
    expect(found?.shortNames ?? []).toEqual(expect.arrayContaining(short))
  })

  it.each(['daskclusters', 'daskworkergroups'])('%s have the subresource scale', (plural) => {
    expect(resources.map(({name}) => name)).toContain(`${plural}/scale`)
  })

  it.each([
    ['daskclusters', ['NAME', 'WORKERS', 'STATUS', 'AGE']],
    ['daskworkergroups', ['NAME', 'WORKERS', 'AGE']],
    ['daskjobs', ['NAME', 'STATUS', 'NUMBER OF WORKERS', 'AGE']],
    ['daskautoscalers', ['NAME', 'CLUSTER', 'MINIMUM', 'MAXIMUM', 'AGE']],
  ])('%s keep their columns, in their order', async (plural, columns) => {
    const answer = await client.raw({
      path: `/apis/${GROUP}/v1/namespaces/${namespace}/${plural}`,
      headers: {accept: 'application/json;as=Table;v=v1;g=meta.k8s.io'},
    })
    const {columnDefinitions} = JSON.parse(await answer.body.text()) as {readonly columnDefinitions: readonly {readonly name: string}[]}
    const names = columnDefinitions.map(({name}) => name.toUpperCase())
    expect(names.filter((name) => columns.includes(name))).toEqual(columns)
  })
})

describe('1.2 the fields', () => {
  const dry = <T extends KubeObject>(kind: Kind<T>, spec: object): Promise<T> =>
    client.create(kind as Kind<KubeObject>, {apiVersion: API_VERSION, kind: kind.kind, metadata: at('dry'), spec} as never, {
      dryRun: true,
    }) as Promise<T>
  const {scheduler, worker} = specOf('dry', undefined)

  it('a cluster has one worker and no idle timeout, where it does not say', async () => {
    expect((await dry(DASK_CLUSTERS, {scheduler, worker})).spec).toMatchObject({idleTimeout: 0, worker: {replicas: 1}})
  })
  it.each([
    ['a cluster without a scheduler', DASK_CLUSTERS, {worker}, 'scheduler'],
    ['a cluster without workers', DASK_CLUSTERS, {scheduler}, 'worker'],
    ['a scheduler without a service', DASK_CLUSTERS, {scheduler: {spec: scheduler.spec}, worker}, 'service'],
    ['a scheduler without containers', DASK_CLUSTERS, {scheduler: {...scheduler, spec: {}}, worker}, 'containers'],
    ['a group without a cluster', DASK_WORKER_GROUPS, {worker}, 'cluster'],
    ['a job without a program', DASK_JOBS, {cluster: {spec: specOf('dry', 1)}}, 'job'],
    ['an autoscaler without a cluster', DASK_AUTOSCALERS, {minimum: 1, maximum: 2}, 'cluster'],
  ])('%s is refused', async (_, kind, spec, field) => {
    await expect(dry(kind as Kind<KubeObject>, spec)).rejects.toMatchObject({status: 422, message: expect.stringContaining(field)})
  })
  it('a negative number of workers is refused', async () => {
    await expect(dry(DASK_CLUSTERS, {scheduler, worker: {...worker, replicas: -1}})).rejects.toMatchObject({status: 422})
  })
})

describe('1.4 a name', () => {
  it.each([`${'a'.repeat(54)}`, 'invalid.chars.in.name'])('%s leads to phase Error', async (name) => {
    await make(name, specOf(name, 0))
    await until(async () => (await client.get(DASK_CLUSTERS, at(name))).status?.phase === 'Error', 'its phase is Error')
    await client.delete(DASK_CLUSTERS, at(name))
  })
  it('of 53 characters leads to Created, and from there to Running', async () => {
    const name = 'b'.repeat(53)
    const phases = await history(DASK_CLUSTERS, name, ({status}) => status?.phase)
    await make(name, specOf(name, 0))
    await until(() => phases.values.at(-1) === 'Running', 'its phase is Running')
    phases.stop()
    expect(phases.values[0]).toBe('Created')
    await client.delete(DASK_CLUSTERS, at(name))
  })
})

describe('2.2, 2.3 the objects of a cluster', () => {
  const name = 'demo'
  const ours = {'dask.org/cluster-name': name}
  let cluster: DaskCluster
  let scheduler: Pod
  let workers: readonly Pod[]
  beforeAll(async () => {
    const labels = {team: 'a', of: 'cluster'}
    const annotations = {note: 'a', of: 'cluster', 'kubectl.kubernetes.io/restartedAt': 'now', 'kopf.zalando.org/x': 'y'}
    cluster = await make(name, specOf(name, 2), {labels, annotations})
    await client.create(DASK_WORKER_GROUPS, {
      apiVersion: API_VERSION,
      kind: 'DaskWorkerGroup',
      metadata: {...at('demo-extra'), labels: {only: 'extra'}},
      spec: {cluster: name, worker: {replicas: 1, spec: specOf(name, 1).worker.spec}},
    })
    await until(async () => (await workersOf('demo-default')).length === 2, 'its workers are there')
    await until(async () => (await workersOf('demo-extra')).length === 1, 'those of its further group are there')
    scheduler = await client.get(PODS, at('demo-scheduler'))
    workers = await workersOf('demo-default')
  }, 90_000)

  it('the scheduler is the only pod with its two labels, and the cluster owns it', async () => {
    const found = await pods('dask.org/component=scheduler,dask.org/cluster-name=demo')
    expect(found.map(({metadata}) => metadata.name)).toEqual(['demo-scheduler'])
    expect(ownerOf(scheduler)).toMatchObject({kind: 'DaskCluster', name, uid: cluster.metadata.uid, controller: true})
  })
  it('the Service is named <cluster>-scheduler, has both named ports, and the cluster owns it', async () => {
    const service = await client.get(SERVICES, at('demo-scheduler'))
    expect(service.spec.ports).toMatchObject([
      {name: 'tcp-comm', port: 8786},
      {name: 'http-dashboard', port: 8787},
    ])
    expect(service.spec.selector).toEqual({...ours, 'dask.org/component': 'scheduler'})
    expect(service.metadata.labels).toMatchObject({...ours, 'dask.org/component': 'scheduler'})
    expect(ownerOf(service)).toMatchObject({kind: 'DaskCluster', name})
  })
  it('the default group is named <cluster>-default, has its labels, and the cluster owns it', async () => {
    const group = await client.get(DASK_WORKER_GROUPS, at('demo-default'))
    expect(group.metadata.labels).toMatchObject({...ours, 'dask.org/component': 'workergroup'})
    expect(group.spec).toMatchObject({cluster: name, worker: {replicas: 2}})
    expect(ownerOf(group)).toMatchObject({kind: 'DaskCluster', name})
  })
  it('a worker is named <group>-worker-<10 hex digits>, has its labels, and its group owns it', () => {
    for (const worker of workers) {
      expect(worker.metadata.name).toMatch(/^demo-default-worker-[0-9a-f]{10}$/)
      expect(worker.metadata.labels).toMatchObject({...ours, 'dask.org/workergroup-name': 'demo-default', 'dask.org/component': 'worker'})
      expect(ownerOf(worker)).toMatchObject({kind: 'DaskWorkerGroup', name: 'demo-default'})
    }
  })
  it('a worker is given its name and the address of the scheduler, after what it has of its own', () => {
    for (const {metadata, spec} of workers)
      expect(envOf(spec.containers.find((each) => each.name === 'worker')).slice(0, 3)).toEqual([
        'OWN=1',
        `DASK_WORKER_NAME=${metadata.name}`,
        `DASK_SCHEDULER_ADDRESS=tcp://demo-scheduler.${namespace}.svc:8786`,
      ])
  })
  it('each of its containers is, and keeps what its user has set; an init container is not', () => {
    for (const {spec} of workers) {
      const env = envOf(spec.containers.find((each) => each.name === 'beside'))
      expect(env.filter((each) => each.startsWith('DASK_WORKER_NAME='))).toEqual(['DASK_WORKER_NAME=mine'])
      expect(env.some((each) => each.startsWith('DASK_SCHEDULER_ADDRESS='))).toBe(true)
      const init = envOf((spec.initContainers as readonly Container[] | undefined)?.[0])
      expect(init.some((each) => /^DASK_(WORKER_NAME|SCHEDULER_ADDRESS)=/.test(each))).toBe(false)
    }
  })
  it('the scheduler is given neither', () => {
    expect(scheduler.spec.containers.flatMap(envOf).some((each) => /^DASK_(WORKER_NAME|SCHEDULER_ADDRESS)=/.test(each))).toBe(false)
  })
  it('Istio leaves its pods alone, where the user does not say otherwise', () => {
    for (const {metadata} of [scheduler, ...workers]) expect(metadata.labels).toMatchObject({'sidecar.istio.io/inject': 'false'})
  })
  it("labels: the cluster's, then the part's, then the reserved ones", () => {
    expect(scheduler.metadata.labels).toMatchObject({team: 'a', of: 'scheduler', 'dask.org/component': 'scheduler'})
    for (const {metadata} of workers) expect(metadata.labels).toMatchObject({team: 'a', of: 'worker'})
  })
  it("annotations: the cluster's and the part's, but none of kubectl's or kopf's", async () => {
    expect(scheduler.metadata.annotations).toMatchObject({note: 'a', of: 'scheduler'})
    for (const {metadata} of workers) expect(metadata.annotations).toMatchObject({note: 'a', of: 'worker'})
    const everything = [scheduler, ...workers, await client.get(SERVICES, at('demo-scheduler'))]
    const keys = everything.flatMap(({metadata}) => Object.keys(metadata.annotations ?? {}))
    expect(keys.filter((key) => /kubectl\.kubernetes\.io|kopf\.zalando\.org/.test(key))).toEqual([])
  })
  it("labels of the cluster reach the workers of a further group, beside the group's own", async () => {
    const [extra] = await workersOf('demo-extra')
    expect(extra?.metadata.labels).toMatchObject({team: 'a', only: 'extra', ...ours, 'dask.org/workergroup-name': 'demo-extra'})
  })
  it('2.5 a further group is adopted by an ownerReference, and not by labels', async () => {
    const extra = await client.get(DASK_WORKER_GROUPS, at('demo-extra'))
    expect(ownerOf(extra)).toMatchObject({kind: 'DaskCluster', name})
    expect(extra.metadata.labels).toEqual({only: 'extra'})
  })
  it('3.4 the spec of the cluster stays as its user has written it', async () => {
    const now = await client.get(DASK_CLUSTERS, at(name))
    expect(now.spec).toEqual(cluster.spec)
    // Where a status is no subresource, each is a new generation.
    await onOurs(() => expect(now.metadata.generation).toBe(1))
    expect(now.metadata.finalizers ?? []).toEqual([])
  })
  it('1.7 kubectl scale works on the group and on the cluster; a number of the group stays until the cluster’s changes', async () => {
    await kubectl('scale', 'daskworkergroup', 'demo-default', '--replicas=3')
    await until(async () => (await workersOf('demo-default')).length === 3, 'the group has three')
    expect((await client.get(DASK_CLUSTERS, at(name))).spec.worker.replicas).toBe(2)
    await kubectl('scale', 'daskcluster', name, '--replicas=1')
    await until(async () => (await workersOf('demo-default')).length === 1, 'the group has one')
    expect((await client.get(DASK_WORKER_GROUPS, at('demo-default'))).spec.worker.replicas).toBe(1)
    expect(await kubectl('get', '--raw', `/apis/${GROUP}/v1/namespaces/${namespace}/daskclusters/demo/scale`)).toContain('"replicas":1')
  })
  it('2.10 all of it goes with the cluster, an autoscaler and a further group too', async () => {
    const spec = {cluster: name, minimum: 1, maximum: 2}
    await client.create(DASK_AUTOSCALERS, {apiVersion: API_VERSION, kind: 'DaskAutoscaler', metadata: at(name), spec})
    await until(async () => ownerOf(await client.get(DASK_AUTOSCALERS, at(name))) !== undefined, 'the autoscaler is adopted')
    await client.delete(DASK_CLUSTERS, at(name))
    const left = async (): Promise<readonly string[]> => {
      const lists = await Promise.all(
        [DASK_WORKER_GROUPS, DASK_AUTOSCALERS, PODS, SERVICES].map((kind: Kind<KubeObject>) => client.list(kind, {namespace})),
      )
      return lists.flatMap(({items}) => items.map(({metadata}) => metadata.name)).filter((each) => each.startsWith('demo'))
    }
    await until(async () => (await left()).length === 0, 'nothing is left of it')
  })
})

describe('1.6, 2.9 a job', () => {
  const name = 'pi'
  const jobOf = (program: readonly string[]): DaskJob => ({
    apiVersion: API_VERSION,
    kind: 'DaskJob',
    metadata: {...at(name), labels: {team: 'a'}},
    spec: {
      job: {
        metadata: {labels: {of: 'job'}},
        spec: {restartPolicy: 'Never', containers: [{name: 'job', image: 'busybox', command: [...program]}]},
      },
      cluster: {spec: specOf(name, 1)},
    },
  })
  const run = async (program: readonly string[]) => {
    const statuses = await history(DASK_JOBS, name, ({status}) => status?.jobStatus)
    await client.create(DASK_JOBS, jobOf(program))
    await until(() => ['Successful', 'Failed'].includes(statuses.values.at(-1) ?? ''), 'it ends')
    statuses.stop()
    return {statuses: statuses.values, job: await client.get(DASK_JOBS, at(name))}
  }
  const remove = async (): Promise<void> => {
    await client.delete(DASK_JOBS, at(name))
    await until(
      async () => (await client.list(PODS, {namespace})).items.every((pod) => !pod.metadata.name.startsWith('pi-')),
      'its pods go',
    )
  }
  const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

  it('goes from JobCreated by ClusterCreated and Running to Successful, with its times and names', async () => {
    const {statuses, job} = await run(['sleep', '1'])
    const order = ['JobCreated', 'ClusterCreated', 'Running', 'Successful']
    // A watch may miss one that was followed at once; it shows none in another order.
    expect(statuses).toEqual(order.filter((each) => statuses.includes(each)))
    expect(statuses).toEqual(expect.arrayContaining(['Running', 'Successful']))
    expect(job.status).toMatchObject({
      clusterName: name,
      jobRunnerPodName: 'pi-runner',
      startTime: expect.stringMatching(TIME),
      endTime: expect.stringMatching(TIME),
    })
  })
  it('its runner is named <job>-runner, has its labels and the address of the scheduler, and stays until the job is deleted', async () => {
    const runner = await client.get(PODS, at('pi-runner'))
    const labels = {'dask.org/cluster-name': name, 'dask.org/component': 'job-runner', 'sidecar.istio.io/inject': 'false'}
    expect(runner.metadata.labels).toMatchObject({...labels, of: 'job', team: 'a'})
    expect(ownerOf(runner)).toMatchObject({kind: 'DaskJob', name})
    const env = envOf(runner.spec.containers[0])
    expect(env).toContain(`DASK_SCHEDULER_ADDRESS=tcp://pi-scheduler.${namespace}.svc:8786`)
    expect(env.some((each) => each.startsWith('DASK_WORKER_NAME='))).toBe(false)
    await until(
      async () => (await client.list(DASK_CLUSTERS, {namespace})).items.every((each) => each.metadata.name !== name),
      'its cluster goes',
    )
    expect((await client.get(PODS, at('pi-runner'))).status?.phase).toBe('Succeeded')
    await remove()
  })
  it('whose program fails ends as Failed, and its cluster goes', async () => {
    const {job} = await run(['false'])
    expect(job.status).toMatchObject({jobStatus: 'Failed', endTime: expect.stringMatching(TIME)})
    await until(
      async () => (await client.list(DASK_CLUSTERS, {namespace})).items.every((each) => each.metadata.name !== name),
      'its cluster goes',
    )
    await remove()
  })
})
