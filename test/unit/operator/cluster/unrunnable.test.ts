import {setTimeout as pause} from 'node:timers/promises'
import {expect, it, vi} from 'vitest'
import {PODS, type Pod} from '../../../../src/api/core.ts'
import {DASK_CLUSTERS, type DaskCluster} from '../../../../src/api/dask.ts'
import {createStore} from '../../../../src/kube/store.ts'
import {unrunnableClaim} from '../../../../src/operator/cluster/unrunnable.ts'
import {createUnrunnableWatch} from '../../../../src/operator/cluster/unrunnable-watch.ts'
import type {Reader} from '../../../../src/operator/engine/contract.ts'
import {makeCluster, makePod} from '../objects.ts'

/** For so long nothing more may be asked. */
const QUIET_MS = 100

const withStatus = (replicas: number, told?: 'True' | 'False'): DaskCluster => {
  const cluster = makeCluster(replicas)
  const conditions = told ? [{type: 'TasksUnrunnable', status: told, reason: 'NoSuitableWorker', message: 'm', lastTransitionTime: ''}] : []
  return {...cluster, status: {...cluster.status, replicas, conditions}}
}

/** What is known after each answer of the scheduler, and how often it was asked in the end. */
const watched = async (cluster: DaskCluster, live: number, answers: readonly (number | Error)[]) => {
  const clusters = createStore(DASK_CLUSTERS)
  clusters.put(cluster)
  const pods = createStore(PODS)
  pods.put(makePod('demo-scheduler', cluster))
  const reader = {cache: (kind: {readonly plural: string}) => (kind.plural === 'pods' ? pods : clusters)} as unknown as Reader
  const workers = Array.from({length: live}, (_, index): Pod => makePod(`worker-${index}`, cluster))
  const groups = [{group: {} as never, pods: workers}]
  const stop = new AbortController()
  const left = [...answers]
  const seen: (number | undefined)[] = []
  let asked = 0
  const watch = createUnrunnableWatch(async () => {
    asked++
    const answer = left.shift()
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error('asked too often')
    return answer
  }, 1)
  // The status that tells of fewer workers is written after the first look.
  const settled = {...cluster, status: {...cluster.status, replicas: live}}
  watch.start(() => void seen.push(watch.of(settled, groups, reader)), stop.signal)
  const first = watch.of(cluster, groups, reader)
  await vi.waitFor(() => expect(left).toEqual([]))
  await pause(QUIET_MS)
  stop.abort()
  return {first, seen, asked}
}

it('a scheduler is asked only after workers have gone, or where such tasks were told of', async () => {
  expect(await watched(withStatus(2), 2, [])).toEqual({first: undefined, seen: [], asked: 0})
  expect(await watched(withStatus(2, 'False'), 2, [])).toMatchObject({asked: 0})
  expect(await watched(withStatus(2), 1, [0])).toEqual({first: undefined, seen: [0], asked: 1})
  expect(await watched(withStatus(2, 'True'), 2, [0])).toMatchObject({seen: [0], asked: 1})
})

it('is asked until there are no such tasks any more; those of a single answer may pass', async () => {
  expect(await watched(withStatus(2), 1, [3, 0])).toMatchObject({seen: [undefined, 0], asked: 2})
  expect(await watched(withStatus(2), 1, [5, 4, 2, 0])).toMatchObject({seen: [undefined, 4, 2, 0], asked: 4})
})

it('that does not answer is left alone', async () => {
  const silent = new Error('connection refused')
  expect(await watched(withStatus(2), 1, [silent, silent, silent])).toMatchObject({seen: [undefined, undefined, undefined], asked: 3})
  expect(await watched(withStatus(2), 1, [2, silent, 2, 0])).toMatchObject({seen: [undefined, undefined, 2, 0], asked: 4})
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
