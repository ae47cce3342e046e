import {describe, expect, it} from 'vitest'
import type {Pod, PodStatus} from '../../../../src/api/core.ts'
import type {DaskWorkerGroupStatus} from '../../../../src/api/dask.ts'
import type {Create, Delete, Patch} from '../../../../src/operator/engine/contract.ts'
import {planGroup} from '../../../../src/operator/workergroup/plan.ts'
import type {GroupWorld, Retire, Retirement, SchedulerView} from '../../../../src/operator/workergroup/world.ts'
import {
  ago,
  at,
  endedWith,
  makeCluster,
  makeGroup,
  makePod,
  NOW,
  ownedBy,
  PENDING,
  RUNNING,
  runningSince,
  STARTING,
  told,
  UNSCHEDULABLE,
} from '../objects.ts'

const cluster = makeCluster()
const ids = Array.from({length: 20}, (_, index) => `${index}`.padStart(10, '0'))
const RETIRING = 'kubernetes.dask.org/retiring'

const world = (pods: readonly Pod[], more: Partial<GroupWorld> = {}): GroupWorld => ({
  cluster,
  scheduler: makePod('demo-scheduler', cluster, runningSince(100)),
  pods,
  ids,
  view: {is: 'unasked'},
  retirements: new Map(),
  isGoingToZero: false,
  former: [],
  ...more,
})

const group = (replicas: number) => makeGroup(replicas)
const worker = (name: string, status: PodStatus = RUNNING, annotations: Readonly<Record<string, string>> = {}): Pod =>
  makePod(name, makeGroup(), status, {annotations})
const marked = (name: string, status: PodStatus = RUNNING): Pod => worker(name, status, {[RETIRING]: ago(9)})

/** The scheduler's answer: who is connected, and who goes first. */
const answered = (connected: readonly string[], order: readonly string[] = connected): SchedulerView => ({
  is: 'answered',
  connected: new Map(connected.map((name) => [name, [{address: `tcp://${name}:1`, status: 'running'}]])),
  order: order.map((name) => ({name, reason: `${name} is idle`})),
})

const conditions = (status: DaskWorkerGroupStatus | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries((status?.conditions ?? []).map(({type, status: is, reason}) => [type, `${is} ${reason}`]))

describe('a new group', () => {
  it('gets all its pods in one stage, each under a name of its own', () => {
    const plan = planGroup(group(3), world([]), NOW)
    expect(told(plan.stages)).toEqual([ids.slice(0, 3).map((id) => `create pods/demo-default-worker-${id}`)])
    expect(plan.status).toMatchObject({replicas: 0, readyReplicas: 0, retiringReplicas: 0, observedGeneration: 1})
    expect(plan.status?.selector).toBe('dask.org/cluster-name=demo,dask.org/workergroup-name=demo-default,dask.org/component=worker')
    expect(conditions(plan.status)).toMatchObject({
      Ready: 'False Starting',
      Progressing: 'True Starting',
      RetirementBlocked: 'False NotBlocked',
    })
  })

  it('tells each worker its name and its scheduler, after what the user has set', () => {
    const own = makeGroup(1)
    const spec = {
      initContainers: [{name: 'fetch'}],
      containers: [
        {
          name: 'worker',
          env: [
            {name: 'DASK_WORKER_NAME', value: 'test-worker'},
            {name: 'A', value: 'b'},
          ],
        },
        {name: 'sidecar'},
      ],
    }
    const pod = at<Create>(planGroup({...own, spec: {...own.spec, worker: {replicas: 1, spec}}}, world([]), NOW).stages, 0, 0).object as Pod
    const address = {name: 'DASK_SCHEDULER_ADDRESS', value: 'tcp://demo-scheduler.ns.svc:8786'}
    expect(pod.spec.containers.map(({env}) => env)).toEqual([
      [{name: 'DASK_WORKER_NAME', value: 'test-worker'}, {name: 'A', value: 'b'}, address],
      [{name: 'DASK_WORKER_NAME', value: pod.metadata.name}, address],
    ])
    expect(pod.spec.initContainers?.map(({env}) => env)).toEqual([undefined])
  })

  it('finds the scheduler under the port that the service has', () => {
    const scheduler = {...cluster.spec.scheduler, service: {ports: [{name: 'tcp-comm', port: 9000}]}}
    const other = {...cluster, spec: {...cluster.spec, scheduler}}
    const pod = at<Create>(planGroup(group(1), world([], {cluster: other}), NOW).stages, 0, 0).object as Pod
    expect(pod.spec.containers[0]?.env).toContainEqual({name: 'DASK_SCHEDULER_ADDRESS', value: 'tcp://demo-scheduler.ns.svc:9000'})
  })

  it('saves results before its pods stop, unless the user has a hook', () => {
    const pod = at<Create>(planGroup(group(1), world([]), NOW).stages, 0, 0).object as Pod
    expect(pod.spec.containers[0]?.lifecycle?.preStop?.exec?.command.length).toBeGreaterThan(0)
    const own = makeGroup(1)
    const lifecycle = {preStop: {sleep: {seconds: 3}}}
    const spec = {containers: [{name: 'worker', lifecycle}]}
    const kept = at<Create>(planGroup({...own, spec: {...own.spec, worker: {replicas: 1, spec}}}, world([]), NOW).stages, 0, 0)
      .object as Pod
    expect(kept.spec.containers[0]?.lifecycle).toEqual(lifecycle)
  })

  it('carries the labels of its cluster, its own and its workers’, the reserved ones above all', () => {
    const labelled = makeCluster(3, {labels: {from: 'cluster', team: 'cluster', 'sidecar.istio.io/inject': 'true'}})
    const own = makeGroup(1, {
      labels: {team: 'group', 'dask.org/component': 'workergroup'},
      annotations: {note: 'x', 'kubernetes.dask.org/handed-down-replicas': '1'},
    })
    const part = {...own.spec.worker, metadata: {labels: {tier: 'worker', 'dask.org/workergroup-name': 'mine'}}}
    const {labels, annotations} = at<Create>(
      planGroup({...own, spec: {...own.spec, worker: part}}, world([], {cluster: labelled}), NOW).stages,
      0,
      0,
    ).object.metadata
    expect(labels).toEqual({
      from: 'cluster',
      team: 'group',
      tier: 'worker',
      'dask.org/cluster-name': 'demo',
      'dask.org/workergroup-name': 'demo-default',
      'dask.org/component': 'worker',
      'sidecar.istio.io/inject': 'true',
    })
    expect(annotations).toEqual({
      note: 'x',
      'kubernetes.dask.org/revision': expect.any(String),
      'kubernetes.dask.org/part-metadata': '{"labels":{"dask.org/workergroup-name":"mine","tier":"worker"},"annotations":{}}',
    })
  })

  it.each<[string, ReturnType<typeof makeGroup>, Partial<GroupWorld>, string]>([
    ['there is no cluster', makeGroup(3, {ownerReferences: []}), {cluster: undefined}, 'ClusterMissing'],
    ['its cluster has not taken it in', makeGroup(3, {ownerReferences: []}), {}, 'WaitingForCluster'],
    [
      'it belongs to an earlier cluster of that name',
      makeGroup(3, {ownerReferences: [ownedBy(makeCluster(3, {uid: 'cluster-0'}))]}),
      {},
      'OwnedByOther',
    ],
    ['its cluster is being deleted', makeGroup(3), {cluster: makeCluster(3, {deletionTimestamp: ago(1)})}, 'WaitingForCluster'],
  ])('waits without polling while %s', (_, waiting, more, reason) => {
    const plan = planGroup(waiting, world([], more), NOW)
    expect(plan.stages).toEqual([])
    expect(plan.wakeAfter).toBeUndefined()
    expect(conditions(plan.status)).toMatchObject({Ready: `False ${reason}`})
  })
})

describe('a group whose cluster is about to hand another number down', () => {
  const was = (replicas: number) => makeGroup(replicas, {}, makeCluster(replicas))

  it('gets no worker that would have to leave again', () => {
    expect(planGroup(was(3), world([], {cluster: makeCluster(0)}), NOW).stages).toEqual([])
    expect(told(planGroup(was(3), world([], {cluster: makeCluster(1)}), NOW).stages)).toEqual([
      [`create pods/demo-default-worker-${ids[0]}`],
    ])
  })

  it('gets no more than its own before it has the higher number', () => {
    expect(planGroup(was(1), world([worker('a')], {cluster: makeCluster(3)}), NOW).stages).toEqual([])
  })

  it('follows its own number where that was changed since', () => {
    const scaled = makeGroup(2, {}, makeCluster(0))
    expect(told(planGroup(scaled, world([worker('a')], {cluster: makeCluster(0)}), NOW).stages)).toEqual([
      [`create pods/demo-default-worker-${ids[0]}`],
    ])
  })
})

describe('a whole group', () => {
  it('needs nothing, is ready, and is not looked at again', () => {
    const plan = planGroup(group(2), world([worker('a'), worker('b')]), NOW)
    expect(plan).toMatchObject({stages: [], status: {replicas: 2, readyReplicas: 2}})
    expect(plan.wakeAfter).toBeUndefined()
    expect(conditions(plan.status)).toEqual({
      Ready: 'True Ready',
      Progressing: 'False Settled',
      Degraded: 'False AsExpected',
      RetirementBlocked: 'False NotBlocked',
    })
  })
  it('gets what is missing, and pods that are being deleted are missing', () => {
    const leaving = makePod('b', makeGroup(), RUNNING, {deletionTimestamp: ago(1)})
    expect(told(planGroup(group(3), world([worker('a'), leaving]), NOW).stages)).toEqual([
      [`create pods/demo-default-worker-${ids[0]}`, `create pods/demo-default-worker-${ids[1]}`],
    ])
  })
  it('gets none for one that leaves a pod group of Kueue before it has failed or gone', () => {
    const leaving = (status: PodStatus, nodeName?: string): Pod => {
      const pod = makePod('b', makeGroup(), status, {deletionTimestamp: ago(1), labels: {'kueue.x-k8s.io/pod-group-name': 'g'}})
      return {...pod, spec: {...pod.spec, ...(nodeName !== undefined && {nodeName})}}
    }
    const made = (pod: Pod): readonly unknown[] => planGroup(group(2), world([worker('a'), pod]), NOW).stages
    expect(made(leaving(RUNNING, 'node'))).toEqual([])
    expect(made(leaving(endedWith(0), 'node'))).toEqual([])
    expect(made(leaving(endedWith(1), 'node'))).toHaveLength(1)
    expect(made(leaving(PENDING))).toHaveLength(1)
    const {status} = planGroup(group(2), world([worker('a'), leaving(endedWith(0), 'node')]), NOW)
    expect(conditions(status)).toMatchObject({Ready: 'False HeldByPodGroup', Degraded: 'True HeldByPodGroup'})
  })
  it('tells why a worker is missing in the words of the cause', () => {
    const {status} = planGroup(group(2), world([worker('a'), worker('b', UNSCHEDULABLE)]), NOW)
    expect(conditions(status)).toMatchObject({
      Ready: 'False Unschedulable',
      Progressing: 'False Unschedulable',
      Degraded: 'True Unschedulable',
    })
    expect(status?.conditions?.[0]?.message).toBe('1 of 2 workers are ready; b: 0/1 nodes are available: 1 Insufficient cpu.')
  })
})

describe('a pod that has ended', () => {
  it('is replaced at once the first time, and its successor knows of it', () => {
    const plan = planGroup(group(2), world([worker('a'), worker('b', endedWith(1))]), NOW)
    expect(told(plan.stages)).toEqual([[`create pods/demo-default-worker-${ids[0]}`], ['delete pods/b']])
    expect(at<Create>(plan.stages, 0, 0).object.metadata.annotations).toMatchObject({'kubernetes.dask.org/failures': '1'})
  })
  it.each([
    [1, 10],
    [2, 20],
    [3, 40],
    [9, 300],
  ])('after %i failures before it is replaced %i s after its end, and holds its place till then', (failures, seconds) => {
    const failing = worker('b', endedWith(1, 4), {'kubernetes.dask.org/failures': String(failures)})
    const early = planGroup(group(2), world([worker('a'), failing]), NOW)
    expect(early.stages).toEqual([])
    expect(early.wakeAfter).toBe((seconds - 4) * 1000)
    expect(conditions(early.status)).toMatchObject({Ready: 'False Error', Degraded: 'True Error'})
    const due = planGroup(group(2), world([worker('a'), failing]), NOW + (seconds - 4) * 1000)
    expect(at<Create>(due.stages, 0, 0).object.metadata.annotations).toMatchObject({'kubernetes.dask.org/failures': String(failures + 1)})
  })
  it('is forgiven its predecessors when it has run for long', () => {
    const status = {...endedWith(1, 4), startTime: ago(700)}
    const plan = planGroup(group(1), world([worker('b', status, {'kubernetes.dask.org/failures': '5'})]), NOW)
    expect(at<Create>(plan.stages, 0, 0).object.metadata.annotations).toMatchObject({'kubernetes.dask.org/failures': '1'})
  })
  it('is only taken away where nobody misses it', () => {
    expect(told(planGroup(group(1), world([worker('a'), worker('b', endedWith(1))]), NOW).stages)).toEqual([['delete pods/b']])
  })
  it('waits, when it ended in peace, until a scheduler is ready', () => {
    const pods = [worker('a', endedWith(0)), worker('b', endedWith(0))]
    for (const scheduler of [undefined, makePod('demo-scheduler', cluster, STARTING)]) {
      const plan = planGroup(group(2), world(pods, {scheduler}), NOW)
      expect(plan.stages).toEqual([])
      expect(plan.wakeAfter).toBeUndefined()
      expect(conditions(plan.status)).toMatchObject({Ready: 'False SchedulerLost', Progressing: 'False SchedulerLost'})
    }
  })
  it('is replaced without a pause when it lost its scheduler, however often that happens', () => {
    const lost = worker('a', endedWith(0), {'kubernetes.dask.org/failures': '4'})
    const plan = planGroup(group(1), world([lost], {scheduler: makePod('demo-scheduler', cluster, runningSince(3))}), NOW)
    expect(told(plan.stages)).toEqual([[`create pods/demo-default-worker-${ids[0]}`], ['delete pods/a']])
    expect(at<Create>(plan.stages, 0, 0).object.metadata.annotations ?? {}).not.toHaveProperty('kubernetes.dask.org/failures')
  })
  it('is replaced with a pause when it ends in peace again and again under the same scheduler', () => {
    const plan = planGroup(group(1), world([worker('a', endedWith(0, 4), {'kubernetes.dask.org/failures': '1'})]), NOW)
    expect(plan.stages).toEqual([])
    expect(plan.wakeAfter).toBe(6000)
  })
})

describe('a group that is to shrink', () => {
  const pods = [worker('a'), worker('b'), worker('c')]

  it('marks the workers that the scheduler can spare best, and does nothing else yet', () => {
    const plan = planGroup(group(1), world(pods, {view: answered(['a', 'b', 'c'], ['c', 'a', 'b'])}), NOW)
    expect(told(plan.stages)).toEqual([['patch pods/c', 'patch pods/a']])
    expect(at<Patch>(plan.stages, 0, 0)).toMatchObject({uid: 'uid-c', patch: {metadata: {annotations: {[RETIRING]: ago(0)}}}})
  })

  it('deletes pods without a connected worker at once, before any that has one', () => {
    const all = [...pods, worker('d', PENDING)]
    const plan = planGroup(group(1), world(all, {view: answered(['a', 'b'], ['d', 'c', 'b', 'a'])}), NOW)
    expect(told(plan.stages)).toEqual([['delete pods/d', 'delete pods/c'], ['patch pods/b']])
    expect(at<Delete>(plan.stages, 0, 0)).toMatchObject({uid: 'uid-d', resourceVersion: '5', why: 'd is idle'})
    expect(at<Delete>(plan.stages, 0, 1)).not.toHaveProperty('resourceVersion')
  })

  it('removes nothing that may hold work while the scheduler does not answer, and says so', () => {
    const view: SchedulerView = {is: 'unreachable', message: 'connect ECONNREFUSED'}
    const plan = planGroup(group(1), world([...pods, worker('d', PENDING)], {view}), NOW)
    expect(told(plan.stages)).toEqual([['delete pods/d']])
    expect(conditions(plan.status)).toMatchObject({
      RetirementBlocked: 'True SchedulerUnreachable',
      Progressing: 'False SchedulerUnreachable',
    })
    expect(plan.wakeAfter).toBe(2000)
  })

  it('asks an unreachable scheduler less often the longer it stays so', () => {
    const view: SchedulerView = {is: 'unreachable', message: 'connect ECONNREFUSED'}
    const since = (seconds: number) =>
      ({type: 'RetirementBlocked', status: 'True', reason: 'SchedulerUnreachable', message: '', lastTransitionTime: ago(seconds)}) as const
    const wake = (seconds: number) => planGroup({...group(1), status: {conditions: [since(seconds)]}}, world(pods, {view}), NOW).wakeAfter
    expect([wake(1), wake(10), wake(1000)]).toEqual([2000, 10_000, 60_000])
  })

  it('lets pods go directly when there is no scheduler that they could hold work of', () => {
    const all = [...pods, worker('d', PENDING)]
    const plan = planGroup(group(1), world(all, {scheduler: undefined, view: {is: 'absent'}}), NOW)
    expect(told(plan.stages)).toEqual([['delete pods/d', 'delete pods/a', 'delete pods/b']])
  })
})

describe('a marked pod', () => {
  const one = [worker('a'), marked('b')]
  const view = answered(['a', 'b'])

  it('has its worker retired, and no other one', () => {
    const plan = planGroup(group(1), world(one, {view}), NOW)
    expect(at<Retire>(plan.stages, 0, 0)).toEqual({
      do: 'retire',
      cluster: {name: 'demo', namespace: 'ns'},
      pods: [{name: 'b', uid: 'uid-b', addresses: ['tcp://b:1']}],
      zero: false,
      policy: {timeoutMs: 3_600_000, afterTimeout: 'keep', afterRefusal: 'keep'},
    })
    expect(plan.status).toMatchObject({replicas: 2, readyReplicas: 1, retiringReplicas: 1})
    expect(conditions(plan.status)).toMatchObject({Ready: 'True Ready', Progressing: 'True Retiring'})
  })
  it('is retired whatever else fails: a pod that cannot be made may wait for its room', () => {
    expect(told(planGroup(group(2), world(one, {view}), NOW).stages)).toEqual([['retire'], [`create pods/demo-default-worker-${ids[0]}`]])
  })
  it('is retired once more when another worker has come into the place of the one that had', () => {
    expect(told(planGroup(group(1), world(one, {view, retirements: new Map([['uid-b', {is: 'retired'}]])}), NOW).stages)).toEqual([
      ['retire'],
    ])
  })
  it('is left alone while that is under way', () => {
    const plan = planGroup(group(1), world(one, {view, retirements: new Map([['uid-b', {is: 'underWay'}]])}), NOW)
    expect(plan.stages).toEqual([])
    expect(plan.wakeAfter).toBeUndefined()
  })
  it.each<[string, Partial<GroupWorld>]>([
    ['its worker has retired', {view: {is: 'unreachable', message: ''}, retirements: new Map([['uid-b', {is: 'retired'}]])}],
    ['its worker has left the scheduler', {view: answered(['a'])}],
    ['the scheduler is gone', {view: {is: 'absent'}}],
  ])('is deleted at once when %s', (_, more) => {
    const plan = planGroup(group(1), world(one, more), NOW)
    expect(told(plan.stages)).toEqual([['delete pods/b']])
    expect(at<Delete>(plan.stages, 0, 0).uid).toBe('uid-b')
  })
  it('is deleted when it has ended', () => {
    expect(told(planGroup(group(1), world([worker('a'), marked('b', endedWith(0))], {view: answered(['a'])}), NOW).stages)).toEqual([
      ['delete pods/b'],
    ])
  })
  it('stays while its worker may hold work and the scheduler does not answer', () => {
    const plan = planGroup(group(1), world(one, {view: {is: 'unreachable', message: 'timed out'}}), NOW)
    expect(plan.stages).toEqual([])
    expect(plan.wakeAfter).toBe(2000)
    expect(conditions(plan.status)).toMatchObject({RetirementBlocked: 'True SchedulerUnreachable'})
  })
  it('whose worker had to be let back in is told, and asked again after a while', () => {
    const kept = new Map([['uid-b', {is: 'kept', reason: 'UniqueDataHasNoPlace', message: 'it holds results', at: NOW - 4000} as const]])
    const plan = planGroup(group(1), world(one, {view, retirements: kept}), NOW)
    expect(plan.stages).toEqual([])
    expect(plan.wakeAfter).toBe(6000)
    expect(conditions(plan.status)).toMatchObject({RetirementBlocked: 'True UniqueDataHasNoPlace'})
    expect(told(planGroup(group(1), world(one, {view, retirements: kept}), NOW + 6000).stages)).toEqual([['retire']])
  })
  it('whose scheduler broke off the conversation is asked again soon, since nothing has to change for it to go', () => {
    const kept = new Map([['uid-b', {is: 'kept', reason: 'SchedulerUnreachable', message: 'cut off', at: NOW - 500} as const]])
    const plan = planGroup(group(1), world(one, {view, retirements: kept}), NOW)
    expect(plan.wakeAfter).toBe(1500)
    expect(told(planGroup(group(1), world(one, {view, retirements: kept}), NOW + 1500).stages)).toEqual([['retire']])
  })
  it('does not count: a group that grows meanwhile gets a new pod', () => {
    const plan = planGroup(group(2), world(one, {view, retirements: new Map([['uid-b', {is: 'underWay'}]])}), NOW)
    expect(told(plan.stages)).toEqual([[`create pods/demo-default-worker-${ids[0]}`]])
  })
  it('is taken back by a group that grows when its worker was let back in', () => {
    const kept = new Map([['uid-b', {is: 'kept', reason: 'UniqueDataHasNoPlace', message: '', at: NOW - 60_000} as const]])
    const plan = planGroup(group(3), world(one, {view, retirements: kept}), NOW)
    expect(told(plan.stages)).toEqual([[`create pods/demo-default-worker-${ids[0]}`, 'patch pods/b']])
    expect(at<Patch>(plan.stages, 0, 1).patch).toEqual({metadata: {annotations: {[RETIRING]: null}}})
  })
  describe('of a suspended cluster', () => {
    const asleep = {...cluster, spec: {...cluster.spec, suspend: true}}
    const planned = (retirement: Retirement, more: Partial<GroupWorld> = {}) =>
      planGroup(group(1), world([marked('b')], {cluster: asleep, view, retirements: new Map([['uid-b', retirement]]), ...more}), NOW)
    const GIVEN_UP: Retirement = {is: 'givenUp', reason: 'UniqueDataHasNoPlace', addresses: ['tcp://b:1']}
    const closing: SchedulerView = {
      is: 'answered',
      connected: new Map([['b', [{address: 'tcp://b:1', status: 'closing_gracefully'}]]]),
      order: [],
    }

    it.each(['UniqueDataHasNoPlace', 'RetirementTimedOut'])(
      'that was let back in before (%s) is asked at once, and not cut off',
      (reason) => {
        const plan = planned({is: 'kept', reason, message: '', at: NOW - 1000})
        expect(told(plan.stages)).toEqual([['retire']])
        expect(at<Retire>(plan.stages, 0, 0).policy).toMatchObject({afterTimeout: 'delete', afterRefusal: 'delete'})
      },
    )
    it('goes with its results once it executes nothing', () => {
      expect(told(planned(GIVEN_UP, {view: closing}).stages)).toEqual([['delete pods/b']])
    })
    it('stays while a process works in it that has come since', () => {
      const other: SchedulerView = {is: 'answered', connected: new Map([['b', [{address: 'tcp://b:2', status: 'running'}]]]), order: []}
      expect(told(planned(GIVEN_UP, {view: other}).stages)).toEqual([['retire']])
    })
    it('is let back in when the cluster was resumed meanwhile', () => {
      const plan = planned(GIVEN_UP, {cluster, view: closing})
      expect(told(plan.stages)).toEqual([['retire'], [`create pods/demo-default-worker-${ids[0]}`]])
      expect(at<Retire>(plan.stages, 0, 0).policy).toMatchObject({afterRefusal: 'keep'})
    })
  })
  it('may be the last of its cluster only when all are to go', () => {
    const plan = planGroup(group(0), world([marked('b')], {view: answered(['b']), isGoingToZero: true}), NOW)
    expect(at<Retire>(plan.stages, 0, 0).zero).toBe(true)
  })
})

describe('a group of the Python operator', () => {
  it('whose Deployments have not been taken over gets no pods beside them, and says what to do', () => {
    const own = group(2)
    const former = [makePod('demo-default-worker-1-5bbf4f4d7d-crrdj', own)]
    const plan = planGroup(own, world([], {former}), NOW)
    expect(plan.stages).toEqual([])
    expect(conditions(plan.status)).toMatchObject({Ready: 'False OfPythonOperator'})
  })
})
