import type {Pod} from '../../api/core.ts'
import type {DaskCluster, DaskWorkerGroup} from '../../api/dask.ts'
import {isPodLeaving, isPodReady} from '../../api/pod-state.ts'
import {isOfEarlierSpec, isRestartDue, schedulerTarget, type Target, workerTarget} from '../../api/revision.ts'
import {tlsSecretName, tlsSecretOf} from '../../api/tls.ts'

/** How a group's pods come to be of the spec as it is now: new ones first, old ones leave as any worker does, without losing a task. */

export interface Rollout {
  readonly target: Target
  /** Pods that stay but are of an earlier spec and will be replaced. */
  readonly outdated: readonly Pod[]
  /** Pods of an earlier spec that stay until somebody deletes them (`OnDelete`). */
  readonly kept: readonly Pod[]
  /** The scheduler is of an earlier spec too: a worker of the new one would not get on with it. */
  readonly isHeld: boolean
  readonly surge: number
  readonly unavailable: number
}

export function rolloutOf(
  group: DaskWorkerGroup,
  cluster: DaskCluster,
  scheduler: Pod | undefined,
  staying: readonly Pod[],
  wanted: number,
): Rollout {
  const target = workerTarget(group, cluster)
  const {type = 'RollingUpdate', rollingUpdate = {}} = group.spec.worker.updateStrategy ?? {}
  const restart = staying.filter((pod) => isRestartDue(pod, target))
  const changed = staying.filter((pod) => isOfEarlierSpec(pod, target))
  const outdated = type === 'OnDelete' ? restart : staying.filter((pod) => restart.includes(pod) || changed.includes(pod))
  const surge = resolve(rollingUpdate.maxSurge ?? '25%', wanted, Math.ceil)
  const unavailable = resolve(rollingUpdate.maxUnavailable ?? 0, wanted, Math.floor)
  return {
    target,
    outdated,
    kept: changed.filter((pod) => !outdated.includes(pod)),
    isHeld: isHeld(cluster, scheduler, staying, changed),
    // With neither nothing would ever move.
    surge: surge === 0 && unavailable === 0 ? 1 : surge,
    unavailable,
  }
}

/** New pods beyond those that are missing, so that old ones may leave; pods that are still leaving take room. */
export const surgeOf = ({outdated, surge}: Rollout, staying: number, leaving: number, wanted: number): number => {
  const base = Math.max(0, wanted - staying)
  const toCome = wanted - (staying - outdated.length) - base
  return outdated.length === 0 ? 0 : Math.max(0, Math.min(toCome, wanted + surge - staying - leaving - base))
}

/** How many of the outdated pods may leave now: as many as are not needed to keep enough that are ready. */
export const leaversOf = ({outdated, unavailable}: Rollout, staying: readonly Pod[], wanted: number, hasScheduler: boolean): number => {
  if (!hasScheduler) return outdated.length
  const ready = staying.filter(isPodReady).length
  const unready = outdated.filter((pod) => !isPodReady(pod)).length
  return Math.min(outdated.length, unready + Math.max(0, ready - (wanted - unavailable)))
}

/** Workers and scheduler of one edit: no worker comes before the scheduler's own change has been carried out (design section 9). */
const isHeld = (cluster: DaskCluster, scheduler: Pod | undefined, staying: readonly Pod[], changed: readonly Pod[]): boolean => {
  if (!scheduler || isPodLeaving(scheduler)) return false
  const target = schedulerTarget(cluster)
  if (isRestartDue(scheduler, target)) return true
  if (!isOfEarlierSpec(scheduler, target)) return false
  // A worker with another certificate, or with none, is not taken in.
  if (tlsSecretOf(scheduler) !== tlsSecretName(cluster)) return true
  // Where no worker tells whether it has changed with the scheduler, its image does: two versions of Dask do not get on.
  const images = (pod: Pick<Pod, 'spec'>): string => pod.spec.containers.map(({image}) => image).join(' ')
  return staying.length > 0 ? changed.length > 0 : images(scheduler) !== images(cluster.spec.scheduler)
}

/** A count or a percentage of the replicas, as a Deployment's. What is neither counts as none: the definition refuses it, upstream's knows no such field. */
const resolve = (value: number | string, wanted: number, round: (part: number) => number): number => {
  const percent = typeof value === 'string' ? /^(\d+)%$/.exec(value)?.[1] : undefined
  const count = percent === undefined ? Number(value) : round((wanted * Number(percent)) / 100)
  return Number.isFinite(count) ? Math.max(0, count) : 0
}
