import {PODS} from '../api/core.ts'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS, type DaskWorkerGroup} from '../api/dask.ts'
import {ANNOTATION_RETIRING, defaultGroupName, LABEL_GROUP} from '../api/names.ts'
import type {Condition} from '../api/object.ts'
import {isPodReady} from '../api/pod-state.ts'
import type {KubeClient} from '../kube/client.ts'
import {ifMissing} from '../kube/errors.ts'
import {firstPodProblem, type Problem, type StepNews} from './cluster-progress.ts'
import {connectedWords, untilConnected} from './connected.ts'
import {type RollCall, restartedWorker} from './roll-call.ts'
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
  /** Whether there have to be new ones: only then the scheduler is asked for them. */
  readonly isGrowing: boolean
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly report: (step: StepNews) => void
  /** Hears of the condition RetirementBlocked, where `report` does not show it. */
  readonly onBlocked?: (condition: Condition) => void
  readonly bin: string
}

/**
 * Waits until a group has exactly this number of workers, all ready, connected with the scheduler as far as that can be asked, and none that is
 * still retiring. Ends early when its pods cannot start.
 */
export async function waitForGroup({
  client,
  namespace,
  cluster,
  group,
  replicas,
  isGrowing,
  timeoutMs,
  signal,
  report,
  onBlocked,
  bin,
}: ScaleWait): Promise<void> {
  const watch = await openWatch(client, signal)
  try {
    const groups = watch.see(DASK_WORKER_GROUPS, {namespace, name: group})
    const pods = watch.see(PODS, {namespace, labelSelector: `${LABEL_GROUP}=${group}`})
    const patience = impatience(PATIENCE_MS)
    let news = ''
    let isReady = false
    const look = (roll: RollCall | undefined): Look<Problem | undefined> => {
      const found = groups.get({namespace, name: group})
      const all = pods.list(namespace)
      const ready = all.filter(isPodReady).length
      const blocked = retirementBlocked(found)
      if (blocked) onBlocked?.(blocked)
      const why = blocked ? `; ${blocked.reason}: ${blocked.message}` : ''
      news = `${Math.min(ready, replicas)} of ${replicas} ready${all.length > replicas ? `, ${all.length - replicas} retiring` : ''}${why}`
      isReady = ready === replicas && all.length === replicas
      report({name: `workers of ${group}`, state: isReady ? 'done' : 'working', detail: news})
      if (!isReady && found?.metadata.deletionTimestamp !== undefined)
        throw new UserError(`DaskWorkerGroup "${group}" is being deleted`, {exitCode: EXIT.notFound})
      // One that leaves need not start first.
      const staying = all.filter(({metadata}) => metadata.annotations?.[ANNOTATION_RETIRING] === undefined)
      const problem = isReady ? restartedWorker(roll?.missing ?? []) : ready < replicas ? firstPodProblem(staying) : undefined
      const left = problem ? patience(problem) : undefined
      if (left !== undefined && left <= 0) return {done: problem}
      if (isReady) return {done: undefined}
      return left === undefined ? {} : {again: left}
    }
    const problem = await untilConnected(watch, {
      ...{client, place: {namespace, cluster, signal}, timeoutMs, report, look},
      wanted: (end) => (end || !isGrowing ? 0 : replicas),
      pods: () => pods.list(namespace),
      waitingFor: (roll) => `DaskWorkerGroup "${group}"${roll && isReady ? ` is ready, but ${connectedWords(roll)}` : `: ${news}`}`,
    })
    if (problem) throw await problemError(client, cluster, problem, bin, signal)
  } finally {
    watch.close()
  }
}

/** What keeps workers from retiring, in the operator's words. */
const retirementBlocked = (group: DaskWorkerGroup | undefined): Condition | undefined =>
  group?.status?.conditions?.find(({type, status}) => type === 'RetirementBlocked' && status === 'True')
