import {PODS, type Pod} from '../../api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, type DaskCluster} from '../../api/dask.ts'
import {hasJobEnded} from '../../api/job-state.ts'
import type {Ref} from '../../api/object.ts'
import {controllerOf} from '../../api/ownership.ts'
import {isPodReady} from '../../api/pod-state.ts'
import {keyOf, refIn, refOf} from '../../api/ref.ts'
import {ownScheduler} from '../../api/scheduler-pod.ts'
import type {Idleness} from '../../dask/idleness.ts'
import type {Reader} from '../engine/contract.ts'
import {createPolls} from '../engine/polls.ts'
import {idleTimeoutMs} from './idle.ts'
import type {IdleView} from './world.ts'

/** Asks a cluster's scheduler whether it has anything to do. Rejects when it does not answer, and never takes long. */
export type AskIdle = (cluster: DaskCluster, scheduler: Pod) => Promise<Idleness>

export interface IdleWatch {
  start(enqueue: (ref: Ref) => void, signal: AbortSignal): void
  /** Has clusters watched that ask for it; the others cost nothing. */
  of(cluster: Ref, reader: Reader): IdleView | undefined
}

interface Known {
  readonly view: IdleView
  readonly mark: string | undefined
  readonly hasAnswered: boolean
  /** One after another. */
  readonly failures: number
}

const MOST_MS = 5_000
const LEAST_MS = 500
/** For schedulers that do not answer: they take up connections that others wait for. */
const SILENT_MS = 30_000
/** So much may the scheduler's clock be ahead of ours before its word is not believed. */
const SKEW_MS = 5_000
const FAILURES = 3

interface Question {
  readonly cluster: DaskCluster
  readonly scheduler: Pod
}

/** Schedulers are asked beside the reconcile workers (law 9), and only those of clusters with an `idleTimeout` (law 10). */
export function createIdleWatch(ask: AskIdle, clock: () => number = Date.now, leastMs = LEAST_MS): IdleWatch {
  const known = new Map<string, Known>()
  let enqueue: (ref: Ref) => void = () => undefined

  const polls = createPolls<Question>({
    ask: async ({cluster, scheduler}) => {
      const ref = refOf(cluster)
      const before = known.get(keyOf(ref))
      try {
        known.set(keyOf(ref), answered(before, await ask(cluster, scheduler), cluster, clock()))
      } catch (error) {
        known.set(keyOf(ref), unanswered(before, error instanceof Error ? error.message : String(error), clock()))
      }
      enqueue(ref)
    },
    everyMs: ({cluster}) => {
      const usual = Math.min(MOST_MS, Math.max(leastMs, idleTimeoutMs(cluster) / 4))
      return Math.min(SILENT_MS, usual * 2 ** (known.get(keyOf(refOf(cluster)))?.failures ?? 0))
    },
    onEnd: (key) => known.delete(key),
  })

  return {
    start: (add, signal) => {
      enqueue = add
      polls.start(signal)
    },
    of: (ref, reader) => {
      const need = (): Question | undefined => questionOf(ref, reader)
      if (!need()) return undefined
      polls.follow(keyOf(ref), need)
      return known.get(keyOf(ref))?.view
    },
  }
}

const answered = (before: Known | undefined, idleness: Idleness, cluster: DaskCluster, now: number): Known => {
  if (!idleness.isIdle) return {view: {at: now}, mark: undefined, hasAnswered: true, failures: 0}
  const {mark, since: theirs} = idleness
  // An operator that has just begun goes on with what the last one has written, if nothing has run since.
  const since = before?.mark === mark ? before.view.since : before?.hasAnswered ? undefined : restored(cluster, theirs)
  return {view: {since: since ?? now, at: now}, mark, hasAnswered: true, failures: 0}
}

const restored = ({status}: DaskCluster, theirs: number | undefined): number | undefined => {
  const written = Date.parse(status?.idleSince ?? '')
  if (Number.isNaN(written) || theirs === undefined || theirs > written + SKEW_MS) return undefined
  return Math.max(written, theirs)
}

/** What was known stands, so that one lost answer does not begin anew. */
const unanswered = (before: Known | undefined, message: string, now: number): Known => {
  const failures = (before?.failures ?? 0) + 1
  const {failure: _, ...view} = before?.view ?? {at: now}
  const isToBeTold = failures === FAILURES
  return {
    view: isToBeTold ? {...view, failure: message} : view,
    mark: before?.mark,
    hasAnswered: before?.hasAnswered ?? false,
    failures,
  }
}

const questionOf = (ref: Ref, reader: Reader): Question | undefined => {
  const cluster = reader.cache(DASK_CLUSTERS).get(ref)
  if (!cluster || cluster.metadata.deletionTimestamp !== undefined || cluster.spec.suspend === true || idleTimeoutMs(cluster) === 0)
    return undefined
  if (isOfUnfinishedJob(cluster, reader)) return undefined
  const scheduler = ownScheduler(cluster, reader.cache(PODS))
  return scheduler && isPodReady(scheduler) ? {cluster, scheduler} : undefined
}

/** Such a cluster is there for as long as its job's program, whatever that does meanwhile: the job would only make it anew, without its results. */
const isOfUnfinishedJob = (cluster: DaskCluster, reader: Reader): boolean => {
  const controller = controllerOf(cluster)
  if (controller?.kind !== DASK_JOBS.kind) return false
  const job = reader.cache(DASK_JOBS).get(refIn(cluster, controller.name))
  return job?.metadata.uid !== controller.uid || !hasJobEnded(job)
}
