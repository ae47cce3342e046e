import {afterAll, beforeAll, expect, it} from 'vitest'
import {PODS} from '../../../../src/api/core.ts'
import {DASK_CLUSTERS} from '../../../../src/api/dask.ts'
import {applyCrds} from '../../../../src/cli/crds.ts'
import type {KubeClient} from '../../../../src/kube/client.ts'
import {loadKubeConfig} from '../../../../src/kube/config.ts'
import {connect} from '../../../../src/kube/connect.ts'
import {createLog} from '../../../../src/operator/engine/log.ts'
import {runOperator} from '../../../../src/operator/run.ts'
import {type Ground, startGround} from '../../sandbox/apiserver/ground.ts'
import {until} from '../engine/ground.ts'
import {endedWith, makeCluster, RUNNING} from '../objects.ts'

/** The operator itself beside an API server that refuses an edit of a cluster's service for good. */

const CLUSTER = {namespace: 'default', name: 'demo'}
const SCHEDULER = {namespace: 'default', name: 'demo-scheduler'}
let ground: Ground
let client: KubeClient
let operator: Promise<void>
const term = new AbortController()
beforeAll(async () => {
  ground = await startGround()
  client = connect(loadKubeConfig({kubeconfig: ground.kubeconfig}))
  await applyCrds(client, term.signal)
  operator = runOperator({client, identity: 'test', leaderElection: false, signal: term.signal, log: createLog('error', () => undefined)})
})
afterAll(async () => {
  term.abort()
  await operator
  await client.close()
  await ground.stop()
})

const uidOfScheduler = async (): Promise<string | undefined> => (await client.get(PODS, SCHEDULER)).metadata.uid
const status = {type: 'merge', subresource: 'status'} as const

it('a scheduler that is deleted, and one that has failed, is made again', async () => {
  const {apiVersion, kind, spec} = makeCluster(1)
  await client.create(DASK_CLUSTERS, {apiVersion, kind, metadata: CLUSTER, spec})
  await until(async () => (await uidOfScheduler()) !== undefined)
  await client.patch(PODS, SCHEDULER, {status: RUNNING}, status)
  await until(async () => (await client.get(DASK_CLUSTERS, CLUSTER)).status?.phase === 'Running')
  await client.patch(DASK_CLUSTERS, CLUSTER, {spec: {scheduler: {service: {clusterIP: '10.1.2.3'}}}}, {type: 'merge'})
  const reason = async (): Promise<string | undefined> =>
    (await client.get(DASK_CLUSTERS, CLUSTER)).status?.conditions?.find(({type}) => type === 'Degraded')?.reason
  await until(async () => (await reason()) === 'FailedPatch')

  const first = await uidOfScheduler()
  await client.delete(PODS, SCHEDULER)
  await until(async () => (await uidOfScheduler()) !== first)
  const second = await uidOfScheduler()
  await client.patch(PODS, SCHEDULER, {status: endedWith(137)}, status)
  await until(async () => (await uidOfScheduler()) !== second, 20_000)
  expect(await reason()).toBe('FailedPatch')
}, 40_000)
