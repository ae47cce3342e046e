import {describe, expect, it} from 'vitest'
import {PODS, type Pod} from '../../../../src/api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, type DaskCluster, type DaskJob} from '../../../../src/api/dask.ts'
import type {Idleness} from '../../../../src/dask/idleness.ts'
import {createStore} from '../../../../src/kube/store.ts'
import {idleSteps} from '../../../../src/operator/cluster/idle.ts'
import {type AskIdle, type Clocks, createIdleWatch} from '../../../../src/operator/cluster/idle-watch.ts'
import type {IdleView} from '../../../../src/operator/cluster/world.ts'
import type {Delete, Patch, Reader, Tell} from '../../../../src/operator/engine/contract.ts'
import {until} from '../engine/ground.ts'
import {at, makeCluster, makeJob, makePod, NOW, ownedBy, told} from '../objects.ts'

const idleAfter = (idleTimeout: number, more: Partial<DaskCluster['spec']> = {}, status: DaskCluster['status'] = {}): DaskCluster => {
  const cluster = makeCluster()
  return {...cluster, metadata: {...cluster.metadata, resourceVersion: '9'}, spec: {...cluster.spec, idleTimeout, ...more}, status}
}
const seconds = (ago: number): number => NOW - ago * 1000
/** Idle for so many seconds by now, when it was asked so many seconds ago. */
const idleFor = (span: number, asked = 0): IdleView => ({since: seconds(span), forMs: (span - asked) * 1000, ageMs: asked * 1000})

describe('an idle cluster', () => {
  it('is deleted when its time is over, only as it was seen, and an Event says why', () => {
    const {stages, idleSince} = idleSteps(idleAfter(60), idleFor(60))
    expect(told(stages)).toEqual([['tell'], ['delete daskclusters/demo']])
    expect(at<Tell>(stages, 0, 0).message).toBe('deleted: nothing has run for 60 s (spec.idleTimeout)')
    expect(at<Delete>(stages, 1, 0)).toMatchObject({uid: 'cluster-1', resourceVersion: '9'})
    expect(idleSince).toBe('2026-11-23T11:59:00Z')
  })

  it('is suspended where it asks for that', () => {
    const {stages} = idleSteps(idleAfter(60, {idleAction: 'Suspend'}), idleFor(70))
    expect(told(stages)).toEqual([['patch daskclusters/demo'], ['tell']])
    expect(at<Patch>(stages, 0, 0).patch).toEqual({spec: {suspend: true}})
  })

  it.each([
    ['its time is not over', 60, idleFor(59), '2026-11-23T11:59:01Z'],
    ['the word that it is idle is of an earlier time', 60, idleFor(72, 11), '2026-11-23T11:58:48Z'],
    ['it works', 60, {forMs: 0, ageMs: 0}, undefined],
    ['it has no timeout', 0, idleFor(999), undefined],
    ['its timeout is below nothing', -1, idleFor(999), undefined],
    ['nobody has been asked yet', 60, undefined, undefined],
  ] as const)('stays while %s', (_, timeout, view, idleSince) => {
    expect(idleSteps(idleAfter(timeout), view)).toEqual({stages: [], ...(idleSince !== undefined && {idleSince})})
  })

  it('stays where the scheduler cannot be asked, and that is told', () => {
    const {stages} = idleSteps(idleAfter(60), {...idleFor(999), failure: 'no function may be run'})
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
    const watch = createIdleWatch(ask, {now: () => time, steady: () => time}, 1)
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

/** A cluster whose scheduler is asked again and again, and what is known after each answer. */
const asking = (cluster: DaskCluster, ask: AskIdle, clocks: Clocks) => {
  let clusters = createStore(DASK_CLUSTERS)
  let pods = createStore(PODS)
  const reader = {cache: (kind: {readonly plural: string}) => (kind.plural === 'pods' ? pods : clusters)} as unknown as Reader
  const stop = new AbortController()
  const views: (IdleView | undefined)[] = []
  const watch = createIdleWatch(ask, clocks, 1)
  /** Returns what is known of the next one at once. */
  const replace = (next: DaskCluster, podUid: string): IdleView | undefined => {
    clusters = createStore(DASK_CLUSTERS)
    pods = createStore(PODS)
    clusters.put(next)
    pods.put(makePod('demo-scheduler', next, undefined, {uid: podUid}))
    return watch.of({namespace: 'ns', name: 'demo'}, reader)
  }
  watch.start((ref) => views.push(watch.of(ref, reader)), stop.signal)
  replace(cluster, 'uid-1')
  return {views, replace, end: () => stop.abort()}
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
    expect(views[2]).toMatchObject({forMs: 0, ageMs: 20_000})
  })

  it('is no longer for a clock that is set forward', async () => {
    let time = NOW - 3600_000
    const ask = async (): Promise<Idleness> => {
      time += 3600_000
      return idle('m', NOW - 1000)
    }
    const {views, end} = asking(idleAfter(0.001), ask, {now: () => time, steady: () => 0})
    await until(() => views.length >= 2)
    end()
    expect(views.slice(0, 2)).toEqual([
      {since: NOW, forMs: 0, ageMs: 0},
      {since: NOW, forMs: 0, ageMs: 0},
    ])
  })

  it.each([
    ['a cluster that takes its place under its name', 'cluster-2', 'uid-2'],
    ['a scheduler that takes the place of its own', 'cluster-1', 'uid-2'],
  ])('is nothing to %s', async (_, uid, podUid) => {
    const [cluster, clock] = [idleAfter(0.001), {time: NOW}]
    const time = (): number => clock.time
    const answer = Promise.withResolvers<Idleness>()
    const answers = [Promise.resolve(idle('0 transitions')), answer.promise]
    // One that nobody has used says the same as the one before it.
    const {views, replace, end} = asking(cluster, async () => (await answers.shift()) ?? idle('0 transitions'), {now: time, steady: time})
    await until(() => views.length === 1)
    // It goes while it is asked.
    await until(() => answers.length === 0)
    clock.time += 59_000
    expect(replace({...cluster, metadata: {...cluster.metadata, uid, resourceVersion: '20'}}, podUid)).toBeUndefined()
    answer.resolve(idle('0 transitions'))
    clock.time += 4_000
    await until(() => views.some((view) => view?.since === clock.time))
    end()
    expect(views.at(-1)).toEqual({since: clock.time, forMs: 0, ageMs: 0})
  })

  it('goes on after a restart of the operator, unless something has run since', async () => {
    const cluster = idleAfter(1, {}, {idleSince: '2026-11-23T11:50:00Z'})
    expect(since(await watched(cluster, [idle('x', seconds(605))]))).toEqual([-600])
    expect(since(await watched(cluster, [idle('x', seconds(300))]))).toEqual([0])
    // An old scheduler does not tell since when.
    expect(since(await watched(cluster, [idle('x')]))).toEqual([0])
  })
})
