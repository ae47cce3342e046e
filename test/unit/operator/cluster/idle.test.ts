import {describe, expect, it} from 'vitest'
import {PODS, type Pod} from '../../../../src/api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, type DaskCluster, type DaskJob} from '../../../../src/api/dask.ts'
import type {Idleness} from '../../../../src/dask/idleness.ts'
import {createStore} from '../../../../src/kube/store.ts'
import {idleSteps} from '../../../../src/operator/cluster/idle.ts'
import {createIdleWatch} from '../../../../src/operator/cluster/idle-watch.ts'
import type {IdleView} from '../../../../src/operator/cluster/world.ts'
import type {Delete, Patch, Reader, Tell} from '../../../../src/operator/engine/contract.ts'
import {at, makeCluster, makeJob, makePod, NOW, ownedBy, told} from '../objects.ts'

const idleAfter = (idleTimeout: number, more: Partial<DaskCluster['spec']> = {}, status: DaskCluster['status'] = {}): DaskCluster => {
  const cluster = makeCluster()
  return {...cluster, metadata: {...cluster.metadata, resourceVersion: '9'}, spec: {...cluster.spec, idleTimeout, ...more}, status}
}
const seconds = (ago: number): number => NOW - ago * 1000

describe('an idle cluster', () => {
  it('is deleted when its time is over, only as it was seen, and an Event says why', () => {
    const {stages, idleSince} = idleSteps(idleAfter(60), {since: seconds(60), at: NOW}, NOW)
    expect(told(stages)).toEqual([['tell'], ['delete daskclusters/demo']])
    expect(at<Tell>(stages, 0, 0).message).toBe('deleted: nothing has run for 60 s (spec.idleTimeout)')
    expect(at<Delete>(stages, 1, 0)).toMatchObject({uid: 'cluster-1', resourceVersion: '9'})
    expect(idleSince).toBe('2026-11-23T11:59:00Z')
  })

  it('is suspended where it asks for that', () => {
    const {stages} = idleSteps(idleAfter(60, {idleAction: 'Suspend'}), {since: seconds(70), at: NOW}, NOW)
    expect(told(stages)).toEqual([['patch daskclusters/demo'], ['tell']])
    expect(at<Patch>(stages, 0, 0).patch).toEqual({spec: {suspend: true}})
  })

  it.each([
    ['its time is not over', 60, {since: seconds(59), at: NOW}, '2026-11-23T11:59:01Z'],
    ['the word that it is idle is of an earlier time', 60, {since: seconds(70), at: seconds(11)}, '2026-11-23T11:58:50Z'],
    ['it works', 60, {at: NOW}, undefined],
    ['it has no timeout', 0, {since: seconds(999), at: NOW}, undefined],
    ['its timeout is below nothing', -1, {since: seconds(999), at: NOW}, undefined],
    ['nobody has been asked yet', 60, undefined, undefined],
  ] as const)('stays while %s', (_, timeout, view, idleSince) => {
    expect(idleSteps(idleAfter(timeout), view, NOW)).toEqual({stages: [], ...(idleSince !== undefined && {idleSince})})
  })

  it('stays where the scheduler cannot be asked, and that is told', () => {
    const {stages} = idleSteps(idleAfter(60), {since: seconds(999), at: NOW, failure: 'no function may be run'}, NOW)
    expect(at<Tell>(stages, 0, 0)).toMatchObject({type: 'Warning', reason: 'IdleUnknown'})
    expect(told(stages)).toEqual([['tell']])
  })
})

/** What is known after each of these answers, ten seconds apart. */
const watched = async (cluster: DaskCluster, answers: readonly (Idleness | Error)[]): Promise<readonly (IdleView | undefined)[]> => {
  const clusters = createStore(DASK_CLUSTERS)
  clusters.put(cluster)
  const pods = createStore(PODS)
  pods.put(makePod('demo-scheduler', cluster))
  const reader = {cache: (kind: {readonly plural: string}) => (kind.plural === 'pods' ? pods : clusters)} as unknown as Reader
  const stop = new AbortController()
  const seen: (IdleView | undefined)[] = []
  const left = [...answers]
  let time = NOW
  await new Promise<void>((resolve) => {
    const ask = async (_: DaskCluster, __: Pod): Promise<Idleness> => {
      const answer = left.shift()
      if (!answer || answer instanceof Error) throw answer ?? new Error('asked too often')
      return answer
    }
    const watch = createIdleWatch(ask, () => time, 1)
    watch.start((ref) => {
      seen.push(watch.of(ref, reader))
      time += 10_000
      if (left.length === 0) resolve()
    }, stop.signal)
    watch.of({namespace: 'ns', name: 'demo'}, reader)
  })
  stop.abort()
  return seen
}

/** Whether anybody asks the scheduler of a cluster with a timeout that this job owns. */
const isAsked = (owner: DaskJob, found: DaskJob | undefined): boolean => {
  const plain = idleAfter(60)
  const cluster = {...plain, metadata: {...plain.metadata, name: 'pi', ownerReferences: [ownedBy(owner)]}}
  const [clusters, pods, jobs] = [createStore(DASK_CLUSTERS), createStore(PODS), createStore(DASK_JOBS)]
  clusters.put(cluster)
  pods.put(makePod('pi-scheduler', cluster))
  if (found) jobs.put(found)
  const stores = [clusters, pods, jobs]
  const reader = {
    cache: (kind: {readonly plural: string}) => stores.find((store) => store.kind.plural === kind.plural),
  } as unknown as Reader
  let asked = false
  const watch = createIdleWatch(async () => {
    asked = true
    return idle('m')
  })
  const stop = new AbortController()
  watch.start(() => undefined, stop.signal)
  watch.of({namespace: 'ns', name: 'pi'}, reader)
  stop.abort()
  return asked
}

describe('the cluster of a job', () => {
  it('is left alone before the job has ended', () => {
    expect(isAsked(makeJob(), makeJob())).toBe(false)
    expect(isAsked(makeJob(), makeJob({}, {jobStatus: 'Running'}))).toBe(false)
    // One of the same name that came after it, or one that nothing is known of any more.
    expect(isAsked(makeJob(), makeJob({uid: 'job-2'}, {jobStatus: 'Successful'}))).toBe(false)
    expect(isAsked(makeJob(), undefined)).toBe(false)
  })
  it('may become idle afterwards', () => {
    expect(isAsked(makeJob(), makeJob({}, {jobStatus: 'Successful'}))).toBe(true)
    expect(isAsked(makeJob(), makeJob({}, {jobStatus: 'Failed'}))).toBe(true)
  })
})

const idle = (mark: string, since?: number): Idleness => ({isIdle: true, mark, ...(since !== undefined && {since})})
const since = (views: readonly (IdleView | undefined)[]): readonly (number | undefined)[] =>
  views.map((view) => (view?.since === undefined ? undefined : (view.since - NOW) / 1000))

describe('how long a scheduler has been idle', () => {
  it('is counted from when it is first seen so, and anew when anything has run in between', async () => {
    const answers = [{isIdle: false} as const, idle('1'), idle('1'), idle('2'), {isIdle: false} as const]
    expect(since(await watched(idleAfter(0.001), answers))).toEqual([undefined, 10, 10, 30, undefined])
  })

  it('is not forgotten for one lost answer, and one that lasts is told once', async () => {
    const views = await watched(idleAfter(0.001), [idle('1'), new Error('a'), new Error('b'), new Error('c'), new Error('d'), idle('1')])
    expect(since(views)).toEqual([0, 0, 0, 0, 0, 0])
    expect(views.map((view) => view?.failure)).toEqual([undefined, undefined, undefined, 'c', undefined, undefined])
    // What is not asked is not known to be so now.
    expect(views[2]?.at).toBe(NOW)
  })

  it('goes on after a restart of the operator, unless something has run since', async () => {
    const cluster = idleAfter(1, {}, {idleSince: '2026-11-23T11:50:00Z'})
    expect(since(await watched(cluster, [idle('x', seconds(605))]))).toEqual([-600])
    expect(since(await watched(cluster, [idle('x', seconds(300))]))).toEqual([0])
    // An old scheduler does not tell since when.
    expect(since(await watched(cluster, [idle('x')]))).toEqual([0])
  })
})
