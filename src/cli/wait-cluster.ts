import {PODS} from '../api/core.ts'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS, type DaskCluster} from '../api/dask.ts'
import {LABEL_CLUSTER} from '../api/names.ts'
import type {KubeClient} from '../kube/client.ts'
import {type ClusterProgress, clusterProgress, firstPodProblem, type Problem, type StepNews, withWorkerNumber} from './cluster-progress.ts'
import {connectedWords, untilConnected} from './connected.ts'
import {lastLogLines} from './pod-logs.ts'
import {NOT_CONNECTED, type RollCall, restartedWorker, wantedWorkers} from './roll-call.ts'
import {EXIT, UserError} from './user-error.ts'
import {type Look, openWatch} from './watch.ts'

/** How long a cause that may pass (no room yet, a quota) is given before the wait ends with it. */
const PATIENCE_MS = 20_000
/** How long an operator may take to notice a cluster before we ask whether there is one. */
const UNSERVED_MS = 10_000

const NOT_SERVED = 'no operator has taken it up yet: is one running?'

export interface WaitOptions {
  readonly client: KubeClient
  readonly namespace: string
  readonly name: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly report: (step: StepNews) => void
  /** The program as it was called, for what to do next. */
  readonly bin: string
}

/**
 * Waits until a cluster is ready and its workers are connected, as far as its scheduler can be asked; resolves with it.
 * Ends early, with the true reason, when a pod cannot start (with the last lines of its log when it crashed) and when the cluster is deleted.
 */
export async function waitForCluster({client, namespace, name, timeoutMs, signal, report, bin}: WaitOptions): Promise<DaskCluster> {
  const watch = await openWatch(client, signal)
  try {
    const clusters = watch.see(DASK_CLUSTERS, {namespace, name})
    const orWithout = 'what its pods wait for cannot be seen, and is told as far as its operator tells it'
    const pods = watch.see(PODS, {namespace, labelSelector: `${LABEL_CLUSTER}=${name}`, orWithout})
    const groups = watch.see(DASK_WORKER_GROUPS, {namespace, orWithout: ''})
    const counted = (cluster: DaskCluster): DaskCluster => withWorkerNumber(cluster, groups.list(namespace))
    const patience = impatience(PATIENCE_MS)
    const started = performance.now()
    let last: ClusterProgress | undefined
    const look = (roll: RollCall | undefined): Look<DaskCluster | Problem> => {
      const cluster = clusters.get({namespace, name})
      if (!cluster) throw new UserError(`DaskCluster "${name}" was deleted while waiting for it`, {exitCode: EXIT.notFound})
      last = clusterProgress(counted(cluster), pods.list(namespace))
      for (const step of last.steps) report(step)
      const problem = last.isReady ? restartedWorker(roll?.missing ?? []) : last.problem
      if (problem) {
        const spare = patience(problem)
        if (spare <= 0) return {done: problem}
        if (!last.isReady) return {again: spare}
      }
      return last.isReady ? {done: cluster} : unserved(cluster, performance.now() - started, report)
    }
    const isServed = (): boolean => clusters.get({namespace, name})?.status?.phase !== undefined
    const waitingFor = (roll: RollCall | undefined): string =>
      roll && last?.isReady
        ? `DaskCluster "${name}" is ready, but ${connectedWords(roll)}`
        : `DaskCluster "${name}" is not ready: ${isServed() ? whatIsMissing(last) : NOT_SERVED}`
    const end = await untilConnected(watch, {
      ...{client, place: {namespace, cluster: name, signal}, timeoutMs, report, look, waitingFor},
      wanted: (found) => ('kind' in found ? wantedWorkers(counted(found)) : 0),
      pods: () => pods.list(namespace),
    })
    if ('kind' in end) return end
    report({name: end.pod?.metadata.name ?? 'cluster', state: 'failed', detail: `${end.reason}: ${end.message}`})
    // The cluster's own word does not lead to the log of the pod that it is about.
    const ofPod = firstPodProblem(pods.list(namespace))
    throw await problemError(client, name, ofPod?.reason === end.reason ? ofPod : end, bin, signal)
  } finally {
    watch.close()
  }
}

/** Whoever holds it back lets it begin when it is its turn, which may take hours. */
const IN_A_QUEUE = 'SchedulingGated'

/** Milliseconds that a problem may still last, 0 for one that is final; the count starts when the reason first shows. */
export const impatience = (patienceMs: number): ((problem: Problem) => number) => {
  let reason: string | undefined
  let since = 0
  return (problem) => {
    if (problem.isFinal) return 0
    if (problem.reason === IN_A_QUEUE) return patienceMs
    if (problem.reason !== reason) {
      reason = problem.reason
      since = performance.now()
    }
    return patienceMs - (performance.now() - since)
  }
}

const unserved = (cluster: DaskCluster, waitedMs: number, report: WaitOptions['report']): Look<never> => {
  if (cluster.status?.phase !== undefined) return {}
  if (waitedMs < UNSERVED_MS) return {again: UNSERVED_MS - waitedMs}
  report({name: 'operator', state: 'waiting', detail: NOT_SERVED})
  return {}
}

const whatIsMissing = (progress: ClusterProgress | undefined): string => {
  if (!progress) return 'the API server has not answered'
  const missing = progress.steps.filter(({state}) => state !== 'done')
  return missing.map(({name, detail}) => `${name} ${detail || 'not created'}`).join(', ') || 'its operator has not said so'
}

/** The sentence that ends a wait early. */
export const problemError = async (
  client: KubeClient,
  cluster: string,
  problem: Problem,
  bin: string,
  signal: AbortSignal,
): Promise<UserError> => {
  const {pod, reason, message} = problem
  const lines = pod && (reason === 'CrashLoopBackOff' || reason === NOT_CONNECTED) ? await lastLogLines(client, pod, signal) : []
  const log = lines.length > 0 ? `; its last words: ${lines.join(' | ')}` : ''
  const subject = pod
    ? `pod ${pod.metadata.name} of DaskCluster "${cluster}" does not ${reason === NOT_CONNECTED ? 'get to its scheduler' : 'start'}`
    : `DaskCluster "${cluster}" does not get ready`
  return new UserError(`${subject}: ${reason}: ${message}${log}`, {
    next: [`"${bin} cluster describe ${cluster}" shows more`, `"${bin} cluster delete ${cluster}" takes it away`],
  })
}
