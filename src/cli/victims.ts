import {PODS} from '../api/core.ts'
import {LABEL_GROUP} from '../api/names.ts'
import {podCause} from '../api/pod-cause.ts'
import {workerIdentity} from '../api/worker-pod.ts'
import {orderVictims, type Victim, type VictimCandidate, workersOf} from '../dask/victims.ts'
import type {KubeClient} from '../kube/client.ts'
import {withScheduler} from './scheduler.ts'

export interface VictimsCall {
  readonly client: KubeClient
  readonly namespace: string
  readonly cluster: string
  readonly group: string
  readonly signal: AbortSignal
}

/** Who would leave a group first, by the operator's own order; asks the scheduler, where there is one, and changes nothing. */
export async function previewVictims(count: number, {client, namespace, cluster, group, signal}: VictimsCall): Promise<readonly Victim[]> {
  const {items} = await client.list(PODS, {namespace, labelSelector: `${LABEL_GROUP}=${group}`, signal})
  const living = items.filter(({metadata}) => metadata.deletionTimestamp === undefined)
  const asked = await withScheduler(client, {namespace, cluster, signal}, async (scheduler) => {
    const {workers} = await scheduler.identity()
    return {workers, order: await scheduler.workersToClose(workers.length)}
  })
  const candidates = living.map((pod): VictimCandidate => {
    const addresses = workersOf(workerIdentity(pod), asked?.workers ?? []).map(({address}) => address)
    return {
      name: pod.metadata.name,
      hasFailed: pod.status?.phase === 'Failed',
      isWaiting: pod.status?.phase === 'Pending' || podCause(pod) !== undefined,
      addresses,
    }
  })
  return orderVictims(candidates, asked?.order ?? []).slice(0, count)
}
