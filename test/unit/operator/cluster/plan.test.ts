import {describe, expect, it} from 'vitest'
import type {Pod, PodStatus} from '../../../../src/api/core.ts'
import {DASK_WORKER_GROUPS, type DaskCluster, type DaskClusterStatus} from '../../../../src/api/dask.ts'
import {workerPartOf} from '../../../../src/api/handed-down.ts'
import {templatesOf} from '../../../../src/api/history.ts'
import {revisionOf} from '../../../../src/api/revision.ts'
import {planCluster} from '../../../../src/operator/cluster/plan.ts'
import {failedStatus} from '../../../../src/operator/cluster/status.ts'
import type {ClusterWorld} from '../../../../src/operator/cluster/world.ts'
import type {Create, Patch} from '../../../../src/operator/engine/contract.ts'
import {stagesWithout} from '../../../../src/operator/engine/execute.ts'
import {
  ago,
  at,
  endedWith,
  makeCluster,
  makeGroup,
  makePod,
  makeService,
  NO_ACCESSORIES,
  NOW,
  ownedBy,
  PENDING,
  RUNNING,
  STARTING,
  told,
  UNSCHEDULABLE,
} from '../objects.ts'

const NOTHING: ClusterWorld = {
  scheduler: undefined,
  service: undefined,
  accessories: NO_ACCESSORIES,
  defaultGroup: undefined,
  groups: [],
}

const whole = (
  cluster: DaskCluster,
  {scheduler = RUNNING, workers = [RUNNING, RUNNING, RUNNING] as readonly Pod['status'][]} = {},
): ClusterWorld => {
  const group = makeGroup(cluster.spec.worker.replicas)
  return {
    scheduler: makePod('demo-scheduler', cluster, scheduler),
    service: makeService(cluster),
    accessories: NO_ACCESSORIES,
    defaultGroup: group,
    groups: [{group, pods: workers.map((status, index) => makePod(`demo-default-worker-${index}`, group, status))}],
  }
}

const conditions = (status: DaskClusterStatus | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries((status?.conditions ?? []).map(({type, status: is, reason}) => [type, `${is} ${reason}`]))
const message = (status: DaskClusterStatus | undefined, type: string): string | undefined =>
  status?.conditions?.find((condition) => condition.type === type)?.message

/** What a default group carries when it has been told all of its cluster's worker part. */
const handedDown = (replicas: number): Readonly<Record<string, string>> => ({
  'kubernetes.dask.org/handed-down-replicas': String(replicas),
  'kubernetes.dask.org/handed-down-worker': revisionOf(workerPartOf(makeCluster())),
  'kubernetes.dask.org/handed-down-from': 'cluster-1/1',
  'kubernetes.dask.org/templates': JSON.stringify({revision: 1, ...templatesOf(makeCluster())}),
})

describe('a new cluster', () => {
  it('gets its scheduler, service and default group in one stage, and is Created first', () => {
    const plan = planCluster(makeCluster(3, {}, {}), NOTHING, NOW)
    expect(told(plan.stages)).toEqual([
      ['create pods/demo-scheduler', 'create services/demo-scheduler', 'create daskworkergroups/demo-default'],
    ])
    expect(plan.status).toMatchObject({
      phase: 'Created',
      observedGeneration: 1,
      replicas: 0,
      schedulerAddress: 'tcp://demo-scheduler.ns.svc:8786',
    })
    expect(conditions(plan.status)).toMatchObject({Ready: 'False Starting', Progressing: 'True Starting', Degraded: 'False AsExpected'})
  })

  it('passes on labels and annotations, the reserved ones above all, without those of tools', () => {
    const cluster = makeCluster(3, {
      labels: {team: 'a', 'dask.org/component': 'mine', 'sidecar.istio.io/inject': 'true'},
      annotations: {
        note: 'x',
        'kubectl.kubernetes.io/last-applied-configuration': '{}',
        'kopf.zalando.org/last-handled-configuration': '{}',
      },
    })
    const made = planCluster(cluster, NOTHING, NOW).stages.flat() as readonly Create[]
    const [pod, service, group] = made.map(({object}) => object.metadata)
    expect(pod?.labels).toEqual({
      team: 'a',
      'dask.org/cluster-name': 'demo',
      'dask.org/component': 'scheduler',
      'sidecar.istio.io/inject': 'true',
    })
    expect(pod?.annotations).toEqual({note: 'x', 'kubernetes.dask.org/revision': expect.any(String)})
    expect(service?.labels).toMatchObject({'dask.org/component': 'scheduler'})
    expect(group?.labels).toMatchObject({'dask.org/cluster-name': 'demo', 'dask.org/component': 'workergroup'})
    expect(group?.annotations).toEqual({note: 'x', ...handedDown(3)})
  })

  it('tells istio to stay away where nobody asked for it, and only in pods', () => {
    const [pod, service] = planCluster(makeCluster(), NOTHING, NOW).stages.flat() as readonly Create[]
    expect(pod?.object.metadata.labels).toMatchObject({'sidecar.istio.io/inject': 'false'})
    expect(service?.object.metadata.labels).not.toHaveProperty('sidecar.istio.io/inject')
  })

  it('stays Created for a moment after its components exist, so that the phase can be seen', () => {
    const young = makeCluster(3, {creationTimestamp: ago(1)}, {phase: 'Created'})
    const plan = planCluster(young, whole(young), NOW)
    expect(plan.status?.phase).toBe('Created')
    expect(plan.wakeAfter).toBe(1000)
    const older = makeCluster(3, {creationTimestamp: ago(2)}, {phase: 'Created'})
    expect(planCluster(older, whole(older), NOW).status?.phase).toBe('Running')
  })

  it('is not held back by a server whose clock is ahead', () => {
    const cluster = makeCluster(3, {creationTimestamp: ago(-90)}, {phase: 'Created'})
    expect(planCluster(cluster, whole(cluster), NOW).status?.phase).toBe('Running')
  })

  it.each(['a'.repeat(54), 'invalid.chars.in.name', 'Demo', '-demo'])(
    'is refused with phase Error under the name %s, and nothing is made',
    (name) => {
      const plan = planCluster(makeCluster(3, {name}, {}), NOTHING, NOW)
      expect(plan.stages).toEqual([])
      expect(plan.status).toMatchObject({phase: 'Error'})
      expect(conditions(plan.status)).toEqual({Ready: 'False InvalidName', Degraded: 'True InvalidName'})
      expect(message(plan.status, 'Ready')).toContain('must also be under 53 characters')
    },
  )
})

describe('the phase', () => {
  it('is Pending while the load balancer has no address', () => {
    const cluster = makeCluster()
    const service = makeService(cluster, {type: 'LoadBalancer', ports: []})
    expect(planCluster(cluster, {...whole(cluster), service}, NOW).status?.phase).toBe('Pending')
    const withAddress = {...service, status: {loadBalancer: {ingress: [{ip: '192.0.2.1'}]}}}
    expect(planCluster(cluster, {...whole(cluster), service: withAddress}, NOW).status?.phase).toBe('Running')
  })
  it('is Running though no scheduler process is there, and Ready tells the truth', () => {
    const cluster = makeCluster()
    const {status} = planCluster(cluster, whole(cluster, {scheduler: UNSCHEDULABLE, workers: []}), NOW)
    expect(status?.phase).toBe('Running')
    expect(conditions(status)).toMatchObject({
      Ready: 'False Unschedulable',
      SchedulerReady: 'False Unschedulable',
      Degraded: 'True Unschedulable',
      Progressing: 'False Unschedulable',
    })
    expect(message(status, 'Ready')).toBe('demo-scheduler: 0/1 nodes are available: 1 Insufficient cpu.')
  })
})

describe('a whole cluster', () => {
  it('needs nothing, is ready, and is not looked at again', () => {
    const cluster = makeCluster()
    const plan = planCluster(cluster, whole(cluster), NOW)
    expect(plan.stages).toEqual([])
    expect(plan.wakeAfter).toBeUndefined()
    expect(plan.status).toMatchObject({phase: 'Running', replicas: 3, readyReplicas: 3, dashboardURL: 'http://demo-scheduler.ns.svc:8787'})
    expect(conditions(plan.status)).toEqual({
      SchedulerReady: 'True Ready',
      WorkersReady: 'True Ready',
      Progressing: 'False Settled',
      Degraded: 'False AsExpected',
      Ready: 'True Ready',
      Suspended: 'False NotSuspended',
    })
  })

  it.each<[string, Partial<ClusterWorld>, string]>([
    ['service', {service: undefined}, 'create services/demo-scheduler'],
    ['scheduler pod', {scheduler: undefined}, 'create pods/demo-scheduler'],
    ['default group', {defaultGroup: undefined, groups: []}, 'create daskworkergroups/demo-default'],
  ])('gets a deleted %s again', (_, lost, made) => {
    const cluster = makeCluster()
    expect(told(planCluster(cluster, {...whole(cluster), ...lost}, NOW).stages)).toEqual([[made]])
  })

  it('waits for a scheduler pod that is being deleted', () => {
    const cluster = makeCluster()
    const scheduler = makePod('demo-scheduler', cluster, RUNNING, {deletionTimestamp: ago(1)})
    const plan = planCluster(cluster, {...whole(cluster), scheduler}, NOW)
    expect(plan.stages).toEqual([])
    expect(conditions(plan.status)).toMatchObject({SchedulerReady: 'False SchedulerLeaves', Ready: 'False SchedulerLeaves'})
  })

  it.each(['Failed', 'Succeeded'] as const)('replaces a scheduler pod that has %s at once the first time', (phase) => {
    const cluster = makeCluster()
    const plan = planCluster(cluster, whole(cluster, {scheduler: endedWith(phase === 'Failed' ? 1 : 0)}), NOW)
    expect(told(plan.stages)).toEqual([['delete pods/demo-scheduler'], ['create pods/demo-scheduler']])
    expect(at<Create>(plan.stages, 1, 0).object.metadata.annotations).toMatchObject({'kubernetes.dask.org/failures': '1'})
  })

  it('replaces a scheduler that keeps failing after a pause', () => {
    const cluster = makeCluster()
    const scheduler = makePod('demo-scheduler', cluster, endedWith(1, 5), {annotations: {'kubernetes.dask.org/failures': '2'}})
    const plan = planCluster(cluster, {...whole(cluster), scheduler}, NOW)
    expect(plan.stages).toEqual([])
    expect(plan.wakeAfter).toBe(15_000)
  })

  it('says SchedulerLost from the loss of a ready scheduler until the next is ready', () => {
    const ready = {type: 'SchedulerReady', status: 'True', reason: 'Ready', message: '', lastTransitionTime: ago(9)} as const
    const cluster = makeCluster(3, {}, {phase: 'Running', conditions: [ready]})
    const first = planCluster(cluster, {...whole(cluster), scheduler: undefined}, NOW).status
    expect(conditions(first)).toMatchObject({
      SchedulerReady: 'False SchedulerLost',
      WorkersReady: 'False SchedulerLost',
      Ready: 'False SchedulerLost',
    })
    const later = makeCluster(3, {}, first)
    expect(conditions(planCluster(later, whole(later, {scheduler: STARTING}), NOW).status).Ready).toBe('False SchedulerLost')
    expect(conditions(planCluster(later, whole(later), NOW).status).Ready).toBe('True Ready')
  })

  it('tells a scheduler that runs and does not answer its probe from one that is lost', () => {
    const begun = (startedAt: string): PodStatus => ({
      phase: 'Running',
      conditions: [{type: 'Ready', status: 'False'}],
      containerStatuses: [{name: 'scheduler', image: '', imageID: '', ready: false, restartCount: 0, state: {running: {startedAt}}}],
    })
    const ready = {type: 'SchedulerReady', status: 'True', reason: 'Ready', message: '', lastTransitionTime: ago(60_000)} as const
    const told = (cluster: DaskCluster, startedAt: string) =>
      planCluster(cluster, whole(cluster, {scheduler: begun(startedAt)}), NOW).status
    const first = told(makeCluster(3, {}, {phase: 'Running', conditions: [ready]}), ago(90_000))
    expect(conditions(first)).toMatchObject({SchedulerReady: 'False SchedulerNotResponding', WorkersReady: 'True Ready'})
    const later = makeCluster(3, {}, first)
    expect(conditions(told(later, ago(90_000))).Ready).toBe('False SchedulerNotResponding')
    expect(conditions(told(later, ago(-5_000))).Ready).toBe('False SchedulerLost')
  })

  it('tells why workers are missing in the words of the cause', () => {
    const cluster = makeCluster()
    const {status} = planCluster(cluster, whole(cluster, {workers: [RUNNING, PENDING, UNSCHEDULABLE]}), NOW)
    expect(conditions(status)).toMatchObject({
      SchedulerReady: 'True Ready',
      WorkersReady: 'False Unschedulable',
      Ready: 'False Unschedulable',
    })
    expect(message(status, 'Ready')).toBe('1 of 3 workers are ready; demo-default-worker-2: 0/1 nodes are available: 1 Insufficient cpu.')
  })
})

describe('the number of workers', () => {
  it('is handed down when the cluster has changed it', () => {
    const cluster = makeCluster(5)
    const group = makeGroup(2, {annotations: handedDown(3)})
    const {'kubernetes.dask.org/templates': _, ...told} = handedDown(3)
    const plan = planCluster(cluster, {...whole(cluster), defaultGroup: group, groups: [{group, pods: []}]}, NOW)
    expect(at<Patch>(plan.stages, 0, 0).patch).toEqual({
      metadata: {annotations: {...told, 'kubernetes.dask.org/handed-down-replicas': '5'}},
      spec: {worker: {replicas: 5}},
    })
    expect(message(plan.status, 'WorkersReady')).toBe('0 of 5 workers are ready')
  })
  it('is written down with the generation that it comes from, which an older look at the cluster does not take back', () => {
    const handDown = (generation: number, group = makeGroup(3, {annotations: handedDown(3)})) => {
      const cluster = makeCluster(generation + 1, {generation})
      return planCluster(cluster, {...whole(cluster), defaultGroup: group, groups: [{group, pods: []}]}, NOW)
    }
    const {metadata} = at<Patch>(handDown(4).stages, 0, 0).patch as {metadata: {annotations: Record<string, string>}}
    expect(metadata.annotations).toMatchObject({'kubernetes.dask.org/handed-down-from': 'cluster-1/4'})
    const group = makeGroup(5, {annotations: {...handedDown(5), ...metadata.annotations}})
    expect(handDown(3, group).stages).toEqual([])
    expect(at<Patch>(handDown(5, group).stages, 0, 0).patch).toMatchObject({spec: {worker: {replicas: 6}}})
    const restored = {
      ...group,
      metadata: {...group.metadata, annotations: {...group.metadata.annotations, 'kubernetes.dask.org/handed-down-from': 'cluster-0/9'}},
    }
    expect(handDown(5, restored).stages).not.toEqual([])
    const fresh = planCluster(makeCluster(3, {generation: 4}), NOTHING, NOW)
      .stages.flat()
      .find((action) => 'object' in action && action.kind === DASK_WORKER_GROUPS)
    expect((fresh as Create).object.metadata.annotations).toMatchObject({'kubernetes.dask.org/handed-down-from': 'cluster-1/4'})
  })
  it('is left alone when only the group was scaled', () => {
    const cluster = makeCluster(3)
    const group = makeGroup(7, {annotations: handedDown(3)})
    expect(planCluster(cluster, {...whole(cluster), defaultGroup: group, groups: [{group, pods: []}]}, NOW).stages).toEqual([])
  })
  it('is only noted on a group that was taken over', () => {
    const cluster = makeCluster(3)
    const group = makeGroup(7, {annotations: {}})
    const plan = planCluster(cluster, {...whole(cluster), defaultGroup: group, groups: [{group, pods: []}]}, NOW)
    expect(at<Patch>(plan.stages, 0, 0).patch).toEqual({metadata: {annotations: handedDown(3)}})
  })
})

describe('groups that name the cluster', () => {
  it('are adopted, with their other references kept', () => {
    const cluster = makeCluster()
    const other = {apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'x'}
    const highmem = makeGroup(1, {name: 'highmem', ownerReferences: [other]})
    const world = whole(cluster)
    const plan = planCluster(cluster, {...world, groups: [...world.groups, {group: highmem, pods: []}]}, NOW)
    expect(told(plan.stages)).toEqual([['patch daskworkergroups/highmem']])
    expect(at<Patch>(plan.stages, 0, 0).patch).toEqual({metadata: {ownerReferences: [other, ownedBy(cluster)]}})
    expect(at<Patch>(plan.stages, 0, 0).resourceVersion).toBe('7')
  })
  it('are left to the controller that they have', () => {
    const cluster = makeCluster()
    const foreign = makeGroup(1, {name: 'highmem'}, makeCluster(1, {uid: 'cluster-0'}))
    const world = whole(cluster)
    expect(planCluster(cluster, {...world, groups: [...world.groups, {group: foreign, pods: []}]}, NOW).stages).toEqual([])
  })
})

describe('a cluster made again under the same name', () => {
  const old = makeCluster(3, {uid: 'cluster-0'})
  it('makes nothing while the old scheduler pod is there, and never adopts it', () => {
    const cluster = makeCluster(3, {}, {})
    const plan = planCluster(cluster, {...NOTHING, scheduler: makePod('demo-scheduler', old, RUNNING, {deletionTimestamp: ago(3)})}, NOW)
    expect(plan.stages).toEqual([])
    expect(plan.status?.phase).toBe('Created')
    expect(conditions(plan.status)).toMatchObject({Ready: 'False PredecessorLeaves', Degraded: 'False PredecessorLeaves'})
  })
  it('says whose the name is when it is not a predecessor’s', () => {
    const cluster = makeCluster()
    const service = {...makeService(cluster), metadata: {name: 'demo-scheduler', namespace: 'ns', uid: 'x'}}
    const plan = planCluster(cluster, {...NOTHING, service}, NOW)
    expect(plan.stages).toEqual([])
    expect(conditions(plan.status)).toMatchObject({Degraded: 'True NameTaken'})
    expect(message(plan.status, 'Ready')).toBe(
      'Service "demo-scheduler" exists and belongs to nobody; delete it, or choose another name for the cluster',
    )
  })
})

describe('a cluster of the Python operator', () => {
  it('whose Deployments have not been taken over gets nothing beside them, and says what to do', () => {
    const cluster = makeCluster()
    const former = makePod('demo-scheduler-5bbf4f4d7d-crrdj', cluster)
    const plan = planCluster(cluster, {...NOTHING, former}, NOW)
    expect(plan.stages).toEqual([])
    expect(conditions(plan.status)).toMatchObject({Ready: 'False OfPythonOperator', Degraded: 'True OfPythonOperator'})
    expect(message(plan.status, 'Ready')).toContain('operator install --take-over')
  })
  it('that was taken over keeps its scheduler under the name that it had', () => {
    const cluster = makeCluster()
    const given = whole(cluster)
    const scheduler = makePod('demo-scheduler-5bbf4f4d7d-crrdj', cluster)
    expect(told(planCluster(cluster, {...given, scheduler}, NOW).stages)).toEqual(told(planCluster(cluster, given, NOW).stages))
  })
})

describe('a refusal by the API server', () => {
  it('is told in its own words', () => {
    const cluster = makeCluster()
    const {status} = planCluster(cluster, NOTHING, NOW)
    const refused = failedStatus(
      status ?? {},
      {reason: 'Invalid', message: 'Pod "demo-scheduler" is invalid: spec.containers', terminal: true},
      NOW,
    )
    expect(conditions(refused)).toMatchObject({Ready: 'False Invalid', Degraded: 'True Invalid'})
    expect(message(refused, 'Ready')).toBe('Pod "demo-scheduler" is invalid: spec.containers')
  })

  const made = makeCluster()
  const scheduler = {...made.spec.scheduler, service: {...made.spec.scheduler.service, clusterIP: '10.1.2.3'}}
  /** The address of a service may not change. */
  const refused: DaskCluster = {...made, spec: {...made.spec, idleTimeout: 60, scheduler}}
  it.each<[string, Partial<ClusterWorld>, string]>([
    ['a lost scheduler from being made again', {scheduler: undefined}, 'create pods/demo-scheduler'],
    ['the default group from being made', {defaultGroup: undefined, groups: []}, 'create daskworkergroups/demo-default'],
    ['an idle cluster from going', {idle: {since: NOW - 3600_000, forMs: 3600_000, ageMs: 0}}, 'delete daskclusters/demo'],
  ])('of an edit of the service does not keep %s', (_, changes, action) => {
    const {stages} = planCluster(refused, {...whole(refused), ...changes}, NOW)
    expect(told(stages).flat()).toContain('patch services/demo-scheduler')
    const patch = stages.flat().filter((each) => each.do === 'patch' && each.kind.plural === 'services')
    const rest = told(stagesWithout(stages, patch)).flat()
    expect(rest).toContain(action)
    expect(rest).not.toContain('patch services/demo-scheduler')
  })
})
