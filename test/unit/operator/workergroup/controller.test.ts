import {expect, it} from 'vitest'
import {PODS} from '../../../../src/api/core.ts'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS} from '../../../../src/api/dask.ts'
import type {Kind} from '../../../../src/api/object.ts'
import {createStore, type Store} from '../../../../src/kube/store.ts'
import type {Reader} from '../../../../src/operator/engine/contract.ts'
import {createGroupController} from '../../../../src/operator/workergroup/controller.ts'
import {createRetirements} from '../../../../src/operator/workergroup/retirements.ts'
import {makeCluster, makeGroup, makePod, NOW} from '../objects.ts'

it('a number that nobody can have meant fills no memory: so many pods are planned as one look can make', async () => {
  const cluster = makeCluster(99_999_999_999)
  const group = makeGroup(99_999_999_999, {}, cluster)
  const controller = createGroupController(
    () => Promise.reject(new Error('nobody is to be asked')),
    createRetirements(() => Promise.resolve()),
  )
  const stores = [DASK_CLUSTERS, DASK_WORKER_GROUPS, PODS].map((kind) => createStore(kind as Kind))
  const cache: Reader['cache'] = (kind) => stores.find((store) => store.kind.plural === kind.plural) as unknown as Store<never>
  for (const object of [cluster, group, makePod('demo-scheduler', cluster)]) stores.find(({kind}) => kind.kind === object.kind)?.put(object)
  const reader: Reader = {cache, refusal: () => undefined}
  const world = await controller.observe(group, reader, new AbortController().signal)
  const {stages} = controller.plan(group, world, NOW)
  expect(stages.flat()).toHaveLength(2_000)
})
