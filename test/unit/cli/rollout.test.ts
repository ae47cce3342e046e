import {afterAll, beforeAll, expect, it} from 'vitest'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS, type DaskWorkerGroupStatus} from '../../../src/api/dask.ts'
import {applyCrds} from '../../../src/cli/crds.ts'
import {waitForRollout} from '../../../src/cli/rollout.ts'
import {EXIT, UserError} from '../../../src/cli/user-error.ts'
import type {KubeClient} from '../../../src/kube/client.ts'
import {loadKubeConfig} from '../../../src/kube/config.ts'
import {connect} from '../../../src/kube/connect.ts'
import {defaultGroup} from '../../../src/operator/cluster/parts.ts'
import {makeCluster} from '../operator/objects.ts'
import {type Ground, startGround} from '../sandbox/apiserver/ground.ts'

const AT = {namespace: 'default'}
const group = {...AT, name: 'demo-default'}

let ground: Ground
let client: KubeClient
beforeAll(async () => {
  ground = await startGround()
  client = connect(loadKubeConfig({kubeconfig: ground.kubeconfig}))
  await applyCrds(client, new AbortController().signal)
  const {spec} = makeCluster(2)
  const {apiVersion, kind} = DASK_CLUSTERS
  const cluster = await client.create(DASK_CLUSTERS, {apiVersion, kind, metadata: {...AT, name: 'demo'}, spec})
  await client.create(DASK_WORKER_GROUPS, defaultGroup(cluster))
  await client.patch(DASK_CLUSTERS, cluster.metadata, {status: {observedGeneration: 1}}, {type: 'merge', subresource: 'status'})
})
afterAll(async () => {
  await client.close()
  await ground.stop()
})

/** Whether it is over; where it is not that takes as long as is waited for. */
const rolledOut = async (status: DaskWorkerGroupStatus, timeoutMs = 300): Promise<boolean> => {
  await client.patch(DASK_WORKER_GROUPS, group, {status: {observedGeneration: 1, ...status}}, {type: 'merge', subresource: 'status'})
  const call = {client, ...AT, name: 'demo', timeoutMs, signal: new AbortController().signal, report: () => undefined, bin: 'kubectl dask'}
  return waitForRollout(call).then(
    () => true,
    (error: unknown) => {
      if (error instanceof UserError && error.exitCode === EXIT.timedOut) return false
      throw error
    },
  )
}

it('a rollout is over when all workers are new and ready, and no other is there', async () => {
  const done = {replicas: 2, updatedReplicas: 2, readyReplicas: 2, retiringReplicas: 0}
  expect(await rolledOut({...done, updatedReplicas: 1})).toBe(false)
  expect(await rolledOut({...done, replicas: 3, retiringReplicas: 1})).toBe(false)
  // An old worker and a new one are ready, another new one is not: two of each count, and the old one has not been marked yet.
  expect(await rolledOut({...done, replicas: 3})).toBe(false)
  expect(await rolledOut(done, 10_000)).toBe(true)
})

it('a rollout is not over as long as the new workers have no scheduler', async () => {
  const scheduler = async (status: 'True' | 'False'): Promise<void> => {
    const condition = {type: 'SchedulerReady', status, reason: 'x', message: '', lastTransitionTime: '2026-11-30T12:00:00Z'}
    await client.patch(DASK_CLUSTERS, {...AT, name: 'demo'}, {status: {conditions: [condition]}}, {type: 'merge', subresource: 'status'})
  }
  const done = {replicas: 2, updatedReplicas: 2, readyReplicas: 2, retiringReplicas: 0}
  await scheduler('False')
  expect(await rolledOut(done)).toBe(false)
  await scheduler('True')
  expect(await rolledOut(done, 10_000)).toBe(true)
})

it('a rollout of a suspended cluster is not waited for', async () => {
  await client.patch(DASK_CLUSTERS, {...AT, name: 'demo'}, {spec: {suspend: true}}, {type: 'merge'})
  const call = {
    client,
    ...AT,
    name: 'demo',
    timeoutMs: 5_000,
    signal: new AbortController().signal,
    report: () => undefined,
    bin: 'kubectl dask',
  }
  await expect(waitForRollout(call)).rejects.toThrow('DaskCluster "demo" is suspended')
})
