import type {Pod} from './core.ts'
import {podExit} from './pod-cause.ts'

/** Kubernetes' own word: without a readiness probe a pod is ready as soon as it runs. */
export const isPodReady = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  (pod.status?.conditions?.some(({type, status}) => type === 'Ready' && status === 'True') ?? false)

/** Its containers have ended and are not started again. */
export const isPodEnded = (pod: Pod): boolean => pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded'

export const isPodLeaving = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined

/** Ended in peace: every container with exit code 0. */
export const hasPodSucceeded = (pod: Pod): boolean => pod.status?.phase === 'Succeeded'

/** When it ended, ms since the epoch, by the best word there is (an evicted pod has no container statuses). */
export const podEndedAt = (pod: Pod): number => {
  const finished = podExit(pod)?.terminated.finishedAt
  const moved = pod.status?.conditions?.find(({type}) => type === 'Ready')?.lastTransitionTime
  return parse(finished) ?? parse(moved) ?? podStartedAt(pod)
}

export const podStartedAt = (pod: Pod): number => parse(pod.status?.startTime) ?? parse(pod.metadata.creationTimestamp) ?? 0

const parse = (time: string | undefined): number | undefined => {
  const at = time === undefined ? Number.NaN : Date.parse(time)
  return Number.isNaN(at) ? undefined : at
}
