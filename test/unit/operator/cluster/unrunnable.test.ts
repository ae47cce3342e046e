import {setTimeout as pause} from 'node:timers/promises'
import {expect, it, vi} from 'vitest'
import {PODS, type Pod, type PodStatus} from '../../../../src/api/core.ts'
import {DASK_CLUSTERS, type DaskCluster} from '../../../../src/api/dask.ts'
import {createStore} from '../../../../src/kube/store.ts'
import {unrunnableClaim} from '../../../../src/operator/cluster/unrunnable.ts'
import {createUnrunnableWatch} from '../../../../src/operator/cluster/unrunnable-watch.ts'
import type {Reader} from '../../../../src/operator/engine/contract.ts'
import {ago, makeCluster, makePod, RUNNING, STARTING} from '../objects.ts'

/** For so long nothing more may be asked. */
const QUIET_MS = 100

const withStatus = (replicas: number, told?: 'True' | 'False', uid = 'cluster-1'): DaskCluster => {
  const cluster = makeCluster(replicas, {uid})
  const conditions = told ? [{type: 'TasksUnrunnable', status: told, reason: 'NoSuitableWorker', message: 'm', lastTransitionTime: ''}] : []
  return {...cluster, status: {...cluster.status, replicas, conditions}}
}

type Answer = number | undefined | Error

/** A watch, and what it has given to each look at the cluster. */
const watching = () => {
  const [clusters, pods] = [createStore(DASK_CLUSTERS), createStore(PODS)]
  const reader = {cache: (kind: {readonly plural: string}) => (kind.plural === 'pods' ? pods : clusters)} as unknown as Reader
  const stop = new AbortController()
  const left: Answer[] = []
  const seen: (number | undefined)[] = []
  let asked = 0
  let version = 5
  let now: {readonly cluster: DaskCluster; readonly workers: readonly Pod[]} | undefined
  const watch = createUnrunnableWatch(async () => {
    asked++
    if (left.length === 0) throw new Error('asked too often')
    const answer = left.shift()
    if (answer instanceof Error) throw answer
    return answer
  }, 1)
  const lookAgain = (): number | undefined => now && watch.of(now.cluster, [{group: {} as never, pods: now.workers}], reader)
  watch.start(() => void seen.push(lookAgain()), stop.signal)
  return {
    seen,
    asked: () => asked,
    /** Looks at the cluster with these workers, `-name` for one that is being deleted, and waits until these answers have been asked for and no more. */
    look: async (
      cluster: DaskCluster,
      names: readonly string[],
      answers: readonly Answer[] = [],
      scheduler: PodStatus = RUNNING,
    ): Promise<number | undefined> => {
      clusters.put(cluster)
      pods.put(makePod('demo-scheduler', cluster, scheduler, {resourceVersion: String(++version)}))
      const worker = (name: string): Pod => makePod(name, cluster, RUNNING, name.startsWith('-') ? {deletionTimestamp: ago(0)} : {})
      now = {cluster, workers: names.map(worker)}
      left.push(...answers)
      const first = lookAgain()
      await vi.waitFor(() => expect(left).toEqual([]), {timeout: 10_000})
      await pause(QUIET_MS)
      return first
    },
    stop: () => stop.abort(),
  }
}

it('a scheduler is asked when workers have gone, though others have come in their place', async () => {
  const watch = watching()
  await watch.look(withStatus(2), ['a', 'b'])
  await watch.look(withStatus(2, 'False'), ['a', 'b', 'c'])
  expect(watch.asked()).toBe(0)
  await watch.look(withStatus(3), ['a', 'b', 'd'], [0])
  expect(watch.asked()).toBe(1)
  // While one is going it may still be connected: asked again and again, until it has gone.
  await watch.look(withStatus(3), ['a', 'b', 'd', '-e'], [0, 0, 0])
  watch.stop()
  expect(watch.seen.slice(0, 4)).toEqual([0, 0, 0, 0])
})

it('by an operator that has just begun, where fewer are there than the status tells, or that tells of such tasks', async () => {
  const fewer = watching()
  await fewer.look(withStatus(2), ['a'], [0])
  const told = watching()
  await told.look(withStatus(1, 'True'), ['a'], [3, 0])
  for (const watch of [fewer, told]) watch.stop()
  expect([fewer.seen, told.seen]).toEqual([[0], [undefined, 0]])
})

it('is asked until there are no such tasks any more; those of a single answer may pass', async () => {
  const watch = watching()
  await watch.look(withStatus(2), ['a'], [5, 4, 2, 0])
  watch.stop()
  expect(watch.seen).toEqual([undefined, 4, 2, 0])
})

it('is asked on while no worker runs that could take them', async () => {
  const watch = watching()
  await watch.look(withStatus(2), ['a'], [undefined, undefined, 2, 2, 0])
  watch.stop()
  expect(watch.seen).toEqual([undefined, undefined, undefined, 2, 0])
})

it('is not asked without workers, or before it is ready, and then as soon as there is somebody to ask', async () => {
  const watch = watching()
  await watch.look(withStatus(2), ['a', 'b'])
  await watch.look(withStatus(2), [])
  await watch.look(withStatus(0), ['c'], [], STARTING)
  expect(watch.asked()).toBe(0)
  await watch.look(withStatus(1), ['c'], [0])
  watch.stop()
  expect(watch.seen).toEqual([0])
})

it('that does not answer is left alone until workers go the next time', async () => {
  const silent = new Error('connection refused')
  const watch = watching()
  await watch.look(withStatus(2), ['a'], [silent, silent, silent])
  await watch.look(withStatus(1), ['b'], [2, silent, 2, 0])
  watch.stop()
  expect(watch.seen).toEqual([undefined, undefined, undefined, undefined, undefined, 2, 0])
})

it('what was known of a cluster says nothing of the next one of its name', async () => {
  const watch = watching()
  await watch.look(withStatus(2), ['a'], [3, 3, 0])
  expect(watch.seen).toEqual([undefined, 3, 0])
  expect(await watch.look(withStatus(1, undefined, 'cluster-2'), ['b'])).toBeUndefined()
  watch.stop()
})

it('the condition comes with the first such task, stands while nobody knows, and goes with the scheduler', () => {
  expect(unrunnableClaim(withStatus(2), 0)).toEqual({})
  expect(unrunnableClaim(withStatus(2), undefined)).toEqual({})
  expect(unrunnableClaim(withStatus(2), 1)).toMatchObject({
    TasksUnrunnable: {status: true, message: expect.stringMatching(/^1 task waits /)},
  })
  expect(unrunnableClaim(withStatus(2, 'True'), undefined)).toMatchObject({TasksUnrunnable: {status: true, message: 'm'}})
  expect(unrunnableClaim(withStatus(2, 'True'), 0)).toMatchObject({TasksUnrunnable: {status: false}})
  const suspended = withStatus(2, 'True')
  expect(unrunnableClaim({...suspended, spec: {...suspended.spec, suspend: true}}, undefined)).toEqual({})
})
