import {PODS} from '../api/core.ts'
import {LABEL_GROUP} from '../api/names.ts'
import {podCause} from '../api/pod-cause.ts'
import {workerIdentity} from '../api/worker-pod.ts'
import type {SchedulerWorker} from '../dask/scheduler.ts'
import {orderVictims, type Victim, type VictimCandidate, workersOf} from '../dask/victims.ts'
import type {KubeClient} from '../kube/client.ts'
import {loadOf, workText} from './cluster-numbers.ts'
import {withScheduler} from './scheduler.ts'

export interface VictimsCall {
  readonly client: KubeClient
  readonly namespace: string
  readonly cluster: string
  readonly group: string
  readonly signal: AbortSignal
}

/** One that would leave, and what its workers have. */
interface PreviewedVictim extends Victim {
  readonly workers: readonly SchedulerWorker[]
}

/** Who would leave a group, the first one first, by the operator's own order; asks the scheduler, where there is one, and changes nothing. */
export async function previewVictims(
  count: number,
  {client, namespace, cluster, group, signal}: VictimsCall,
): Promise<readonly PreviewedVictim[]> {
  const {items} = await client.list(PODS, {namespace, labelSelector: `${LABEL_GROUP}=${group}`, signal})
  const living = items.filter(({metadata}) => metadata.deletionTimestamp === undefined)
  const asked = await withScheduler(client, {namespace, cluster, signal}, async (scheduler) => {
    const {workers} = await scheduler.identity()
    return {workers, order: await scheduler.workersToClose(workers.length)}
  })
  const workers = new Map(living.map((pod) => [pod.metadata.name, workersOf(workerIdentity(pod), asked?.workers ?? [])]))
  const candidates = living.map(
    (pod): VictimCandidate => ({
      name: pod.metadata.name,
      hasFailed: pod.status?.phase === 'Failed',
      isWaiting: pod.status?.phase === 'Pending' || podCause(pod) !== undefined,
      addresses: (workers.get(pod.metadata.name) ?? []).map(({address}) => address),
    }),
  )
  return orderVictims(candidates, asked?.order ?? [])
    .slice(0, count)
    .map((victim) => ({...victim, workers: workers.get(victim.name) ?? []}))
}

/** What each would finish and hand over before it leaves. */
export const victimLines = (victims: readonly PreviewedVictim[]): string =>
  victims
    .map(({name, reason, workers}) => `pod/${name} would leave: ${reason}${workers.length > 0 ? `; ${workText(loadOf(workers))}` : ''}\n`)
    .join('')
