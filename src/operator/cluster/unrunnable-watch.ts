import {findCondition} from '../../api/conditions.ts'
import {PODS, type Pod} from '../../api/core.ts'
import {DASK_CLUSTERS, type DaskCluster} from '../../api/dask.ts'
import type {Ref} from '../../api/object.ts'
import {isPodEnded, isPodLeaving, isPodReady} from '../../api/pod-state.ts'
import {refOf} from '../../api/ref.ts'
import {ownScheduler} from '../../api/scheduler-pod.ts'
import type {Reader} from '../engine/contract.ts'
import {createPolls} from '../engine/polls.ts'
import {rememberYoungest} from '../engine/youngest.ts'
import {TASKS_UNRUNNABLE} from './reasons.ts'
import type {GroupView} from './world.ts'

/**
 * Asks a cluster's scheduler how many tasks none of its workers can run; `undefined` while no worker runs, so that all of them wait.
 * Rejects when it does not answer, and never takes long.
 */
export type AskUnrunnable = (cluster: DaskCluster, scheduler: Pod) => Promise<number | undefined>

export interface UnrunnableWatch {
  start(enqueue: (ref: Ref) => void, signal: AbortSignal): void
  /** Tasks that no worker can run; `undefined`: not known. Has the scheduler asked once workers have gone, or where the status tells of such tasks. */
  of(cluster: DaskCluster, groups: readonly GroupView[], reader: Reader): number | undefined
}

/** What is known of one cluster, by its UID. */
interface Known {
  /** UIDs of its live worker pods when it was looked at last. */
  readonly workers: ReadonlySet<string>
  /** Workers have gone since the scheduler has answered last. */
  readonly isOwed: boolean
  /** Of the scheduler that has answered. */
  readonly scheduler: string
  /** Its last two answers, the later one last. */
  readonly answers: readonly number[]
  /** Questions in vain, one after another. */
  readonly failures: number
  /** Questions since workers have gone. */
  readonly asked: number
}

const FIRST_MS = 5_000
/** Tasks may wait for hours for what somebody is to bring. */
const MOST_MS = 60_000
/** A scheduler whose dashboard does not answer tells nobody; it is asked again when workers go the next time. */
const FAILURES = 3
/** Clusters come and go, and each has a set of its workers: one that was forgotten is looked at as by an operator that has just begun. */
const MOST_CLUSTERS = 1_000

interface Question {
  readonly uid: string
  readonly cluster: DaskCluster
  readonly scheduler: Pod
}

/**
 * A task that is pinned to a worker waits for ever once that has gone (contract 4.5). The scheduler goes through all its tasks for the answer, so it
 * is asked only after workers have gone, until it knows of none; twice, since a task may just be finding its next worker.
 */
export function createUnrunnableWatch(ask: AskUnrunnable, firstMs = FIRST_MS): UnrunnableWatch {
  const known = new Map<string, Known>()
  const fresh: Known = {workers: new Set(), isOwed: false, scheduler: '', answers: [], failures: 0, asked: 0}
  let enqueue: (ref: Ref) => void = () => undefined
  const change = (uid: string, changes: Partial<Known>): void =>
    rememberYoungest(known, uid, {...(known.get(uid) ?? fresh), ...changes}, MOST_CLUSTERS)

  const polls = createPolls<Question>({
    ask: async ({uid, cluster, scheduler}) => {
      const pod = scheduler.metadata.uid ?? ''
      // Its tasks have gone with the one before.
      const before = known.get(uid)?.scheduler === pod ? (known.get(uid)?.answers.slice(-1) ?? []) : []
      change(uid, {isOwed: false, asked: (known.get(uid)?.asked ?? 0) + 1})
      try {
        const answer = await ask(cluster, scheduler)
        if (answer === undefined) change(uid, {isOwed: true, failures: 0})
        else change(uid, {scheduler: pod, answers: [...before, answer], failures: 0})
      } catch {
        const failures = (known.get(uid)?.failures ?? 0) + 1
        change(uid, {isOwed: failures < FAILURES, failures: failures % FAILURES})
      }
      enqueue(refOf(cluster))
    },
    everyMs: ({uid}) => Math.min(MOST_MS, firstMs * 2 ** Math.max(0, (known.get(uid)?.asked ?? 0) - 1)),
    onEnd: () => undefined,
  })

  return {
    start: (add, signal) => {
      enqueue = add
      polls.start(signal)
    },
    of: (cluster, groups, reader) => {
      const {uid = ''} = cluster.metadata
      if (cluster.spec.suspend === true) {
        known.delete(uid)
        return undefined
      }
      const pods = groups.flatMap((group) => group.pods).filter((pod) => !isPodEnded(pod))
      const workers = new Set(pods.filter((pod) => !isPodLeaving(pod)).map(({metadata}) => metadata.uid ?? ''))
      const before = known.get(uid)
      const isLess = before ? [...before.workers].some((each) => !workers.has(each)) : workers.size < (cluster.status?.replicas ?? 0)
      // What is going may still be connected, and have its tasks.
      const hasGone = isLess || pods.length > workers.size
      const isTold = findCondition(cluster.status?.conditions, TASKS_UNRUNNABLE)?.status === 'True' && (before?.answers.length ?? 0) === 0
      change(uid, {workers, ...((hasGone || isTold) && {isOwed: true}), ...(isLess && {asked: 0})})
      const need = (): Question | undefined => questionOf(refOf(cluster), uid, known.get(uid), reader)
      if (need()) polls.follow(uid, need)
      return lasting(known.get(uid)?.answers ?? [])
    },
  }
}

/** What the last two answers have in common; a single one counts only where it is none. */
const lasting = (answers: readonly number[]): number | undefined =>
  answers.at(-1) === 0 ? 0 : answers.length > 1 ? Math.min(...answers) : undefined

const questionOf = (ref: Ref, uid: string, known: Known | undefined, reader: Reader): Question | undefined => {
  if (!known || known.workers.size === 0 || !(known.isOwed || (known.answers.at(-1) ?? 0) > 0)) return undefined
  const cluster = reader.cache(DASK_CLUSTERS).get(ref)
  const isAlive = cluster?.metadata.uid === uid && cluster.metadata.deletionTimestamp === undefined && cluster.spec.suspend !== true
  const scheduler = cluster && isAlive ? ownScheduler(cluster, reader.cache(PODS)) : undefined
  return cluster && scheduler && isPodReady(scheduler) ? {uid, cluster, scheduler} : undefined
}
