import {PODS} from '../api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, type DaskCluster, type DaskJob} from '../api/dask.ts'
import {hasJobEnded} from '../api/job-state.ts'
import {ANNOTATION_RESTARTED_AT, clusterPodsSelector} from '../api/names.ts'
import type {Kind, KubeObject} from '../api/object.ts'
import {controllerOf} from '../api/ownership.ts'
import type {KubeClient} from '../kube/client.ts'
import {ifMissing} from '../kube/errors.ts'
import type {StepNews} from './cluster-progress.ts'
import {conditionOf} from './columns.ts'
import {EXIT, UserError} from './user-error.ts'
import {type Look, openWatch} from './watch.ts'
import {FIELD_MANAGER} from './write.ts'

/** Changes of a whole cluster that the operator carries out, and waiting until it has. */

export interface ChangeCall {
  readonly client: KubeClient
  readonly namespace: string
  readonly name: string
  readonly dryRun: boolean
  readonly signal: AbortSignal
}

/** Sets `spec.suspend` of a cluster or job; resolves with whether that changed anything. */
export async function setSuspend(
  isSuspended: boolean,
  {client, kind, namespace, name, dryRun, signal}: ChangeCall & {readonly kind: Kind<DaskCluster> | Kind<DaskJob>},
): Promise<boolean> {
  const options = {type: 'merge', dryRun, fieldManager: FIELD_MANAGER, signal} as const
  const suspended = async (object: Promise<KubeObject>): Promise<boolean> =>
    (await (object as Promise<DaskCluster | DaskJob>)).spec.suspend ?? false
  if ((await suspended(client.get(kind as Kind, {namespace, name}, {signal}))) === isSuspended) return false
  const after = client.patch(kind as Kind, {namespace, name}, {spec: {suspend: isSuspended}}, options)
  // The Python operator's definitions drop the field without a word.
  if ((await suspended(after)) !== isSuspended)
    throw new UserError(`the installed definition of ${kind.kind} does not know spec.suspend`, {
      next: ['install the newer definitions: "operator install", or kubectl apply --server-side -f manifests/crds'],
    })
  return true
}

/** A job has its own cluster suspended and resumed with itself: its program would only wait in vain for a cluster that is not there. */
export async function refuseForItsJob(
  isSuspended: boolean,
  {client, namespace, name, signal, bin}: Omit<ChangeCall, 'dryRun'> & {readonly bin: string},
): Promise<void> {
  const controller = controllerOf(await client.get(DASK_CLUSTERS, {namespace, name}, {signal}))
  if (controller?.kind !== DASK_JOBS.kind) return
  const job = await client.get(DASK_JOBS, {namespace, name: controller.name}, {signal}).catch(ifMissing(undefined))
  if (!job || job.metadata.uid !== controller.uid || hasJobEnded(job)) return
  const fact = `DaskCluster "${name}" is the own cluster of the job "${controller.name}", which`
  if (isSuspended)
    throw new UserError(`${fact} has not ended`, {next: [`"${bin} job suspend ${controller.name}" suspends job and cluster`]})
  if (job.spec.suspend === true)
    throw new UserError(`${fact} is suspended`, {next: [`"${bin} job resume ${controller.name}" brings both back`]})
}

/** Asks for another scheduler and other workers; resolves with the time that stands on the new pods. */
export async function askRestart({client, namespace, name, dryRun, signal}: ChangeCall): Promise<string> {
  const at = new Date().toISOString()
  const patch = {metadata: {annotations: {[ANNOTATION_RESTARTED_AT]: at}}}
  await client.patch(DASK_CLUSTERS, {namespace, name}, patch, {type: 'merge', dryRun, fieldManager: FIELD_MANAGER, signal})
  return at
}

export interface WaitCall {
  readonly client: KubeClient
  readonly namespace: string
  readonly name: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly report: (step: StepNews) => void
}

/** Waits until no pod of a suspended cluster is left. */
export async function waitForSuspended({client, namespace, name, timeoutMs, signal, report}: WaitCall): Promise<void> {
  const watch = await openWatch(client, signal)
  try {
    const clusters = watch.see(DASK_CLUSTERS, {namespace, name})
    const pods = watch.see(PODS, {namespace, labelSelector: clusterPodsSelector(name)})
    let news = ''
    const look = (): Look<true> => {
      const cluster = present(clusters.get({namespace, name}), name)
      const left = pods.list(namespace).length
      const isDone = left === 0 && conditionOf(cluster.status?.conditions, 'Suspended')?.status === 'True'
      news = left === 0 ? 'no pod is left' : `${left} ${left === 1 ? 'pod is' : 'pods are'} still there`
      report({name: 'pods', state: isDone ? 'done' : 'working', detail: news})
      return isDone ? {done: true} : {}
    }
    await watch.until(look, {timeoutMs, waitingFor: () => `DaskCluster "${name}" is not suspended: ${news}`})
  } finally {
    watch.close()
  }
}

/** Waits until every pod of a restarted cluster was made after the restart was asked for. */
export async function waitForFreshPods(restartedAt: string, {client, namespace, name, timeoutMs, signal, report}: WaitCall): Promise<void> {
  const watch = await openWatch(client, signal)
  try {
    const clusters = watch.see(DASK_CLUSTERS, {namespace, name})
    const pods = watch.see(PODS, {namespace, labelSelector: clusterPodsSelector(name)})
    let news = ''
    const look = (): Look<true> => {
      present(clusters.get({namespace, name}), name)
      const all = pods.list(namespace)
      const fresh = all.filter(({metadata}) => metadata.annotations?.[ANNOTATION_RESTARTED_AT] === restartedAt)
      const isDone = all.length > 0 && fresh.length === all.length
      news = `${fresh.length} of ${all.length} pods are new`
      report({name: 'restart', state: isDone ? 'done' : 'working', detail: news})
      return isDone ? {done: true} : {}
    }
    await watch.until(look, {timeoutMs, waitingFor: () => `DaskCluster "${name}" has not restarted: ${news}`})
  } finally {
    watch.close()
  }
}

const present = (cluster: DaskCluster | undefined, name: string): DaskCluster => {
  if (!cluster) throw new UserError(`DaskCluster "${name}" was deleted while waiting for it`, {exitCode: EXIT.notFound})
  return cluster
}
