import {PODS} from '../api/core.ts'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS, type DaskWorkerGroup} from '../api/dask.ts'
import {ANNOTATION_RETIRING, defaultGroupName, LABEL_GROUP} from '../api/names.ts'
import {isPodReady} from '../api/pod-state.ts'
import type {KubeClient} from '../kube/client.ts'
import {ifMissing} from '../kube/errors.ts'
import {firstPodProblem, type Problem, type StepNews} from './cluster-progress.ts'
import {EXIT, UserError} from './user-error.ts'
import {impatience, problemError} from './wait-cluster.ts'
import {type Look, openWatch} from './watch.ts'
import {FIELD_MANAGER} from './write.ts'

const PATIENCE_MS = 20_000

export interface ScaleCall {
  readonly client: KubeClient
  readonly namespace: string
  readonly replicas: number
  readonly dryRun: boolean
  readonly signal: AbortSignal
}

/** Sets the number of workers of one group; resolves with the numbers before and after. */
export async function scaleGroup(
  name: string,
  {client, namespace, replicas, dryRun, signal}: ScaleCall,
): Promise<{readonly before: number}> {
  const group = await client.get(DASK_WORKER_GROUPS, {namespace, name}, {signal})
  const before = group.spec.worker.replicas ?? 1
  const patch = {spec: {worker: {replicas}}}
  if (before !== replicas)
    await client.patch(DASK_WORKER_GROUPS, {namespace, name}, patch, {type: 'merge', dryRun, fieldManager: FIELD_MANAGER, signal})
  return {before}
}

/**
 * Sets the number of a cluster's own workers, in its spec and in its default group: the operator hands a number down only when it changes,
 * and somebody may have scaled the group alone.
 */
export async function scaleCluster(name: string, call: ScaleCall): Promise<{readonly before: number}> {
  const {client, namespace, replicas, dryRun, signal} = call
  const [cluster, group] = await Promise.all([
    client.get(DASK_CLUSTERS, {namespace, name}, {signal}),
    // A cluster so new that its group is not there yet: the number is in its spec.
    client.get(DASK_WORKER_GROUPS, {namespace, name: defaultGroupName(name)}, {signal}).catch(ifMissing(undefined)),
  ])
  const stated = cluster.spec.worker.replicas ?? 1
  // Read before the first write: the operator hands the number down to the group at once.
  const before = group?.spec.worker.replicas ?? stated
  const patch = {spec: {worker: {replicas}}}
  if (stated !== replicas)
    await client.patch(DASK_CLUSTERS, {namespace, name}, patch, {type: 'merge', dryRun, fieldManager: FIELD_MANAGER, signal})
  await scaleGroup(defaultGroupName(name), call).catch(ifMissing(undefined))
  return {before}
}

export interface ScaleWait {
  readonly client: KubeClient
  readonly namespace: string
  readonly cluster: string
  readonly group: string
  readonly replicas: number
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly report: (step: StepNews) => void
  readonly bin: string
}

/** Waits until a group has exactly this number of workers, all ready, and none that is still retiring. Ends early when its pods cannot start. */
export async function waitForGroup({
  client,
  namespace,
  cluster,
  group,
  replicas,
  timeoutMs,
  signal,
  report,
  bin,
}: ScaleWait): Promise<void> {
  const watch = await openWatch(client, signal)
  try {
    const groups = watch.see(DASK_WORKER_GROUPS, {namespace, name: group})
    const pods = watch.see(PODS, {namespace, labelSelector: `${LABEL_GROUP}=${group}`})
    const patience = impatience(PATIENCE_MS)
    let news = ''
    const look = (): Look<Problem | undefined> => {
      const found = groups.get({namespace, name: group})
      const all = pods.list(namespace)
      const ready = all.filter(isPodReady).length
      news = `${Math.min(ready, replicas)} of ${replicas} ready${all.length > replicas ? `, ${all.length - replicas} retiring` : ''}${blocked(found)}`
      const isDone = ready === replicas && all.length === replicas
      report({name: `workers of ${group}`, state: isDone ? 'done' : 'working', detail: news})
      if (isDone) return {done: undefined}
      if (found?.metadata.deletionTimestamp !== undefined)
        throw new UserError(`DaskWorkerGroup "${group}" is being deleted`, {exitCode: EXIT.notFound})
      // One that leaves need not start first.
      const staying = all.filter(({metadata}) => metadata.annotations?.[ANNOTATION_RETIRING] === undefined)
      const problem = ready < replicas ? firstPodProblem(staying) : undefined
      if (!problem) return {}
      const left = patience(problem)
      return left <= 0 ? {done: problem} : {again: left}
    }
    const problem = await watch.until(look, {timeoutMs, waitingFor: () => `DaskWorkerGroup "${group}": ${news}`})
    if (problem) throw await problemError(client, cluster, problem, bin, signal)
  } finally {
    watch.close()
  }
}

/** What keeps workers from retiring, in the operator's words. */
const blocked = (group: DaskWorkerGroup | undefined): string => {
  const condition = group?.status?.conditions?.find(({type, status}) => type === 'RetirementBlocked' && status === 'True')
  return condition ? `; ${condition.reason}: ${condition.message}` : ''
}
