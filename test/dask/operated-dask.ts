/** The operator over an API server and real Dask; the test plays the kubelet. */

import {PODS, type Pod, type PodStatus} from '../../src/api/core.ts'
import {API_VERSION, DASK_CLUSTERS, DASK_WORKER_GROUPS, type DaskCluster, type DaskWorkerGroup} from '../../src/api/dask.ts'
import {applyCrds} from '../../src/cli/crds.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {isNotFound} from '../../src/kube/errors.ts'
import {startInformer} from '../../src/kube/start-informer.ts'
import {createLog} from '../../src/operator/engine/log.ts'
import {runOperator} from '../../src/operator/run.ts'
import {startGround} from '../unit/sandbox/apiserver/ground.ts'
import {type RealDask, startDask, until} from './real-dask.ts'

const NS = {namespace: 'default'}

export interface OperatedDask {
  readonly dask: RealDask
  /** Of the default group. */
  workers(): Promise<readonly Pod[]>
  cluster(): Promise<DaskCluster>
  group(): Promise<DaskWorkerGroup>
  scale(replicas: number): Promise<void>
  /** Resolves when there are so many pods and each of their workers runs. */
  settles(count: number): Promise<void>
  /** Ends the operator wherever it is, and starts another. */
  restartOperator(): Promise<void>
  stop(): Promise<void>
}

interface Options {
  readonly replicas: number
  /** Further flags of each `dask worker`. */
  readonly flags?: readonly string[]
  /** Worker processes in each pod. */
  readonly perPod?: number
}

/** An API server, the operator and a cluster of real Dask processes, at rest. */
export async function operateDask(version: string, {replicas, flags = [], perPod = 1}: Options): Promise<OperatedDask> {
  const ground = await startGround()
  const client = connect(loadKubeConfig({kubeconfig: ground.kubeconfig}))
  await applyCrds(client, new AbortController().signal)
  const dask = await startDask(version)
  const kubelet = new AbortController()
  await playKubelet(client, dask, flags, kubelet.signal)
  let operator = startOperator(client)

  const name = 'demo'
  const groupName = `${name}-default`
  const workers = async (): Promise<readonly Pod[]> =>
    (await client.list(PODS, {...NS, labelSelector: `dask.org/workergroup-name=${groupName}`})).items
  const connected = async (): Promise<number> => {
    const scheduler = await dask.connect()
    try {
      return (await scheduler.identity()).workers.filter(({status}) => status === 'running').length
    } finally {
      scheduler.close()
    }
  }
  const settles = (count: number): Promise<void> =>
    until(async () => (await workers()).length === count && (await connected()) === count * perPod, `${count} workers`)

  await client.create(DASK_CLUSTERS, clusterOf(name, replicas, dask))
  await settles(replicas)
  return {
    dask,
    workers,
    cluster: () => client.get(DASK_CLUSTERS, {...NS, name}),
    group: () => client.get(DASK_WORKER_GROUPS, {...NS, name: groupName}),
    scale: async (count) => {
      await client.patch(DASK_CLUSTERS, {...NS, name}, {spec: {worker: {replicas: count}}}, {type: 'merge'})
    },
    settles,
    restartOperator: async () => {
      await operator.stop()
      operator = startOperator(client)
    },
    stop: async () => {
      await operator.stop()
      kubelet.abort()
      await dask.stop()
      await client.close()
      await ground.stop()
    },
  }
}

const startOperator = (client: KubeClient): {readonly stop: () => Promise<void>} => {
  const term = new AbortController()
  const done = runOperator({
    client,
    identity: 'test',
    leaderElection: false,
    outside: true,
    signal: term.signal,
    log: createLog('error', () => undefined),
  })
  return {
    stop: async () => {
      term.abort()
      await done
    },
  }
}

const clusterOf = (name: string, replicas: number, {port, dashboard}: RealDask): DaskCluster => ({
  apiVersion: API_VERSION,
  kind: 'DaskCluster',
  metadata: {name, ...NS},
  spec: {
    scheduler: {
      spec: {containers: [{name: 'scheduler', image: 'dask'}]},
      service: {
        selector: {'dask.org/cluster-name': name},
        ports: [
          {name: 'tcp-comm', port: 8786, targetPort: port},
          {name: 'http-dashboard', port: 8787, targetPort: dashboard},
        ],
      },
    },
    worker: {replicas, spec: {containers: [{name: 'worker', image: 'dask'}]}},
  },
})

const running = (podIP?: string): PodStatus => {
  const now = `${new Date().toISOString().slice(0, 19)}Z`
  return {
    phase: 'Running',
    startTime: now,
    conditions: [{type: 'Ready', status: 'True', lastTransitionTime: now}],
    containerStatuses: [{name: 'main', ready: true, restartCount: 0, image: '', imageID: '', state: {running: {startedAt: now}}}],
    ...(podIP !== undefined && {podIP}),
  }
}

/**
 * Starts real workers for each worker pod, and leaves nothing running of a pod that has gone, as a kubelet would: a nanny may start its
 * worker anew that has just retired. Ends what the signal ends.
 */
const playKubelet = (client: KubeClient, dask: RealDask, flags: readonly string[], signal: AbortSignal): Promise<void> => {
  const start = async (pod: Pod): Promise<void> => {
    const isScheduler = pod.metadata.name.endsWith('-scheduler')
    if (!isScheduler) await dask.addWorker(pod.metadata.name, ...flags)
    await client.patch(PODS, pod.metadata, {status: running(isScheduler ? '127.0.0.1' : undefined)}, {type: 'merge', subresource: 'status'})
  }
  return startInformer({
    client,
    kind: PODS,
    signal,
    onChange: (before, after) => {
      if (before && !after) dask.killWorker(before.metadata.name)
      if (!before && after)
        start(after).catch((error: unknown) => {
          // A pod that was deleted while its worker was starting has no status any more.
          if (!signal.aborted && !isNotFound(error)) console.error(`pod ${after.metadata.name} does not start: ${String(error)}`)
        })
    },
  }).synced
}
