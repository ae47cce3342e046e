/** Watches all pods of a schedule from its beginning to its end, and says what was never to happen. */
import type {Pod} from '../../src/api/core.ts'
import {ANNOTATION_RETIRING, LABEL_COMPONENT, LABEL_GROUP} from '../../src/api/names.ts'
import {controllerOf} from '../../src/api/ownership.ts'
import {isPodEnded} from '../../src/api/pod-state.ts'

export interface Judge {
  /** A group may have so many workers from now on (and for a while as many as before). */
  wants(group: string, replicas: number): void
  see(before: Pod | undefined, after: Pod | undefined): void
  /** Names of the runner pods that were made for a job. */
  runners(): readonly string[]
  problem(what: string): void
  problems(): readonly string[]
}

const isRetiring = (pod: Pod): boolean => pod.metadata.annotations?.[ANNOTATION_RETIRING] !== undefined

/** What was wanted this long ago may still be acted on: the longest hold of a watch, and a repeated request. */
const STALE_MS = 5_000
/** A rollout may go beyond the replicas by a quarter, rounded up. */
const SURGE = 0.25

export function createJudge(): Judge {
  const wanted = new Map<string, readonly {readonly replicas: number; readonly until: number}[]>()
  /** Names of the workers that are there and that are to stay, by the UID of their group. */
  const live = new Map<string, Set<string>>()
  const made: string[] = []
  const found: string[] = []

  const mostOf = (group: string): number => {
    const most = Math.max(0, ...(wanted.get(group) ?? []).filter(({until}) => until > performance.now()).map(({replicas}) => replicas))
    return most + Math.ceil(most * SURGE)
  }

  const seeWorker = (before: Pod | undefined, after: Pod | undefined): void => {
    const pod = after ?? before
    const group = pod?.metadata.labels?.[LABEL_GROUP]
    const owner = pod && controllerOf(pod)?.uid
    if (!pod || group === undefined || owner === undefined) return
    const names = live.get(owner) ?? new Set()
    live.set(owner, names)
    const isNew = !names.has(pod.metadata.name)
    const isStaying = after && !isPodEnded(after) && after.metadata.deletionTimestamp === undefined && !isRetiring(after)
    if (!isStaying) names.delete(pod.metadata.name)
    else names.add(pod.metadata.name)
    if (isNew && names.size > mostOf(group)) found.push(`group ${group} has ${names.size} workers, and at most ${mostOf(group)} are wanted`)
  }

  return {
    wants: (group, replicas) => {
      const now = performance.now()
      const before = (wanted.get(group) ?? []).map((each) => ({...each, until: Math.min(each.until, now + STALE_MS)}))
      wanted.set(group, [...before, {replicas, until: Number.POSITIVE_INFINITY}])
    },
    see: (before, after) => {
      seeWorker(before, after)
      if (!before && after?.metadata.labels?.[LABEL_COMPONENT] === 'job-runner') made.push(after.metadata.name)
    },
    runners: () => made,
    problem: (what) => void found.push(what),
    problems: () => found,
  }
}
