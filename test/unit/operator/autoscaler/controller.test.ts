import {setTimeout as pause} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import {PODS, type PodStatus} from '../../../../src/api/core.ts'
import {
  API_VERSION,
  DASK_AUTOSCALERS,
  DASK_CLUSTERS,
  DASK_WORKER_GROUPS,
  type DaskAutoscaler,
  type DaskAutoscalerSpec,
  type DaskCluster,
} from '../../../../src/api/dask.ts'
import type {Kind, KubeObject} from '../../../../src/api/object.ts'
import {createStore, type Store} from '../../../../src/kube/store.ts'
import {createAutoscalerController, type TargetQuestion} from '../../../../src/operator/autoscaler/controller.ts'
import type {Reader} from '../../../../src/operator/engine/contract.ts'
import {makeCluster, makeGroup, makePod, ownedBy, RUNNING, STARTING} from '../objects.ts'

const scaler = (name: string, spec: Partial<DaskAutoscalerSpec> = {}): DaskAutoscaler => ({
  apiVersion: API_VERSION,
  kind: 'DaskAutoscaler',
  metadata: {name, namespace: 'ns', uid: `scaler-${name}`, ownerReferences: [ownedBy(makeCluster())]},
  spec: {cluster: 'demo', minimum: 0, maximum: 10, ...spec},
})

interface Scene {
  readonly cluster?: DaskCluster
  readonly scheduler?: PodStatus
  readonly autoscalers: readonly DaskAutoscaler[]
}

/** Looks at each autoscaler once, and then at each that is to be looked at again; resolves with what schedulers have been asked. */
const asked = async ({cluster = makeCluster(), scheduler = RUNNING, autoscalers}: Scene) => {
  const stores = new Map<string, Store<KubeObject>>()
  const cache = <T extends KubeObject>(kind: Kind<T>): Store<T> => {
    const store = stores.get(kind.plural) ?? createStore(kind as Kind)
    stores.set(kind.plural, store)
    return store as unknown as Store<T>
  }
  const reader: Reader = {cache, refusal: () => undefined}
  cache(DASK_CLUSTERS).put(cluster)
  cache(PODS).put(makePod('demo-scheduler', cluster, scheduler))
  for (const name of ['demo-default', 'extra']) cache(DASK_WORKER_GROUPS).put(makeGroup(2, {name, uid: name}))
  for (const each of autoscalers) cache(DASK_AUTOSCALERS).put(each)
  const questions: TargetQuestion[] = []
  const lookedAt: string[] = []
  const controller = createAutoscalerController(async (question) => {
    questions.push(question)
    return {target: 1, isWhole: true}
  })
  const stop = new AbortController()
  controller.start?.(
    ({name}) => lookedAt.push(name),
    stop.signal,
    () => true,
  )
  for (const each of autoscalers) await controller.observe(each, reader, stop.signal)
  await pause(5)
  stop.abort()
  return {questions, lookedAt}
}

describe('a scheduler', () => {
  it('is asked once for all autoscalers of its cluster, and each is looked at again with the answer', async () => {
    const {questions, lookedAt} = await asked({autoscalers: [scaler('demo'), scaler('extra', {workerGroup: 'extra'})]})
    expect(questions.map(({cluster}) => cluster.metadata.name)).toEqual(['demo'])
    expect(lookedAt.toSorted()).toEqual(['demo', 'extra'])
  })

  it.each([
    ['minimum and maximum are the same', {autoscalers: [scaler('demo', {minimum: 3, maximum: 3})]}],
    ['minimum is above maximum', {autoscalers: [scaler('demo', {minimum: 4, maximum: 3})]}],
    ['its group is not there', {autoscalers: [scaler('demo', {workerGroup: 'nowhere'})]}],
    ['the cluster is another', {autoscalers: [scaler('demo', {cluster: 'nowhere'})]}],
    ['it is not ready', {scheduler: STARTING, autoscalers: [scaler('demo')]}],
    ['it is suspended', {cluster: suspended(), autoscalers: [scaler('demo')]}],
  ])('is not asked where %s', async (_, scene) => {
    expect((await asked(scene)).questions).toEqual([])
  })
})

function suspended(): DaskCluster {
  const cluster = makeCluster()
  return {...cluster, spec: {...cluster.spec, suspend: true}}
}
