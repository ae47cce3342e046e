import {describe, expect, it} from 'vitest'
import type {Pod, PodStatus} from '../../../../src/api/core.ts'
import type {DaskCluster, DaskWorkerGroup, WorkerUpdateStrategy} from '../../../../src/api/dask.ts'
import {schedulerTarget, targetAnnotations, workerTarget} from '../../../../src/api/revision.ts'
import {schedulerPod} from '../../../../src/operator/cluster/parts.ts'
import {planGroup} from '../../../../src/operator/workergroup/plan.ts'
import type {GroupWorld} from '../../../../src/operator/workergroup/world.ts'
import {makeCluster, makeGroup, makePod, NOW, PENDING, RUNNING, runningSince, STARTING} from '../objects.ts'

const RESTARTED_AT = 'kubernetes.dask.org/restarted-at'
const RETIRING = 'kubernetes.dask.org/retiring'
const ids = Array.from({length: 20}, (_, index) => `${index}`.padStart(10, '0'))

const edited = (replicas: number, image: string, updateStrategy?: WorkerUpdateStrategy, annotations = {}): DaskWorkerGroup => {
  const made = makeGroup(replicas, {annotations})
  const worker = {...made.spec.worker, spec: {containers: [{name: 'worker', image}]}, ...(updateStrategy && {updateStrategy})}
  return {...made, spec: {...made.spec, worker}}
}

const cluster = makeCluster()
const worker = (name: string, image: string, status: PodStatus = RUNNING, annotations = {}): Pod =>
  makePod(name, makeGroup(), status, {annotations: {...targetAnnotations(workerTarget(edited(1, image), cluster)), ...annotations}})
const scheduler = (of: DaskCluster, status: PodStatus = runningSince(100)): Pod => ({
  ...makePod('demo-scheduler', of, status, {annotations: targetAnnotations(schedulerTarget(of))}),
  spec: of.spec.scheduler.spec,
})

const world = (pods: readonly Pod[], more: Partial<GroupWorld> = {}): GroupWorld => ({
  cluster,
  scheduler: scheduler(cluster),
  pods,
  ids,
  view: {
    is: 'answered',
    connected: new Map(pods.map(({metadata: {name}}) => [name, [{address: `tcp://${name}:1`, status: 'running'}]])),
    order: pods.map(({metadata: {name}}) => ({name, reason: 'idle'})),
  },
  retirements: new Map(),
  isGoingToZero: false,
  former: [],
  ...more,
})

/** What a plan makes, marks and deletes, in numbers and names. */
const moves = (group: DaskWorkerGroup, given: GroupWorld) => {
  const {stages, status} = planGroup(group, given, NOW)
  const all = stages.flat()
  const named = (verb: string) => all.flatMap((action) => (action.do === verb && 'ref' in action ? [action.ref.name] : []))
  const progressing = status?.conditions?.find(({type}) => type === 'Progressing')
  return {
    creates: all.filter((action) => action.do === 'create').length,
    marks: named('patch'),
    deletes: named('delete'),
    updated: status?.updatedReplicas,
    progressing: `${progressing?.status} ${progressing?.reason}`,
    message: progressing?.message,
  }
}

describe('a changed spec', () => {
  it('brings new pods first, as many as may be above the number, and takes none away meanwhile', () => {
    const old = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => worker(name, 'old'))
    expect(moves(edited(8, 'new'), world(old))).toMatchObject({
      creates: 2,
      marks: [],
      deletes: [],
      updated: 0,
      progressing: 'True RollingOut',
    })
  })
  it('lets an old one go for each new one that is ready', () => {
    const pods = [worker('a', 'old'), worker('b', 'old'), worker('c', 'old'), worker('n', 'new')]
    expect(moves(edited(3, 'new'), world(pods))).toMatchObject({creates: 0, marks: ['a'], updated: 1, progressing: 'True RollingOut'})
  })
  it('waits while the new ones are not ready', () => {
    const pods = [worker('a', 'old'), worker('b', 'old'), worker('n', 'new', STARTING)]
    expect(moves(edited(2, 'new'), world(pods))).toMatchObject({creates: 0, marks: [], deletes: []})
  })
  it('counts old ones that are still leaving as above the number', () => {
    const pods = [worker('a', 'old', RUNNING, {[RETIRING]: 'x'}), worker('b', 'old'), worker('c', 'old'), worker('n', 'new')]
    const given = world(pods, {retirements: new Map([['uid-a', {is: 'underWay'}]])})
    expect(moves(edited(3, 'new'), given)).toMatchObject({creates: 0, marks: []})
  })
  it('takes old ones that are not ready away without waiting', () => {
    const pods = [worker('a', 'old', PENDING), worker('b', 'old')]
    const given = world(pods, {
      view: {
        is: 'answered',
        connected: new Map(),
        order: [
          {name: 'a', reason: 'waits'},
          {name: 'b', reason: 'idle'},
        ],
      },
    })
    expect(moves(edited(2, 'new'), given)).toMatchObject({creates: 1, deletes: ['a']})
  })
  it('is done when every pod is of it', () => {
    expect(moves(edited(2, 'new'), world([worker('a', 'new'), worker('b', 'new')]))).toMatchObject({
      creates: 0,
      marks: [],
      updated: 2,
      progressing: 'False Settled',
    })
  })
  it('follows the numbers of its strategy', () => {
    const old = ['a', 'b', 'c', 'd'].map((name) => worker(name, 'old'))
    const strategy = {rollingUpdate: {maxSurge: 0, maxUnavailable: '50%'}}
    expect(moves(edited(4, 'new', strategy), world(old))).toMatchObject({creates: 0, marks: ['a', 'b']})
    expect(moves(edited(4, 'new', {rollingUpdate: {maxSurge: 4}}), world(old))).toMatchObject({creates: 4, marks: []})
    expect(moves(edited(4, 'new', {rollingUpdate: {maxSurge: 0, maxUnavailable: 0}}), world(old))).toMatchObject({creates: 1})
  })
  it('waits for deletions where the strategy says so', () => {
    const pods = [worker('a', 'old'), worker('b', 'new')]
    expect(moves(edited(2, 'new', {type: 'OnDelete'}), world(pods))).toMatchObject({
      creates: 0,
      marks: [],
      progressing: 'False UpdateWaits',
      message: '1 of 2 workers are of the spec as it is now; the others are replaced as they are deleted (OnDelete)',
    })
  })
  it('makes a smaller group smaller from its old pods first', () => {
    const pods = [worker('n1', 'new'), worker('n2', 'new'), worker('a', 'old'), worker('b', 'old')]
    expect(moves(edited(2, 'new'), world(pods))).toMatchObject({creates: 0, marks: ['a', 'b']})
  })
})

describe('a scheduler of an earlier spec', () => {
  const changed: DaskCluster = {
    ...cluster,
    spec: {...cluster.spec, scheduler: {...cluster.spec.scheduler, spec: {containers: [{name: 'scheduler', image: 'new'}]}}},
  }
  it('keeps changed workers waiting, old ones and missing ones', () => {
    const given = world([worker('a', 'old')], {cluster: changed})
    expect(moves(edited(3, 'new'), given)).toMatchObject({
      creates: 0,
      marks: [],
      progressing: 'False WaitsForScheduler',
      message: expect.stringContaining('kubectl dask cluster restart demo'),
    })
  })
  it('does not keep workers waiting whose own spec is as it was', () => {
    expect(moves(edited(2, 'old'), world([worker('a', 'old')], {cluster: changed}))).toMatchObject({creates: 1})
  })
  it('keeps the first worker waiting when the image has changed', () => {
    expect(moves(edited(1, 'new'), world([], {cluster: changed}))).toMatchObject({creates: 0})
  })
})

describe('a restart that was asked for', () => {
  it('replaces every pod that was made before, whatever the strategy', () => {
    const pods = [worker('a', 'old'), worker('b', 'old')]
    const asked = edited(2, 'old', {type: 'OnDelete'}, {[RESTARTED_AT]: '2026-11-23T11:59:00Z'})
    expect(moves(asked, world(pods))).toMatchObject({creates: 1, progressing: 'True RollingOut'})
  })
  it('of the cluster waits for the scheduler, and then takes all at once while none is ready', () => {
    const restarted = makeCluster(3, {annotations: {[RESTARTED_AT]: '2026-11-23T11:59:00Z'}})
    const pods = [worker('a', 'old'), worker('b', 'old')]
    expect(moves(edited(2, 'old'), world(pods, {cluster: restarted}))).toMatchObject({creates: 0, marks: [], deletes: []})
    const fresh = scheduler(restarted, PENDING)
    const given = world(pods, {cluster: restarted, scheduler: fresh, view: {is: 'absent'}})
    expect(moves(edited(2, 'old'), given)).toMatchObject({deletes: ['a', 'b']})
  })
})

describe('TLS that is switched', () => {
  const safe: DaskCluster = {...cluster, spec: {...cluster.spec, tls: {auto: true}}}
  const asNow = (of: DaskCluster): Pod => ({...scheduler(of), spec: schedulerPod(of).spec})
  it.each([
    ['on', safe, cluster],
    ['off', cluster, safe],
    ['to another Secret', {...cluster, spec: {...cluster.spec, tls: {secretName: 'other'}}}, safe],
  ])('%s: a group at zero makes no worker that would not get on with the scheduler of before', (_, now, before) => {
    expect(moves(makeGroup(2), world([], {cluster: now, scheduler: asNow(before)}))).toMatchObject({creates: 0})
    expect(moves(makeGroup(2), world([], {cluster: now, scheduler: asNow(now)}))).toMatchObject({creates: 2})
  })
})

describe('a suspended cluster', () => {
  const suspended: DaskCluster = {...cluster, spec: {...cluster.spec, suspend: true}}
  it('has the workers of every group leave, in peace', () => {
    const pods = [worker('a', 'old'), worker('b', 'old')]
    expect(moves(edited(2, 'old'), world(pods, {cluster: suspended, isGoingToZero: true}))).toMatchObject({marks: ['a', 'b'], creates: 0})
  })
  it('takes those that the scheduler will not let go: it goes next itself', () => {
    const pods = [worker('a', 'old', RUNNING, {[RETIRING]: 'x'})]
    const givenUp = {is: 'givenUp', reason: 'UniqueDataHasNoPlace', addresses: ['tcp://a:1']} as const
    const given = (of: DaskCluster) => world(pods, {cluster: of, isGoingToZero: true, retirements: new Map([['uid-a', givenUp]])})
    expect(moves(edited(0, 'old'), given(suspended)).deletes).toEqual(['a'])
    expect(moves(edited(0, 'old'), given(cluster)).deletes).toEqual([])
  })
})

describe('a worker that is not done in time', () => {
  const pods = [worker('a', 'old', RUNNING, {[RETIRING]: 'x'}), worker('b', 'old')]
  const given = world(pods, {retirements: new Map([['uid-a', {is: 'givenUp', reason: 'RetirementTimedOut', addresses: ['tcp://a:1']}]])})
  const withPolicy = (onTimeout: 'Keep' | 'Delete'): DaskWorkerGroup => {
    const made = edited(1, 'old')
    return {...made, spec: {...made.spec, worker: {...made.spec.worker, retirement: {timeoutSeconds: 5, onTimeout}}}}
  }
  it('is kept, or deleted where its spec says so', () => {
    expect(moves(withPolicy('Keep'), given).deletes).toEqual([])
    expect(moves(withPolicy('Delete'), given).deletes).toEqual(['a'])
  })
})

it('labels by which workers are found are put back, whoever has changed them', () => {
  const group = makeGroup(1)
  const strayed = makePod('a', group, RUNNING, {labels: {'dask.org/cluster-name': 'demo', 'dask.org/component': 'spare', mine: 'stays'}})
  const patch = {metadata: {labels: {'dask.org/workergroup-name': 'demo-default', 'dask.org/component': 'worker'}}}
  expect(planGroup(group, world([strayed]), NOW).stages).toEqual([[expect.objectContaining({do: 'patch', patch})]])
  expect(planGroup(group, world([makePod('a', group)]), NOW).stages).toEqual([])
})
