import {describe, expect, it} from 'vitest'
import {EVENTS, PODS, type Pod} from '../../src/api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, DASK_WORKER_GROUPS, type DaskCluster, type DaskJob, type DaskWorkerGroup} from '../../src/api/dask.ts'
import type {KubeObject} from '../../src/api/object.ts'
import {clusterManifest} from '../../src/cli/cluster-manifest.ts'
import {isReady, itOnOurs, onOurs, stand, until} from './ground.ts'

/** Faults of the Python operator that cannot happen here (contract 2.11); those of other files carry their number in their names. */
const {client, namespace, kubectl, dask, pods} = stand('faults')

const make = (name: string, workers = 0): DaskCluster => clusterManifest(name, namespace, {workers, image: 'dask'})
const create = (cluster: DaskCluster): Promise<DaskCluster> => client.create(DASK_CLUSTERS, cluster)
const clusterOf = (name: string): Promise<DaskCluster> => client.get(DASK_CLUSTERS, {namespace, name})
const isClusterReady = async (name: string): Promise<boolean> =>
  (await clusterOf(name)).status?.conditions?.some(({type, status}) => type === 'Ready' && status === 'True') ?? false
const isWhole = async (name: string): Promise<void> =>
  expect(await dask('cluster', 'wait', name, '--timeout', '60s')).toMatchObject({code: 0})
const remove = (kind: string, name: string): Promise<string> => kubectl('delete', kind, name)

const runJob = (name: string, program: string): Promise<DaskJob> =>
  client.create(DASK_JOBS, {
    ...{apiVersion: DASK_JOBS.apiVersion, kind: DASK_JOBS.kind, metadata: {name, namespace}},
    spec: {
      cluster: {spec: make(name).spec},
      job: {spec: {restartPolicy: 'Never', containers: [{name: 'job', image: 'dask', command: ['python', '-c', program]}]}},
    },
  })
const jobOf = (name: string): Promise<DaskJob> => client.get(DASK_JOBS, {namespace, name})
const jobIs = (name: string, status: string): Promise<void> =>
  until(async () => (await jobOf(name)).status?.jobStatus === status, `job ${name} is ${status}`)

const impossible = {requests: {memory: '900Ti'}}
const withScheduler = (cluster: DaskCluster, resources: object): DaskCluster => {
  const {scheduler} = cluster.spec
  const containers = scheduler.spec.containers.map((each) => ({...each, resources}))
  return {...cluster, spec: {...cluster.spec, scheduler: {...scheduler, spec: {...scheduler.spec, containers}}}}
}

describe('a cluster', () => {
  it('G4: goes from Created to Running and never back, and is Ready only when it is', async () => {
    await create(withScheduler(make('phases'), impossible))
    const seen: string[] = []
    await until(async () => {
      const phase = (await clusterOf('phases')).status?.phase
      if (phase !== undefined && phase !== seen.at(-1)) seen.push(phase)
      return phase === 'Running'
    }, 'it is Running')
    expect(seen).toEqual(['Created', 'Running'])
    expect(await isClusterReady('phases')).toBe(false)
  })

  it('G5: shrinks before its scheduler is up', async () => {
    await kubectl('scale', 'daskcluster', 'phases', '--replicas=3')
    const workers = () => pods('dask.org/cluster-name=phases,dask.org/component=worker')
    await until(async () => (await workers()).length === 3, 'three workers are made')
    await kubectl('scale', 'daskcluster', 'phases', '--replicas=1')
    await until(async () => (await workers()).filter(({metadata}) => metadata.deletionTimestamp === undefined).length === 1, 'one is left')
    await remove('daskcluster', 'phases')
  })

  it('G14: has no finalizers, nor has anything that it consists of', async () => {
    await create(make('bare', 1))
    await isWhole('bare')
    const objects: readonly KubeObject[] = [
      await clusterOf('bare'),
      ...(await client.list(DASK_WORKER_GROUPS, {namespace})).items,
      ...(await pods('dask.org/cluster-name=bare')),
    ]
    expect(objects.flatMap(({metadata}) => metadata.finalizers ?? [])).toEqual([])
  })

  it('G17: comes to rest when two scale it at once', async () => {
    await Promise.all([kubectl('scale', 'daskcluster', 'bare', '--replicas=2'), dask('cluster', 'scale', 'bare', '2')])
    const workers = () => pods('dask.org/cluster-name=bare,dask.org/component=worker')
    await until(async () => (await workers()).filter(isReady).length === 2, 'it has two workers')
    await isWhole('bare')
    expect(await workers()).toHaveLength(2)
    await onOurs(async () => expect((await clusterOf('bare')).status).toMatchObject({readyReplicas: 2}))
  })

  itOnOurs('G20, G21, G22: tells its state in conditions, and at rest nothing by Events', async () => {
    const types = (await clusterOf('bare')).status?.conditions?.map(({type}) => type)
    expect(types).toEqual(expect.arrayContaining(['Ready', 'SchedulerReady', 'WorkersReady', 'Progressing', 'Degraded']))
    const told = (await client.list(EVENTS, {namespace})).items.filter(({involvedObject}) => involvedObject.name.startsWith('bare'))
    const own = told.filter(({source}) => source?.component === 'dask-operator')
    expect(own.filter(({reason, message}) => /timer|scaled.*up/i.test(`${reason} ${message}`))).toEqual([])
  })

  it('G16: takes pods that are not restarted, which the Python operator could not make', async () => {
    const made = make('frail', 1)
    const worker = {...made.spec.worker, spec: {...made.spec.worker.spec, restartPolicy: 'Never' as const}}
    await create({...made, spec: {...made.spec, worker}})
    await isWhole('frail')
    expect((await pods('dask.org/cluster-name=frail,dask.org/component=worker'))[0]?.spec.restartPolicy).toBe('Never')
    await remove('daskcluster', 'frail')
  })

  it('G23: may have the longest name, and its pods still say what they are', async () => {
    const name = 'c'.repeat(53)
    await create(make(name, 1))
    await isWhole(name)
    expect((await pods(`dask.org/cluster-name=${name}`)).map(({metadata}) => /worker|scheduler/.test(metadata.name))).toEqual([true, true])
    await remove('daskcluster', name)
  })
})

describe('a group', () => {
  it('G15: that comes before its cluster begins as soon as that is there', async () => {
    const group: DaskWorkerGroup = {
      ...{apiVersion: DASK_WORKER_GROUPS.apiVersion, kind: DASK_WORKER_GROUPS.kind, metadata: {name: 'early', namespace}},
      spec: {cluster: 'late', worker: {...make('late').spec.worker, replicas: 1}},
    }
    await client.create(DASK_WORKER_GROUPS, group)
    const condition = async () =>
      (await client.get(DASK_WORKER_GROUPS, {namespace, name: 'early'})).status?.conditions?.find(({type}) => type === 'Ready')
    await onOurs(() => until(async () => (await condition())?.reason === 'ClusterMissing', 'it says what is missing'))
    await create(make('late'))
    const workers = () => pods('dask.org/workergroup-name=early')
    await until(async () => (await workers()).filter(isReady).length === 1, 'its worker is ready')
    await onOurs(() => until(async () => (await condition())?.status === 'True', 'the group says so'))
    await remove('daskcluster', 'late')
    await until(
      async () => (await client.list(DASK_WORKER_GROUPS, {namespace})).items.every(({metadata}) => metadata.name !== 'early'),
      'it goes with its cluster',
    )
  })
})

describe('a job', () => {
  it('G10: ends well though its cluster was deleted by hand', async () => {
    await runJob('orphan', 'import time; time.sleep(4)')
    await jobIs('orphan', 'Running')
    await kubectl('delete', 'daskcluster', 'orphan', '--wait=false')
    await jobIs('orphan', 'Successful')
    await until(
      async () => (await client.list(DASK_CLUSTERS, {namespace})).items.every(({metadata}) => metadata.name !== 'orphan'),
      'its cluster goes',
    )
  })

  it('G11: fails when its runner is deleted, and its cluster goes', async () => {
    await runJob('lost', 'import time; time.sleep(600)')
    await jobIs('lost', 'Running')
    await kubectl('delete', 'pod', 'lost-runner', '--grace-period=1')
    await jobIs('lost', 'Failed')
    await onOurs(async () => expect((await jobOf('lost')).status?.reason).toBe('RunnerLost'))
    await until(
      async () => (await client.list(DASK_CLUSTERS, {namespace})).items.every(({metadata}) => metadata.name !== 'lost'),
      'its cluster goes',
    )
  })

  it('G12: runs again at once under the name of one that has just been deleted', async () => {
    await runJob('again', 'import time; time.sleep(600)')
    await jobIs('again', 'Running')
    await kubectl('delete', 'daskjob', 'again')
    const {metadata} = await runJob('again', 'print("second")')
    await jobIs('again', 'Successful')
    const runner: Pod = await client.get(PODS, {namespace, name: 'again-runner'})
    expect(runner.metadata.ownerReferences?.[0]?.uid).toBe(metadata.uid)
    expect(await kubectl('logs', 'again-runner')).toBe('second\n')
  })

  it('G13: whose name is too long for a cluster fails at once, and nothing is made', async () => {
    const name = 'j'.repeat(54)
    await runJob(name, 'print("never")')
    await jobIs(name, 'Failed')
    const told = {reason: 'InvalidName', message: expect.stringContaining('under 53 characters')}
    await onOurs(async () => expect((await jobOf(name)).status).toMatchObject(told))
    expect((await client.list(PODS, {namespace})).items.filter((pod) => pod.metadata.name.startsWith(name))).toEqual([])
  })

  it('G11: whose program ends at once still has a start and an end', async () => {
    await runJob('quick', 'pass')
    await jobIs('quick', 'Successful')
    const {status} = await jobOf('quick')
    expect([status?.startTime, status?.endTime].every((time) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time ?? ''))).toBe(true)
    expect((await pods('dask.org/component=job-runner')).filter(isReady)).toEqual([])
  })
})
