import {setTimeout as pause} from 'node:timers/promises'
import {afterAll, beforeAll, it} from 'vitest'
import {PODS, type Pod, type PodStatus} from '../../../../src/api/core.ts'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS} from '../../../../src/api/dask.ts'
import {LABEL_COMPONENT} from '../../../../src/api/names.ts'
import {applyCrds} from '../../../../src/cli/crds.ts'
import type {KubeClient} from '../../../../src/kube/client.ts'
import {loadKubeConfig} from '../../../../src/kube/config.ts'
import {connect} from '../../../../src/kube/connect.ts'
import {createLog} from '../../../../src/operator/engine/log.ts'
import {runOperator} from '../../../../src/operator/run.ts'
import {type Ground, startGround} from '../../sandbox/apiserver/ground.ts'
import {makeCluster, RUNNING} from '../objects.ts'

/** A worker that is lost and back before the status of its group was written changes nothing there; nor does anything where the server drops that. */

const NS = {namespace: 'default'}
const SOON_MS = 5000

let ground: Ground
let client: KubeClient
let operator: Promise<void>
const term = new AbortController()
beforeAll(async () => {
  ground = await startGround()
  client = connect(loadKubeConfig({kubeconfig: ground.kubeconfig}))
  await applyCrds(client, term.signal)
  const patch: KubeClient['patch'] = (kind, ref, change, options) =>
    kind.plural === DASK_WORKER_GROUPS.plural && options.subresource === 'status'
      ? client.get(kind, ref)
      : client.patch(kind, ref, change, options)
  const withSilentGroups = {...client, patch}
  operator = runOperator({
    client: withSilentGroups,
    identity: 'test',
    leaderElection: false,
    signal: term.signal,
    log: createLog('error', () => undefined),
  })
})
afterAll(async () => {
  term.abort()
  await operator
  await client.close()
  await ground.stop()
})

const podsOf = async (component: string): Promise<readonly Pod[]> =>
  (await client.list(PODS, {...NS, labelSelector: `${LABEL_COMPONENT}=${component}`})).items
const becomes = async (component: string, status: PodStatus): Promise<void> => {
  for (const {metadata} of await podsOf(component)) await client.patch(PODS, metadata, {status}, {type: 'merge', subresource: 'status'})
}
const within = async (isSo: () => Promise<boolean>, what: string): Promise<void> => {
  const deadline = performance.now() + SOON_MS
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within ${SOON_MS / 1000} s: ${what}`)
    await pause(20)
  }
}
const tells = (ready: number): Promise<void> =>
  within(
    async () => (await client.get(DASK_CLUSTERS, {...NS, name: 'demo'})).status?.readyReplicas === ready,
    `the cluster tells of ${ready} ready workers`,
  )

it("a cluster's status follows its workers, whatever their group tells", async () => {
  const {apiVersion, kind, spec} = makeCluster(2)
  await client.create(DASK_CLUSTERS, {apiVersion, kind, metadata: {...NS, name: 'demo'}, spec})
  await within(async () => (await podsOf('worker')).length === 2 && (await podsOf('scheduler')).length === 1, 'pods are made')
  await becomes('scheduler', RUNNING)
  await becomes('worker', RUNNING)
  await tells(2)
  const isUnready = {...RUNNING, conditions: [{type: 'Ready', status: 'False' as const}]}
  await becomes('worker', isUnready)
  await tells(0)
  await becomes('worker', RUNNING)
  await tells(2)
})
