import {findCondition} from '../../api/conditions.ts'
import {PODS, type Pod} from '../../api/core.ts'
import {DASK_CLUSTERS, type DaskCluster} from '../../api/dask.ts'
import type {Ref} from '../../api/object.ts'
import {isPodEnded, isPodLeaving, isPodReady} from '../../api/pod-state.ts'
import {keyOf, refOf} from '../../api/ref.ts'
import {ownScheduler} from '../../api/scheduler-pod.ts'
import type {Reader} from '../engine/contract.ts'
import {createPolls} from '../engine/polls.ts'
import {TASKS_UNRUNNABLE} from './reasons.ts'
import type {GroupView} from './world.ts'

/** Asks a cluster's scheduler how many tasks none of its workers can run. Rejects when it does not answer, and never takes long. */
export type AskUnrunnable = (cluster: DaskCluster, scheduler: Pod) => Promise<number>

export interface UnrunnableWatch {
  start(enqueue: (ref: Ref) => void, signal: AbortSignal): void
  /**
   * Tasks that no worker can run; `undefined`: not known. Has the scheduler asked where workers have gone since the cluster's status was written, or
   * where that tells of such tasks.
   */
  of(cluster: DaskCluster, groups: readonly GroupView[], reader: Reader): number | undefined
}

interface Known {
  /** The last two answers, the later one last. */
  readonly answers: readonly number[]
  /** Questions in vain, one after another. */
  readonly failures: number
}

const EVERY_MS = 5_000
/** A scheduler whose dashboard does not answer tells nobody; it is asked again when workers go the next time. */
const FAILURES = 3

interface Question {
  readonly cluster: DaskCluster
  readonly scheduler: Pod
}

/**
 * A task that is pinned to a worker waits for ever once that has gone (contract 4.5). The scheduler goes through all its tasks for the answer, so it
 * is asked only after workers have gone, until it knows of none; twice, since a task may just be finding its next worker.
 */
export function createUnrunnableWatch(ask: AskUnrunnable, everyMs = EVERY_MS): UnrunnableWatch {
  const known = new Map<string, Known>()
  const due = new Set<string>()
  let enqueue: (ref: Ref) => void = () => undefined

  const polls = createPolls<Question>({
    ask: async ({cluster, scheduler}) => {
      const key = keyOf(refOf(cluster))
      const before = known.get(key)
      due.delete(key)
      try {
        known.set(key, {answers: [...(before?.answers.slice(-1) ?? []), await ask(cluster, scheduler)], failures: 0})
      } catch {
        known.set(key, {answers: before?.answers ?? [], failures: (before?.failures ?? 0) + 1})
      }
      enqueue(refOf(cluster))
    },
    everyMs: () => everyMs,
    onEnd: (key) => {
      known.delete(key)
      due.delete(key)
    },
  })

  const isAsked = (key: string): boolean => {
    if (due.has(key)) return true
    const {answers = [], failures = 0} = known.get(key) ?? {}
    return failures > 0 ? failures < FAILURES : (answers.at(-1) ?? 0) > 0
  }

  return {
    start: (add, signal) => {
      enqueue = add
      polls.start(signal)
    },
    of: (cluster, groups, reader) => {
      const ref = refOf(cluster)
      const key = keyOf(ref)
      const live = groups.flatMap(({pods}) => pods).filter((pod) => !isPodLeaving(pod) && !isPodEnded(pod)).length
      const isTold = findCondition(cluster.status?.conditions, TASKS_UNRUNNABLE)?.status === 'True'
      if (live < (cluster.status?.replicas ?? 0) || (isTold && !known.has(key))) due.add(key)
      const need = (): Question | undefined => (isAsked(key) ? questionOf(ref, reader) : undefined)
      if (need()) polls.follow(key, need)
      else if (!known.has(key)) due.delete(key)
      return lasting(known.get(key)?.answers ?? [])
    },
  }
}

/** What the last two answers have in common; a single one counts only where it is none. */
const lasting = (answers: readonly number[]): number | undefined =>
  answers.at(-1) === 0 ? 0 : answers.length > 1 ? Math.min(...answers) : undefined

const questionOf = (ref: Ref, reader: Reader): Question | undefined => {
  const cluster = reader.cache(DASK_CLUSTERS).get(ref)
  if (!cluster || cluster.metadata.deletionTimestamp !== undefined || cluster.spec.suspend === true) return undefined
  const scheduler = ownScheduler(cluster, reader.cache(PODS))
  return scheduler && isPodReady(scheduler) ? {cluster, scheduler} : undefined
}
