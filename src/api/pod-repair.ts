import type {Pod} from './core.ts'
import {ANNOTATION_FAILURES} from './names.ts'
import {podEndedAt, podStartedAt} from './pod-state.ts'

/** The pause before the second replacement; it doubles with each further one, as a kubelet's does. */
const FIRST_PAUSE_MS = 10_000
const LONGEST_PAUSE_MS = 300_000
/** A pod that ran this long has outlived its predecessors' failures. */
const FORGIVEN_AFTER_MS = 600_000

export interface Repair {
  /** Milliseconds until the pod may be replaced; 0: now. */
  readonly waitMs: number
  /** How many pods in this place have failed one after another, this one included: goes on the replacement. */
  readonly failures: number
}

/**
 * When a pod that ended may be replaced: the first time at once, then after 10 s, 20 s, … 5 min.
 * All of it is read from the pod itself, so that an operator that was restarted goes on where the other stopped.
 */
export function repairOf(pod: Pod, now: number): Repair {
  const ended = podEndedAt(pod)
  const before = ended - podStartedAt(pod) >= FORGIVEN_AFTER_MS ? 0 : earlierFailures(pod)
  const pause = before === 0 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(before - 1, 10))
  // A node's clock that is ahead of ours must not make the pause longer than it is.
  return {waitMs: Math.max(0, Math.min(pause, ended + pause - now)), failures: before + 1}
}

export const earlierFailures = (pod: Pod): number => {
  const told = Number(pod.metadata.annotations?.[ANNOTATION_FAILURES])
  return Number.isSafeInteger(told) && told > 0 ? told : 0
}
