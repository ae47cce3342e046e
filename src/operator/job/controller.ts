import {PODS, type Pod} from '../../api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, type DaskJob} from '../../api/dask.ts'
import {hasJobEnded} from '../../api/job-state.ts'
import type {KubeObject, Ref} from '../../api/object.ts'
import {isControlledBy} from '../../api/ownership.ts'
import {hasPodSucceeded, isPodEnded} from '../../api/pod-state.ts'
import {refIn} from '../../api/ref.ts'
import {ownScheduler} from '../../api/scheduler-pod.ts'
import type {Controller, Reader} from '../engine/contract.ts'
import {attemptName, attemptOf, hasRestartedTooOften, lastAttempt, mayTryAgain} from './attempts.ts'
import {type JobWorld, planJob} from './plan.ts'
import {NOTABLES} from './reasons.ts'
import {failedJobStatus} from './status.ts'

/** The last lines of a pod's log; none where it has none any more. Never rejects. */
export type ReadLastWords = (pod: Pod, signal: AbortSignal) => Promise<readonly string[]>

/** Gives each DaskJob a cluster and a runner, tells how the runner ended, and takes the cluster away again. */
export const createJobController = (readLastWords: ReadLastWords): Controller<DaskJob, JobWorld> => ({
  kind: DASK_JOBS,
  owns: [DASK_CLUSTERS, PODS],
  watches: [
    {kind: DASK_CLUSTERS, keysOf: (cluster, reader) => [refIn(cluster, cluster.metadata.name), ...guests(cluster, reader)]},
    {kind: PODS, keysOf: holder},
  ],
  observe: async (job, reader, signal) => {
    const world = observeJob(job, reader)
    const {number, runner} = lastAttempt(job, world.runners)
    if (!runner || hasJobEnded(job)) return world
    const hasFailed = hasRestartedTooOften(job, runner) || (isPodEnded(runner) && !hasPodSucceeded(runner) && !mayTryAgain(job, number))
    return hasFailed ? {...world, lastWords: await readLastWords(runner, signal)} : world
  },
  plan: planJob,
  notables: NOTABLES,
  failed: failedJobStatus,
})

export function observeJob(job: DaskJob, reader: Reader): JobWorld {
  const {name, namespace, uid} = job.metadata
  const at = (own: string): Ref => ({name: own, ...(namespace !== undefined && {namespace})})
  const pods = reader.cache(PODS)
  const runners = (uid === undefined ? [] : pods.ownedBy(uid)).filter(({metadata}) => attemptOf(name, metadata.name) !== undefined)
  const {number, runner} = lastAttempt(job, runners)
  const next = pods.get(at(attemptName(name, runner && !isPodEnded(runner) ? number : number + 1)))
  const cluster = reader.cache(DASK_CLUSTERS).get(at(job.spec.clusterName ?? name))
  return {
    cluster,
    scheduler: cluster && ownScheduler(cluster, pods),
    runners,
    holder: next && mayTryAgain(job, number) && !isControlledBy(next, job) ? next : undefined,
  }
}

/** Jobs that run on this cluster without owning it. */
const guests = (cluster: KubeObject, reader: Reader): readonly Ref[] =>
  reader
    .cache(DASK_JOBS)
    .list(cluster.metadata.namespace)
    .filter(({spec}) => spec.clusterName === cluster.metadata.name)
    .map((job) => refIn(job, job.metadata.name))

/** The job that a pod of this name may keep waiting, whoever owns it. */
function holder(pod: KubeObject): readonly Ref[] {
  const name = /^(.+)-runner(?:-[1-9]\d*)?$/.exec(pod.metadata.name)?.[1]
  return name === undefined ? [] : [refIn(pod, name)]
}
