import {PODS, type Pod} from '../../api/core.ts'
import {DASK_CLUSTERS, type DaskCluster, type DaskJob, type DaskJobStatus} from '../../api/dask.ts'
import {isClusterName} from '../../api/names.ts'
import type {KubeObject, Ref} from '../../api/object.ts'
import {isControlledBy} from '../../api/ownership.ts'
import {isPodEnded} from '../../api/pod-state.ts'
import type {Action, Create, Plan} from '../engine/contract.ts'
import {jobCluster, runnerPod} from './parts.ts'
import {endedStatus, heldStatus, invalidStatus, lostStatus, runningStatus} from './status.ts'

export interface JobWorld {
  /** Whatever holds the names of the job's objects, be it the job's or not. */
  readonly cluster: DaskCluster | undefined
  readonly runner: Pod | undefined
}

/**
 * What a job needs next: its cluster and its runner, until the runner has ended; then the cluster goes.
 * The end is written to the status first and acted on by a later plan, so that no crash in between loses it.
 * A program that has begun is never begun a second time by us: when its pod is lost, the job has failed.
 */
export function planJob(job: DaskJob, world: JobWorld, now: number): Plan<DaskJobStatus> {
  if (isOver(job)) return {stages: cleanUp(job, world), status: undefined}
  if (!isClusterName(job.metadata.name) || !job.spec.job.spec) return {stages: [], status: invalidStatus(job, now)}

  const holders = [world.cluster, world.runner].filter((part) => part !== undefined).filter((part) => !isControlledBy(part, job))
  if (holders.length > 0) return {stages: [], status: heldStatus(job, holders, now)}

  const {cluster, runner} = world
  if (runner && isPodEnded(runner)) return {stages: [], status: endedStatus(job, runner, now)}
  if (!runner && hasBegun(job)) return {stages: [], status: lostStatus(job, now)}
  const writes: readonly Action[] = [
    ...(cluster ? [] : [create(DASK_CLUSTERS, jobCluster(job))]),
    ...(runner ? [] : [create(PODS, runnerPod(job))]),
  ]
  return {stages: writes.length > 0 ? [writes] : [], status: runningStatus(job, world, now)}
}

/** `Successful` and `Failed` are final, whatever happens to the job's objects afterwards. */
export const isOver = ({status}: DaskJob): boolean => status?.jobStatus === 'Successful' || status?.jobStatus === 'Failed'

const hasBegun = ({status}: DaskJob): boolean => status?.startTime !== undefined

const cleanUp = (job: DaskJob, {cluster}: JobWorld): readonly (readonly Action[])[] => {
  if (!cluster || !isControlledBy(cluster, job) || cluster.metadata.deletionTimestamp !== undefined) return []
  const why = `the job is ${job.status?.jobStatus === 'Successful' ? 'done' : 'over'}`
  return [[{do: 'delete', kind: DASK_CLUSTERS, ref: refOf(cluster), uid: cluster.metadata.uid ?? '', why}]]
}

const create = (kind: Create['kind'], object: KubeObject): Create => ({do: 'create', kind, object})

const refOf = ({metadata: {name, namespace}}: KubeObject): Ref => ({name, ...(namespace !== undefined && {namespace})})
