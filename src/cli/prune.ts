import {PODS, SERVICES} from '../api/core.ts'
import {DASK_AUTOSCALERS, DASK_CLUSTERS, DASK_JOBS, DASK_WORKER_GROUPS, type DaskCluster} from '../api/dask.ts'
import {LABEL_CLUSTER} from '../api/names.ts'
import type {KubeClient} from '../kube/client.ts'
import {ifMissing} from '../kube/errors.ts'
import {noneServed} from './autoscalers.ts'
import {clusterStatus} from './columns.ts'
import {isOfJob, type Leftover, type LeftoverRules, type Surroundings} from './leftovers.ts'
import {tell} from './output.ts'
import {withScheduler} from './scheduler.ts'

export interface PruneCall {
  readonly client: KubeClient
  /** `undefined`: all. */
  readonly namespace: string | undefined
  readonly signal: AbortSignal
}

/** Schedulers are asked through the API server, so many at a time. */
const ASKED_AT_ONCE = 8

/** Schedulers are asked only where idleness counts. Clusters are read last: one that comes meanwhile is known with what belongs to it. */
export async function readSurroundings({client, namespace, signal}: PruneCall, {idleMs}: LeftoverRules): Promise<Surroundings> {
  const scope = {signal, ...(namespace !== undefined && {namespace})}
  const [groups, autoscalers, jobs, pods, services] = await Promise.all([
    client.list(DASK_WORKER_GROUPS, scope),
    client.list(DASK_AUTOSCALERS, scope).catch(noneServed),
    client.list(DASK_JOBS, scope),
    client.list(PODS, {...scope, labelSelector: LABEL_CLUSTER}),
    client.list(SERVICES, {...scope, labelSelector: LABEL_CLUSTER}),
  ])
  const {items: clusters} = await client.list(DASK_CLUSTERS, scope)
  const idleSince = new Map<string, number>()
  const asked =
    idleMs === undefined ? [] : clusters.filter((cluster) => clusterStatus(cluster, Date.now()) === 'Ready' && !isOfJob(cluster))
  for (let at = 0; at < asked.length; at += ASKED_AT_ONCE)
    await Promise.all(
      asked.slice(at, at + ASKED_AT_ONCE).map(async (cluster) => {
        const since = await readIdleSince(client, cluster, signal)
        if (since !== undefined) idleSince.set(cluster.metadata.uid ?? '', since)
      }),
    )
  return {
    ...{clusters, groups: groups.items, autoscalers: autoscalers.items, jobs: jobs.items},
    ...{pods: pods.items, services: services.items, idleSince},
  }
}

/** Ms since 1970; `undefined` where it works, or does not say (which is told): only what is known to be idle may go. */
const readIdleSince = async (client: KubeClient, cluster: DaskCluster, signal: AbortSignal): Promise<number | undefined> => {
  const {name, namespace = client.namespace} = cluster.metadata
  const {readIdleness} = await import('../dask/idleness.ts')
  try {
    const idle = await withScheduler(client, {namespace, cluster: name, signal}, (scheduler) => readIdleness(scheduler))
    if (!idle?.isIdle) return undefined
    if (idle.since === undefined) tell(`the scheduler of cluster "${name}" does not say since when it is idle: left alone`)
    return idle.since
  } catch (error) {
    signal.throwIfAborted()
    tell(`the scheduler of cluster "${name}" does not answer: left alone (${error instanceof Error ? error.message : String(error)})`)
    return undefined
  }
}

/** Deletes one of them; resolves with `false` where it is needed again. */
export async function removeLeftover({kind, object, isIdle}: Leftover, {client, signal}: PruneCall, dryRun: boolean): Promise<boolean> {
  const {name, namespace = client.namespace, uid} = object.metadata
  // Somebody may have given it work since it was listed.
  if (isIdle && !dryRun && (await readIdleSince(client, object as DaskCluster, signal)) === undefined) return false
  const options = {propagationPolicy: 'Background', dryRun, signal, ...(uid !== undefined && {uid})} as const
  await client.delete(kind, {namespace, name}, options).catch(ifMissing(undefined))
  return true
}
