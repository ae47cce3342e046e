import {describe, expect, it} from 'vitest'
import type {DaskCluster} from '../../../../src/api/dask.ts'
import {ANNOTATION_RESTARTED_AT} from '../../../../src/api/names.ts'
import {planGroup} from '../../../../src/operator/workergroup/plan.ts'
import type {GroupWorld} from '../../../../src/operator/workergroup/world.ts'
import {ago, makeCluster, makeGroup, makePod, NOW, runningSince, told} from '../objects.ts'

const cluster = makeCluster(2)
const withImage = (image: string, of: DaskCluster = cluster): DaskCluster => {
  const spec = {containers: [{name: 'worker', image, args: ['dask', 'worker']}]}
  return {...of, spec: {...of.spec, worker: {...of.spec.worker, spec}}}
}
const worker = (name: string) => makePod(name, makeGroup(), runningSince(60))
const world = (of: DaskCluster, names: readonly string[]): GroupWorld => ({
  ...{cluster: of, scheduler: makePod('demo-scheduler', of, runningSince(100)), pods: names.map(worker), former: []},
  ...{ids: ['0', '1', '2', '3'], view: {is: 'unasked'}, retirements: new Map(), isGoingToZero: false},
})

describe('a group whose cluster is about to hand another worker template down', () => {
  it('makes no worker of the old one, which would have to leave again', () => {
    expect(planGroup(makeGroup(2), world(withImage('dask:new'), ['a']), NOW).stages).toEqual([])
    expect(told(planGroup(makeGroup(2), world(cluster, ['a']), NOW).stages)).toEqual([['create pods/demo-default-worker-0']])
  })

  it('does not begin a restart with it', () => {
    const restarted = {...cluster, metadata: {...cluster.metadata, annotations: {[ANNOTATION_RESTARTED_AT]: ago(1)}}}
    const scheduler = makePod('demo-scheduler', restarted, runningSince(1), {annotations: {[ANNOTATION_RESTARTED_AT]: ago(1)}})
    const plan = (of: DaskCluster) => planGroup(makeGroup(2), {...world(of, ['a', 'b']), scheduler}, NOW)
    expect(told(plan(restarted).stages)).toEqual([['create pods/demo-default-worker-0']])
    expect(plan(withImage('dask:new', restarted)).stages).toEqual([])
  })

  it('goes on by its own template where it is another group, or was never handed one', () => {
    const alone = makeGroup(2, {annotations: {}})
    const other = makeGroup(2, {name: 'other'})
    for (const group of [alone, other]) expect(planGroup(group, world(withImage('dask:new'), ['a']), NOW).stages).toHaveLength(1)
  })
})

describe('a cluster that is seen as it was before it handed down what its group has', () => {
  const from = (uid: string, generation: number) => {
    const {metadata, ...group} = makeGroup(5, {}, makeCluster(5))
    return {
      ...group,
      metadata: {...metadata, annotations: {...metadata.annotations, 'kubernetes.dask.org/handed-down-from': `${uid}/${generation}`}},
    }
  }
  const names = ['a', 'b', 'c', 'd', 'e']

  it('takes nothing back', () => {
    const late = makeCluster(3, {generation: 1})
    expect(planGroup(from('cluster-1', 2), world(late, names), NOW).stages).toEqual([])
    expect(planGroup(from('cluster-1', 2), world(late, names.slice(1)), NOW).stages).toHaveLength(1)
    expect(planGroup(from('cluster-1', 2), world(withImage('dask:old', late), names.slice(1)), NOW).stages).toHaveLength(1)
  })

  it('is heard when it is newer, or another one of its name', () => {
    for (const group of [from('cluster-1', 1), from('cluster-0', 9)])
      expect(told(planGroup(group, world(makeCluster(3, {generation: 2}), ['a', 'b']), NOW).stages)).toEqual([
        ['create pods/demo-default-worker-0'],
      ])
  })
})
