import {DASK_CLUSTERS, DASK_WORKER_GROUPS} from '../api/dask.ts'
import {isHandedDown} from '../api/history.ts'
import {defaultGroupName} from '../api/names.ts'
import {conditionOf} from './columns.ts'
import type {WaitCall} from './suspend.ts'
import {EXIT, UserError} from './user-error.ts'
import {type Look, openWatch} from './watch.ts'

/** Reasons of `Progressing` with which the operator waits for a person. */
const WAITS: ReadonlySet<string> = new Set(['SchedulerUpdateWaits', 'WaitsForScheduler', 'UpdateWaits'])

/** How long an operator that has just come may take to tell of a cluster. */
const SOON_MS = 5_000

/**
 * Waits until every worker of a cluster is made from its spec as it is now and none of the old ones is left.
 * Rejects, with what to do, where the rollout waits for somebody: a changed scheduler for its restart, workers (OnDelete) for their deletion.
 */
export async function waitForRollout({
  client,
  namespace,
  name,
  timeoutMs,
  signal,
  report,
  bin,
}: WaitCall & {readonly bin: string}): Promise<void> {
  const watch = await openWatch(client, signal)
  try {
    const clusters = watch.see(DASK_CLUSTERS, {namespace, name})
    const groups = watch.see(DASK_WORKER_GROUPS, {namespace})
    const began = performance.now()
    let news = 'the API server has not answered'
    const look = (): Look<true> => {
      const cluster = clusters.get({namespace, name})
      if (!cluster) throw new UserError(`no DaskCluster "${name}" in namespace "${namespace}"`, {exitCode: EXIT.notFound})
      if (cluster.spec.suspend)
        throw new UserError(`DaskCluster "${name}" is suspended`, {next: [`"${bin} cluster resume ${name}" brings it back`]})
      // The Python operator's definitions drop it, and that operator does not roll out; one that has just taken the cluster over tells it soon.
      if (cluster.status?.phase !== undefined && cluster.status.observedGeneration === undefined) {
        const spare = SOON_MS - (performance.now() - began)
        if (spare > 0) return {again: spare}
        const why = "its definition, or its operator, is the Python operator's"
        throw new UserError(`the status of DaskCluster "${name}" does not tell how far its rollout is: ${why}`, {
          next: [`"${bin} operator install" installs newer ones; "${bin} cluster describe ${name}" shows the pods`],
        })
      }
      const own = groups.list(namespace).filter(({spec}) => spec.cluster === name)
      const {generation = 0} = cluster.metadata
      const main = groups.get({namespace, name: defaultGroupName(name)})
      // Cluster and group are watched apart from each other: what is known of the group may be older.
      const isSeen = (cluster.status?.observedGeneration ?? 0) >= generation && isHandedDown(cluster, main?.metadata.annotations)
      const open = own.filter(({metadata, spec, status = {}}) => {
        const wanted = spec.worker.replicas ?? 1
        const isCurrent = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
        const {replicas, updatedReplicas, readyReplicas, retiringReplicas = 0} = status
        // As long as there are more than are wanted an old one may be among those that are ready, with a new one that is not.
        return !isCurrent || [replicas, updatedReplicas, readyReplicas].some((count) => count !== wanted) || retiringReplicas > 0
      })
      // New workers that have no scheduler yet can do nothing: after a restart of both, that is the last thing to come.
      const isSchedulerReady = conditionOf(cluster.status?.conditions, 'SchedulerReady')?.status !== 'False'
      news = isSeen
        ? open
            .map(({metadata, spec, status}) => {
              const {updatedReplicas = 0, retiringReplicas = 0} = status ?? {}
              return `${metadata.name} has ${updatedReplicas} of ${spec.worker.replicas ?? 1} new workers, ${retiringReplicas} are retiring`
            })
            .join('; ') || 'all workers are new, and the scheduler is not ready'
        : 'the operator has not seen the last change'
      const isDone = isSeen && own.length > 0 && open.length === 0 && isSchedulerReady
      const told = conditionOf(cluster.status?.conditions, 'Progressing')
      if (isSeen && told?.status === 'False' && WAITS.has(told.reason))
        throw new UserError(`DaskCluster "${name}" is not rolled out: ${told.message}`)
      report({name: 'rollout', state: isDone ? 'done' : 'working', detail: isDone ? 'all workers are new' : news})
      if (!isDone) return {}
      return {done: true}
    }
    await watch.until(look, {timeoutMs, waitingFor: () => `DaskCluster "${name}" is not rolled out: ${news}`})
  } finally {
    watch.close()
  }
}
