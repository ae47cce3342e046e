import {rememberYoungest} from '../engine/youngest.ts'
import type {Step} from './behavior.ts'

/** How the numbers of groups have changed since this operator looks on; the longest period of a policy is half an hour. */
export interface Steps {
  /** What is known of an autoscaler's group, its number as it is now included. */
  of(uid: string, replicas: number | undefined): {readonly steps: readonly Step[]; readonly since: number}
}

const KEPT_MS = 1800_000

export function createSteps(clock: () => number): Steps {
  const known = new Map<string, {readonly since: number; readonly replicas: number; readonly steps: readonly Step[]}>()
  return {
    of: (uid, replicas) => {
      const now = clock()
      const before = known.get(uid)
      if (replicas === undefined) return {steps: before?.steps ?? [], since: before?.since ?? now}
      const kept = (before?.steps ?? []).filter(({at}) => at > now - KEPT_MS)
      const by = before ? replicas - before.replicas : 0
      const after = {since: before?.since ?? now, replicas, steps: by === 0 ? kept : [...kept, {at: now, by}]}
      rememberYoungest(known, uid, after)
      return after
    },
  }
}
