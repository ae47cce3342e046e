import {PODS, type Pod} from '../../api/core.ts'
import type {DaskCluster} from '../../api/dask.ts'
import {partMetadataPatch} from '../../api/part-metadata.ts'
import {repairOf} from '../../api/pod-repair.ts'
import {isPodEnded, isPodLeaving} from '../../api/pod-state.ts'
import {refOf} from '../../api/ref.ts'
import {isOfEarlierSpec, isRestartDue, schedulerTarget} from '../../api/revision.ts'
import type {Action, Create, Delete} from '../engine/contract.ts'
import {schedulerMetadata, schedulerPod} from './parts.ts'
import type {ClusterWorld} from './world.ts'

export interface SchedulerSteps {
  readonly remove: readonly Action[]
  readonly create: readonly Action[]
  readonly waitMs: number
}

/** Asked for by a looker-on whose node may be lost: nothing tells when a node has been away for long enough. */
const LOOK_AGAIN_MS = 10_000

/** What the one scheduler pod needs: to be made, replaced when it has ended or is to be another, or to go with a suspended cluster. */
export function schedulerSteps(cluster: DaskCluster, world: ClusterWorld, now: number): SchedulerSteps {
  const pod = world.scheduler
  if (pod && isPodLeaving(pod)) return leaving(pod, world)
  if (cluster.spec.suspend === true) return suspended(pod, world, now)
  if (!pod) return steps({create: [create(schedulerPod(cluster))]})
  if (!isPodEnded(pod)) return running(cluster, pod)
  const {waitMs, failures} = repairOf(pod, now)
  if (waitMs > 0) return steps({waitMs})
  return steps({
    remove: [remove(pod, `the scheduler has ended (${pod.status?.reason ?? pod.status?.phase}); another takes its place`)],
    create: [create(schedulerPod(cluster, failures))],
  })
}

/** No scheduler is given up, or made, for a certificate that is not there; what has ended, or is leaving, goes. */
export function withoutCertificate({remove, create}: SchedulerSteps, {scheduler}: ClusterWorld, againMs: number): SchedulerSteps {
  const isAlive = scheduler !== undefined && !isPodLeaving(scheduler) && !isPodEnded(scheduler)
  return {remove: isAlive ? [] : remove, create: create.filter((action) => action.do === 'patch'), waitMs: againMs}
}

/** It goes last: workers finish what they execute, and their hooks ask it, while it is there. A worker that is overdue (on a lost node, say) is not waited for. */
const suspended = (pod: Pod | undefined, {groups}: ClusterWorld, now: number): SchedulerSteps => {
  if (!pod) return steps({})
  const workers = groups.flatMap(({pods}) => pods).filter((worker) => !isPodEnded(worker))
  const waits = workers.map(({metadata: {deletionTimestamp}}) =>
    deletionTimestamp === undefined ? Number.POSITIVE_INFINITY : Date.parse(deletionTimestamp) - now,
  )
  const waitMs = Math.max(0, ...waits)
  if (waitMs === 0) return steps({remove: [remove(pod, 'the cluster is suspended')]})
  return steps(Number.isFinite(waitMs) ? {waitMs} : {})
}

/** Its name is a lock: on a node that is lost nobody would ever let go of it. */
const leaving = (pod: Pod, {lostNode}: ClusterWorld): SchedulerSteps => {
  if (lostNode === undefined) return steps({waitMs: pod.spec.nodeName === undefined ? 0 : LOOK_AGAIN_MS})
  return steps({remove: [{...remove(pod, `its node is lost: ${lostNode}`), gracePeriodSeconds: 0}]})
}

const running = (cluster: DaskCluster, pod: Pod): SchedulerSteps => {
  const why = whyReplaced(cluster, pod)
  if (why !== undefined) return steps({remove: [remove(pod, why)]})
  const metadata = partMetadataPatch(pod.metadata, schedulerMetadata(cluster), cluster.spec.scheduler.metadata)
  return metadata
    ? steps({create: [{do: 'patch', kind: PODS, ref: refOf(pod), uid: pod.metadata.uid ?? '', patch: {metadata}}]})
    : steps({})
}

/** Why a scheduler that runs gives its place to another; `undefined`: it stays. */
export const whyReplaced = (cluster: DaskCluster, pod: Pod): string | undefined => {
  const target = schedulerTarget(cluster)
  if (isRestartDue(pod, target)) return `a restart was asked for at ${target.restartedAt}`
  const isRecreated = isOfEarlierSpec(pod, target) && cluster.spec.scheduler.updateStrategy?.type === 'Recreate'
  return isRecreated ? 'its spec has changed; another takes its place' : undefined
}

const steps = ({remove = [], create = [], waitMs = 0}: Partial<SchedulerSteps>): SchedulerSteps => ({remove, create, waitMs})

const create = (object: Pod): Create => ({do: 'create', kind: PODS, object})

const remove = (pod: Pod, why: string): Delete => ({do: 'delete', kind: PODS, ref: refOf(pod), uid: pod.metadata.uid ?? '', why})
