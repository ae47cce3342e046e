import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Pod} from '../../../../src/api/core.ts'
import {API_VERSION, type DaskAutoscaler, type DaskAutoscalerSpec, type DaskWorkerGroup} from '../../../../src/api/dask.ts'
import {planAutoscaler} from '../../../../src/operator/autoscaler/plan.ts'
import type {Readings} from '../../../../src/operator/autoscaler/readings.ts'
import type {AutoscalerWorld, GroupView} from '../../../../src/operator/autoscaler/world.ts'
import type {Patch, Tell} from '../../../../src/operator/engine/contract.ts'
import {ago, at, makeCluster, makeGroup, makePod, NOW, ownedBy, RUNNING, told} from '../objects.ts'

const cluster = makeCluster()

const make = (spec: Partial<DaskAutoscalerSpec> = {}, metadata: Partial<DaskAutoscaler['metadata']> = {}): DaskAutoscaler => ({
  apiVersion: API_VERSION,
  kind: 'DaskAutoscaler',
  metadata: {name: 'demo', namespace: 'ns', uid: 'scaler-1', generation: 1, ownerReferences: [ownedBy(cluster)], ...metadata},
  spec: {cluster: 'demo', minimum: 0, maximum: 10, ...spec},
})

const groupOf = (replicas: number, name = 'demo-default'): DaskWorkerGroup => makeGroup(replicas, {name, uid: `uid-${name}`})
const pod = (name: string, annotations: Readonly<Record<string, string>> = {}): Pod => makePod(name, cluster, RUNNING, {annotations})
const view = (group: DaskWorkerGroup, pods: readonly Pod[] = []): GroupView => ({group, pods})

/** The scheduler has said nothing but this for a minute. */
const steadily = (target: number, more: Partial<Readings> = {}): Readings => ({
  scheduler: 'uid-demo-scheduler',
  since: NOW - 60_000,
  spans: [{from: NOW - 60_000, until: NOW, target, needed: target}],
  latest: {target, unrunnable: 0, isWhole: true},
  ...more,
})

const world = (replicas: number, more: Partial<AutoscalerWorld> = {}): AutoscalerWorld => {
  const group = groupOf(replicas)
  return {
    cluster,
    scheduler: makePod('demo-scheduler', cluster),
    group,
    groups: [view(group, [pod('a')])],
    autoscalers: [make()],
    readings: undefined,
    steps: [],
    watchedSince: NOW - 60_000,
    ...more,
  }
}

/** The number that the group is given, and what the status says. */
const outcome = (autoscaler: DaskAutoscaler, seen: AutoscalerWorld) => {
  const {stages, status} = planAutoscaler(autoscaler, {...seen, autoscalers: [autoscaler, ...seen.autoscalers.slice(1)]}, NOW)
  const change = stages.flat().find((action) => action.do === 'patch' && action.kind.kind === 'DaskWorkerGroup') as Patch | undefined
  const conditions = Object.fromEntries((status?.conditions ?? []).map(({type, status: is, reason}) => [type, `${is} ${reason}`]))
  const given = (change?.patch as {spec: {worker: {replicas: number}}} | undefined)?.spec.worker.replicas
  return {given, conditions, stages, status}
}

describe('the number of a group', () => {
  it('goes up at once to what the scheduler asks for', () => {
    const {given, stages, status, conditions} = outcome(make(), world(1, {readings: steadily(7)}))
    expect(given).toBe(7)
    expect(told(stages)).toEqual([['patch daskworkergroups/demo-default'], ['tell']])
    expect(at<Tell>(stages, 1, 0)).toMatchObject({
      reason: 'SuccessfulRescale',
      message: 'New size: 7; reason: the scheduler asks for 7 workers',
    })
    expect(at<Patch>(stages, 0, 0)).toMatchObject({uid: 'uid-demo-default', resourceVersion: '7'})
    expect(status).toMatchObject({currentReplicas: 1, desiredReplicas: 7, target: 7, lastScaleTime: ago(0)})
    expect(conditions).toEqual({
      ScalingActive: 'True ValidTargetFound',
      AbleToScale: 'True SucceededRescale',
      ScalingLimited: 'False DesiredWithinRange',
    })
  })

  it.each([
    ['starts from zero', {}, 0, steadily(3), 3],
    ['goes down by at most a quarter', {}, 10, steadily(0), 8],
    ['goes down by one where a quarter is less', {}, 3, steadily(0), 2],
    ['goes down to zero in the end', {}, 1, steadily(0), 0],
    ['never passes the maximum', {maximum: 4}, 1, steadily(1000), 4],
    ['never passes the minimum', {minimum: 2}, 3, steadily(0), 2],
    ['is raised to the minimum without a word from the scheduler', {minimum: 2}, 0, undefined, 2],
    ['is lowered to the maximum at once', {maximum: 2}, 9, undefined, 2],
    ['stays while the scheduler says nothing', {}, 5, undefined, undefined],
    ['stays where the scheduler wants it', {}, 5, steadily(5), undefined],
  ] as const)('%s', (_, spec, replicas, readings, expected) => {
    expect(outcome(make(spec), world(replicas, {readings})).given).toBe(expected)
  })

  it('stays for as long as the window has seen a larger wish', () => {
    const spans = [
      {from: NOW - 60_000, until: NOW - 10_000, target: 5, needed: 5},
      {from: NOW - 8_000, until: NOW, target: 2, needed: 2},
    ]
    const early = outcome(make(), world(5, {readings: steadily(2, {spans})}))
    expect(early).toMatchObject({given: undefined, conditions: {AbleToScale: 'True ScaleDownStabilized'}})
    const late = spans.map((span) => ({...span, from: span.from - 10_000, until: span.until === NOW ? NOW : span.until - 10_000}))
    expect(outcome(make(), world(5, {readings: steadily(2, {spans: late})})).given).toBe(4)
  })

  it('is taken for steady by an operator that has not looked on for a whole window', () => {
    const young = steadily(0, {since: NOW - 3_000})
    expect(outcome(make(), world(5, {readings: young})).given).toBeUndefined()
    // It may grow all the same.
    expect(outcome(make(), world(5, {readings: {...young, ...steadily(8), since: NOW - 3_000}})).given).toBe(8)
  })

  it('goes no further down in one period than the policy says', () => {
    const seen = world(8, {readings: steadily(0), steps: [{at: NOW - 5_000, by: -2}]})
    expect(outcome(make(), seen)).toMatchObject({given: undefined, conditions: {ScalingLimited: 'True ScaleDownLimit'}})
    expect(outcome(make(), {...seen, steps: [{at: NOW - 16_000, by: -2}]}).given).toBe(6)
  })

  it('does not go down while another operator has lowered it a moment ago', () => {
    const annotations = {'kubernetes.dask.org/cooldown-until': String(NOW / 1000 + 5)}
    const seen = world(8, {readings: steadily(0), watchedSince: NOW - 2_000})
    expect(outcome(make({}, {annotations}), {...seen, readings: steadily(0)}).given).toBeUndefined()
    expect(outcome(make({}, {annotations}), {...seen, watchedSince: NOW - 60_000}).given).toBe(6)
  })

  it('leaves the time of the next step for whoever comes after', () => {
    const {stages} = outcome(make(), world(4, {readings: steadily(0)}))
    expect(told(stages)).toEqual([['patch daskworkergroups/demo-default'], ['patch daskautoscalers/demo', 'tell']])
    expect(at<Patch>(stages, 1, 0).patch).toEqual({
      metadata: {annotations: {'kubernetes.dask.org/cooldown-until': String(NOW / 1000 + 15)}},
    })
  })

  it('does not shrink while a task waits for something that no worker offers', () => {
    const readings = steadily(0, {latest: {target: 0, unrunnable: 1, isWhole: true}})
    expect(outcome(make(), world(3, {readings}))).toMatchObject({
      given: undefined,
      conditions: {ScalingLimited: 'True UnrunnableTasks'},
    })
  })

  it('does not shrink before it is known whether such a task waits', () => {
    const readings = steadily(0, {latest: {target: 0, isWhole: false}})
    expect(outcome(make(), world(3, {readings})).given).toBeUndefined()
  })

  it('stays while the scheduler cannot be asked, with its words', () => {
    const readings = steadily(0, {failure: {message: 'connect ECONNREFUSED', count: 1}})
    const {given, status} = outcome(make(), world(3, {readings}))
    expect(given).toBeUndefined()
    expect(status?.conditions?.[0]).toMatchObject({
      status: 'False',
      reason: 'FailedGetTarget',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('counts the processes of a pod', () => {
    const spec = {containers: [{name: 'worker', image: 'dask', args: ['dask', 'worker', '--nworkers', '4']}]}
    const group = {...groupOf(1), spec: {cluster: 'demo', worker: {replicas: 1, spec}}}
    expect(outcome(make(), world(1, {group, groups: [view(group, [pod('a')])], readings: steadily(9)})).given).toBe(3)
  })
})

it('never leaves the bounds, nor goes down by more than a quarter in a period, whatever the scheduler says', () => {
  const whatever = fc.record({
    minimum: fc.nat(20),
    room: fc.nat(20),
    current: fc.nat(60),
    targets: fc.array(fc.record({target: fc.nat(100), secondsAgo: fc.nat(60)}), {minLength: 1, maxLength: 5}),
    by: fc.integer({min: -5, max: 5}),
    secondsAgo: fc.nat(30),
  })
  fc.assert(
    fc.property(whatever, ({minimum, room, current, targets, by, secondsAgo}) => {
      const maximum = minimum + room
      const spans = targets
        .toSorted((one, other) => other.secondsAgo - one.secondsAgo)
        .map(({target, secondsAgo: seconds}) => ({from: NOW - seconds * 1000, until: NOW - seconds * 1000, target, needed: target}))
      const readings = steadily(spans.at(-1)?.target ?? 0, {spans})
      const steps = [{at: NOW - secondsAgo * 1000, by}]
      const {given = current} = outcome(make({minimum, maximum}), world(current, {readings, steps}))
      const within = Math.min(maximum, Math.max(minimum, current))
      expect(given).toBeGreaterThanOrEqual(minimum)
      expect(given).toBeLessThanOrEqual(maximum)
      const start = secondsAgo < 15 ? current - by : current
      if (current === within) expect(given).toBeGreaterThanOrEqual(Math.min(current, start - Math.max(1, Math.floor(start / 4))))
    }),
  )
})

describe('the behaviour', () => {
  it.each([
    ['a window upwards', {scaleUp: {stabilizationWindowSeconds: 30}}, 2, [2, 9], undefined, 'AbleToScale', 'True ScaleUpStabilized'],
    [
      'a policy upwards',
      {scaleUp: {policies: [{type: 'Pods', value: 3, periodSeconds: 60}]}},
      2,
      [9],
      5,
      'ScalingLimited',
      'True ScaleUpLimit',
    ],
    [
      'the smaller of two',
      {
        scaleUp: {
          selectPolicy: 'Min',
          policies: [
            {type: 'Pods', value: 1, periodSeconds: 60},
            {type: 'Percent', value: 200, periodSeconds: 60},
          ],
        },
      },
      2,
      [9],
      3,
      'ScalingLimited',
      'True ScaleUpLimit',
    ],
    ['no growth at all', {scaleUp: {selectPolicy: 'Disabled'}}, 2, [9], undefined, 'ScalingLimited', 'True ScaleUpLimit'],
    [
      'all at once',
      {scaleDown: {stabilizationWindowSeconds: 0, policies: [{type: 'Percent', value: 100, periodSeconds: 1}]}},
      9,
      [0],
      0,
      'ScalingLimited',
      'False DesiredWithinRange',
    ],
    ['never down', {scaleDown: {selectPolicy: 'Disabled'}}, 9, [0], undefined, 'ScalingLimited', 'True ScaleDownLimit'],
  ] as const)('follows %s', (_, behavior, replicas, targets, expected, type, condition) => {
    const spans = targets.map((target, index) => ({
      from: NOW - 20_000,
      until: index === targets.length - 1 ? NOW : NOW - 10_000,
      target,
      needed: target,
    }))
    const readings = steadily(targets.at(-1) ?? 0, {spans})
    const {given, conditions} = outcome(make({behavior}), world(replicas, {readings}))
    expect({given, condition: conditions[type]}).toEqual({given: expected, condition})
  })
})

describe('several groups', () => {
  const gpu = groupOf(1, 'gpu')
  const cpu = groupOf(1)

  it('share the target by what each can take; a group without an autoscaler keeps its own', () => {
    const fixed = groupOf(3, 'fixed')
    const groups = [view(cpu, [pod('a')]), view(gpu, [pod('b')]), view(fixed, [pod('c')])]
    const forGpu = make({workerGroup: 'gpu', minimum: 1, maximum: 5}, {name: 'gpu', uid: 'scaler-2'})
    const seen = world(1, {groups, readings: steadily(13), autoscalers: [make({maximum: 8}), forGpu]})
    // Ten are left: one for the minimum of gpu, nine in proportion 8 to 4.
    expect(outcome(make({maximum: 8}), seen).given).toBe(6)
    const other = planAutoscaler(forGpu, {...seen, group: gpu}, NOW)
    expect(at<Patch>(other.stages, 0, 0).patch).toEqual({spec: {worker: {replicas: 4}}})
  })

  it('are not robbed by a group whose pods cannot start', () => {
    const stuck = {
      ...groupOf(5, 'stuck'),
      status: {
        readyReplicas: 0,
        conditions: [{type: 'Degraded', status: 'True', reason: 'Unschedulable', message: '', lastTransitionTime: ago(9)} as const],
      },
    }
    expect(outcome(make(), world(1, {groups: [view(cpu, [pod('a')]), view(stuck)], readings: steadily(5)})).given).toBe(5)
  })
})

describe('what is wrong with an autoscaler', () => {
  it.each([
    ['no cluster', make(), {cluster: undefined}, 'ClusterMissing'],
    ['no group', make(), {group: undefined}, 'WorkerGroupMissing'],
    [
      'a group of another cluster',
      make(),
      {group: {...groupOf(1), spec: {...groupOf(1).spec, cluster: 'other'}}},
      'WorkerGroupOfOtherCluster',
    ],
    ['bounds that contradict each other', make({minimum: 3, maximum: 2}), {}, 'InvalidBounds'],
    ['a group that its cluster has not taken in', make(), {groups: []}, 'WaitingForWorkerGroup'],
    ['a suspended cluster', make(), {cluster: {...cluster, spec: {...cluster.spec, suspend: true}}}, 'Suspended'],
  ] as const)('is told: %s', (_, autoscaler, more, reason) => {
    const {given, conditions} = outcome(autoscaler, world(1, {readings: steadily(9), ...more}))
    expect({given, active: conditions['ScalingActive']}).toEqual({given: undefined, active: `False ${reason}`})
  })

  it('is told to the younger of two for one group; the older goes on', () => {
    const older = make({}, {name: 'older', uid: 'scaler-0', creationTimestamp: ago(100)})
    const younger = make({}, {creationTimestamp: ago(10)})
    const seen = world(1, {readings: steadily(9), autoscalers: [younger, older]})
    expect(outcome(younger, seen)).toMatchObject({given: undefined, conditions: {ScalingActive: 'False AmbiguousSelector'}})
    expect(outcome(older, {...seen, autoscalers: [older, younger]}).given).toBe(9)
  })
})

describe('a new autoscaler', () => {
  it("becomes its cluster's own", () => {
    const fresh = make({}, {ownerReferences: []})
    const {stages} = outcome(fresh, world(1))
    expect(told(stages)).toEqual([['patch daskautoscalers/demo']])
    expect(at<Patch>(stages, 0, 0).patch).toMatchObject({metadata: {ownerReferences: [{uid: 'cluster-1'}]}})
    // Where that is refused, the cool-down would be as well: no number is written without it.
    expect(told(outcome(fresh, world(4, {readings: steadily(0)})).stages)[0]).toEqual(['patch daskautoscalers/demo'])
  })

  it('stays with whoever controls it, and with an earlier cluster of the name', () => {
    const app = {apiVersion: 'apps/v1', kind: 'Deployment', name: 'app', uid: 'app-1', controller: true}
    const {stages} = outcome(make({}, {ownerReferences: [app]}), world(1))
    expect(at<Patch>(stages, 0, 0).patch).toEqual({
      metadata: {ownerReferences: [app, {...ownedBy(cluster), controller: undefined}]},
    })
    const earlier = {...ownedBy(cluster), uid: 'cluster-0'}
    expect(outcome(make({}, {ownerReferences: [earlier]}), world(1)).stages).toEqual([])
  })
})
