import type {Pod} from '../api/core.ts'
import type {DaskCluster} from '../api/dask.ts'
import {exitSentence} from '../api/pod-cause.ts'
import {isReadyWorker, workerIdentity} from '../api/worker-pod.ts'
import type {SchedulerWorker} from '../dask/scheduler.ts'
import {workersOf} from '../dask/victims.ts'
import type {KubeClient} from '../kube/client.ts'
import type {Problem} from './cluster-progress.ts'
import {withScheduler} from './scheduler.ts'

/** The reason of a worker whose program begins again and again and never gets to its scheduler. */
export const NOT_CONNECTED = 'NotConnected'

export interface RollCall {
  readonly wanted: number
  readonly connected: number
  /** Pods that run and of which the scheduler knows no worker. */
  readonly missing: readonly Pod[]
}

export const wantedWorkers = ({spec, status}: DaskCluster): number => status?.replicas ?? spec.worker.replicas ?? 0

/** A pod is ready as soon as its program runs; whether that has found its scheduler only the scheduler knows. */
export const callRoll = (wanted: number, pods: readonly Pod[], workers: readonly SchedulerWorker[]): RollCall => {
  const ready = pods.filter(isReadyWorker)
  const missing = ready.filter((pod) => workersOf(workerIdentity(pod), workers).length === 0)
  return {wanted, connected: ready.length - missing.length, missing}
}

/** None while the scheduler is not ready; `undefined` where it cannot be asked: it goes, or whoever waits may not reach it. */
export const askWorkers = (
  client: KubeClient,
  place: {readonly namespace: string; readonly cluster: string; readonly signal: AbortSignal},
): Promise<readonly SchedulerWorker[] | undefined> =>
  withScheduler(client, place, async (scheduler) => (await scheduler.identity()).workers).then(
    (workers) => workers ?? [],
    () => {
      place.signal.throwIfAborted()
      return undefined
    },
  )

/** One of them whose program has ended and was begun anew. */
export const restartedWorker = (missing: readonly Pod[]): Problem | undefined => {
  for (const pod of missing)
    for (const {name, restartCount, lastState} of pod.status?.containerStatuses ?? [])
      if (restartCount > 0 && lastState?.terminated) {
        const times = restartCount === 1 ? 'once' : `${restartCount} times`
        const message = `${exitSentence(name, lastState.terminated)}; it was begun anew ${times}, and the scheduler does not know it`
        return {reason: NOT_CONNECTED, message, pod, isFinal: false}
      }
  return undefined
}
