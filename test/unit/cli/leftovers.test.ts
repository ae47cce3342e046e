import {describe, expect, it} from 'vitest'
import type {KubeObject} from '../../../src/api/object.ts'
import {findLeftovers, type LeftoverRules, type Surroundings} from '../../../src/cli/leftovers.ts'
import {ago, makeCluster, makeGroup, makeJob, makePod, makeService, NOW, ownedBy} from '../operator/objects.ts'

const HOUR = 3_600_000
const NOTHING: Surroundings = {clusters: [], groups: [], autoscalers: [], jobs: [], pods: [], services: [], idleSince: new Map()}
const found = (world: Partial<Surroundings>, rules: Partial<LeftoverRules> = {}): readonly string[] =>
  findLeftovers({...NOTHING, ...world}, {graceMs: 0, ...rules}, NOW).map(
    ({kind, object, why}) => `${kind.kind}/${object.metadata.name}: ${why}`,
  )
const change = <T extends KubeObject>(object: T, metadata: object): T => ({...object, metadata: {...object.metadata, ...metadata}})
const nobodys = {ownerReferences: [], labels: {'dask.org/cluster-name': 'demo'}, creationTimestamp: ago(600)}

const cluster = makeCluster(1, {creationTimestamp: ago(7200)})
const group = change(makeGroup(), nobodys)
const pod = change(makePod('demo-scheduler', cluster), nobodys)
const service = change(makeService(cluster), nobodys)

describe('what belongs to a cluster that is gone', () => {
  it('is left over where nothing owns it', () => {
    expect(found({groups: [group], pods: [pod], services: [service]})).toEqual([
      'DaskWorkerGroup/demo-default: there is no cluster "demo"',
      'Service/demo-scheduler: there is no cluster "demo"',
      'Pod/demo-scheduler: there is no cluster "demo"',
    ])
  })
  it('is not while there is one of its name, in its own namespace', () => {
    expect(found({clusters: [cluster], groups: [group], pods: [pod]})).toEqual([])
    expect(found({clusters: [change(cluster, {namespace: 'elsewhere'})], groups: [group], pods: [pod]})).toHaveLength(2)
  })
  it('is left to the garbage collector where it has an owner, to its deletion where that is under way, and to its cluster where it is new', () => {
    expect(found({pods: [change(pod, {ownerReferences: [ownedBy(makeJob())]})]})).toEqual([])
    expect(found({pods: [change(pod, {deletionTimestamp: ago(1)})]})).toEqual([])
    expect(found({groups: [group]}, {graceMs: 600_001})).toEqual([])
    expect(found({groups: [group]}, {graceMs: 600_000})).toHaveLength(1)
  })
})

describe('a cluster', () => {
  const idleSince = new Map([[cluster.metadata.uid ?? '', NOW - HOUR]])
  it('is never left over unless somebody says after how long', () => {
    expect(found({clusters: [cluster], idleSince})).toEqual([])
  })
  it.each<[string, Partial<LeftoverRules>, readonly string[]]>([
    ['idle for long enough', {idleMs: HOUR}, ['DaskCluster/demo: it has been idle for 60m']],
    ['idle for less', {idleMs: HOUR + 1}, []],
    ['old enough', {olderMs: 2 * HOUR}, ['DaskCluster/demo: it is 120m old']],
    ['younger', {olderMs: 2 * HOUR + 1}, []],
  ])('%s', (_, rules, expected) => {
    expect(found({clusters: [cluster], idleSince}, rules)).toEqual(expected)
  })
  it('is not idle where its scheduler has not said so', () => {
    expect(found({clusters: [cluster]}, {idleMs: 0})).toEqual([])
  })
  it('of a job is the job’s', () => {
    const own = change(cluster, {ownerReferences: [ownedBy(makeJob())]})
    expect(found({clusters: [own], idleSince}, {idleMs: 0, olderMs: 0})).toEqual([])
  })
})

describe('a job', () => {
  it.each<[string, ReturnType<typeof makeJob>, number]>([
    ['that has ended long ago', makeJob({}, {jobStatus: 'Failed', endTime: ago(3600)}), 1],
    ['that has just ended', makeJob({}, {jobStatus: 'Successful', endTime: ago(3599)}), 0],
    ['that runs', makeJob({creationTimestamp: ago(9999)}, {jobStatus: 'Running'}), 0],
    ['that does not say when it ended', makeJob({}, {jobStatus: 'Failed'}), 0],
  ])('%s', (_, job, count) => {
    expect(found({jobs: [job]}, {finishedMs: HOUR})).toHaveLength(count)
    expect(found({jobs: [job]})).toEqual([])
  })
})
