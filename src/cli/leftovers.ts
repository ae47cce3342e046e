import {PODS, type Pod, SERVICES, type Service} from '../api/core.ts'
import {
  DASK_AUTOSCALERS,
  DASK_CLUSTERS,
  DASK_JOBS,
  DASK_WORKER_GROUPS,
  type DaskAutoscaler,
  type DaskCluster,
  type DaskJob,
  type DaskWorkerGroup,
} from '../api/dask.ts'
import {LABEL_CLUSTER} from '../api/names.ts'
import type {Kind, KubeObject} from '../api/object.ts'
import {controllerOf} from '../api/ownership.ts'
import {formatDuration} from './duration.ts'

/** What nobody needs any more, by what was read of a namespace or of all. Pure. */

export interface LeftoverRules {
  /** Clusters whose scheduler has had nothing to do for so long, clusters made so long ago, jobs that ended so long ago; ms, absent: none. */
  readonly idleMs?: number | undefined
  readonly olderMs?: number | undefined
  readonly finishedMs?: number | undefined
  /** What belongs to no cluster is left alone for so long after it was made: its cluster may still come. */
  readonly graceMs: number
}

export interface Surroundings {
  readonly clusters: readonly DaskCluster[]
  readonly groups: readonly DaskWorkerGroup[]
  readonly autoscalers: readonly DaskAutoscaler[]
  readonly jobs: readonly DaskJob[]
  readonly pods: readonly Pod[]
  readonly services: readonly Service[]
  /** By the UID of their cluster, ms since 1970: since when its scheduler has been idle. */
  readonly idleSince: ReadonlyMap<string, number>
}

export interface Leftover {
  readonly kind: Kind
  readonly object: KubeObject
  readonly why: string
  /** To be asked again before it goes: it may have got work meanwhile. */
  readonly isIdle: boolean
}

/** In the order in which they may go: owners first. */
export function findLeftovers(world: Surroundings, rules: LeftoverRules, now: number): readonly Leftover[] {
  const known = new Set(world.clusters.map(({metadata}) => `${metadata.namespace}/${metadata.name}`))
  const orphans = <T extends KubeObject>(kind: Kind<T>, objects: readonly T[], clusterOf: (object: T) => string | undefined) =>
    objects.flatMap((object): readonly Leftover[] => {
      const cluster = clusterOf(object)
      const isKnown = cluster === undefined || known.has(`${object.metadata.namespace}/${cluster}`)
      // What has an owner goes with it: that is the garbage collector's business.
      if (isKnown || object.metadata.ownerReferences?.length || age(object, now) < rules.graceMs) return []
      return [{kind, object, why: `there is no cluster "${cluster}"`, isIdle: false}]
    })
  const labelled = ({metadata}: KubeObject): string | undefined => metadata.labels?.[LABEL_CLUSTER]
  return [
    ...world.clusters.flatMap((cluster) => staleCluster(cluster, world, rules, now)),
    ...world.jobs.flatMap((job) => finishedJob(job, rules, now)),
    ...orphans(DASK_WORKER_GROUPS, world.groups, ({spec}) => spec.cluster),
    ...orphans(DASK_AUTOSCALERS, world.autoscalers, ({spec}) => spec.cluster),
    ...orphans(SERVICES, world.services, labelled),
    ...orphans(PODS, world.pods, labelled),
  ].filter(({object}) => object.metadata.deletionTimestamp === undefined)
}

/** A job's own cluster is the job's business. */
export const isOfJob = (cluster: DaskCluster): boolean => controllerOf(cluster)?.kind === DASK_JOBS.kind

const staleCluster = (cluster: DaskCluster, {idleSince}: Surroundings, rules: LeftoverRules, now: number): readonly Leftover[] => {
  if (isOfJob(cluster)) return []
  const idleMs = now - (idleSince.get(cluster.metadata.uid ?? '') ?? now)
  const old = age(cluster, now)
  const isIdle = rules.idleMs !== undefined && idleMs >= rules.idleMs && idleSince.has(cluster.metadata.uid ?? '')
  const isOld = rules.olderMs !== undefined && old >= rules.olderMs
  if (!isIdle && !isOld) return []
  const why = isOld ? `it is ${formatDuration(old)} old` : `it has been idle for ${formatDuration(idleMs)}`
  return [{kind: DASK_CLUSTERS, object: cluster, why, isIdle: !isOld}]
}

const finishedJob = (job: DaskJob, {finishedMs}: LeftoverRules, now: number): readonly Leftover[] => {
  const {jobStatus, endTime} = job.status ?? {}
  const endedMs = now - Date.parse(endTime ?? '')
  if (finishedMs === undefined || (jobStatus !== 'Successful' && jobStatus !== 'Failed') || !(endedMs >= finishedMs)) return []
  const how = jobStatus === 'Successful' ? 'was done' : 'failed'
  return [{kind: DASK_JOBS, object: job, why: `it ${how} ${formatDuration(endedMs)} ago`, isIdle: false}]
}

const age = ({metadata}: KubeObject, now: number): number => now - Date.parse(metadata.creationTimestamp ?? '')
