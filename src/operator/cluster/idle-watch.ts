import {PODS, type Pod} from '../../api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, type DaskCluster} from '../../api/dask.ts'
import {hasJobEnded} from '../../api/job-state.ts'
import type {Ref} from '../../api/object.ts'
import {controllerOf} from '../../api/ownership.ts'
import {isPodReady} from '../../api/pod-state.ts'
import {refIn, refOf} from '../../api/ref.ts'
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

/** What is known of one scheduler pod. */
interface Known {
  /** Since when it is idle: by the calendar, and by the steady clock. */
  readonly idle?: {readonly since: number; readonly began: number} | undefined
  /** When it was last asked, by the steady clock. */
  readonly at: number
  readonly failure?: string
  readonly mark?: string | undefined
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

/** `steady`: nobody sets it, so that spans are measured by it. */
export interface Clocks {
  readonly now: () => number
  readonly steady: () => number
}

const CLOCKS: Clocks = {now: () => Date.now(), steady: () => performance.now()}

interface Question {
  readonly cluster: DaskCluster
  readonly scheduler: Pod
}

/** Schedulers are asked beside the reconcile workers (law 9), and only those of clusters with an `idleTimeout` (law 10). */
export function createIdleWatch(ask: AskIdle, {now, steady} = CLOCKS, leastMs = LEAST_MS): IdleWatch {
  /** By the UID of the scheduler's pod: neither it nor its cluster leaves anything to the next one of its name. */
  const known = new Map<string, Known>()
  let enqueue: (ref: Ref) => void = () => undefined

  const polls = createPolls<Question>({
    ask: async ({cluster, scheduler}) => {
      const uid = uidOf(scheduler)
      const before = known.get(uid)
      try {
        known.set(uid, answered(before, await ask(cluster, scheduler), cluster, now(), steady()))
      } catch (error) {
        known.set(uid, unanswered(before, error instanceof Error ? error.message : String(error), steady()))
      }
      enqueue(refOf(cluster))
    },
    everyMs: ({cluster, scheduler}) => {
      const usual = Math.min(MOST_MS, Math.max(leastMs, idleTimeoutMs(cluster) / 4))
      return Math.min(SILENT_MS, usual * 2 ** (known.get(uidOf(scheduler))?.failures ?? 0))
    },
    onEnd: (key) => known.delete(key),
  })

  return {
    start: (add, signal) => {
      enqueue = add
      polls.start(signal)
    },
    of: (ref, reader) => {
      const question = questionOf(ref, reader)
      if (!question) return undefined
      const uid = uidOf(question.scheduler)
      polls.follow(uid, () => {
        const next = questionOf(ref, reader)
        return next && uidOf(next.scheduler) === uid ? next : undefined
      })
      const {idle, at, failure} = known.get(uid) ?? {}
      if (at === undefined) return undefined
      const view = {forMs: idle ? at - idle.began : 0, ageMs: steady() - at}
      return {...view, ...(idle && {since: idle.since}), ...(failure !== undefined && {failure})}
    },
  }
}

const uidOf = ({metadata: {uid = ''}}: Pod): string => uid

const answered = (before: Known | undefined, idleness: Idleness, cluster: DaskCluster, now: number, at: number): Known => {
  if (!idleness.isIdle) return {at, hasAnswered: true, failures: 0}
  const {mark, since: theirs} = idleness
  const known = before?.mark === mark ? before.idle : undefined
  // An operator that has just begun goes on with what the last one has written, if nothing has run since.
  const since = (before?.hasAnswered ? undefined : restored(cluster, theirs)) ?? now
  return {idle: known ?? {since, began: at - (now - since)}, at, mark, hasAnswered: true, failures: 0}
}

const restored = ({status}: DaskCluster, theirs: number | undefined): number | undefined => {
  const written = Date.parse(status?.idleSince ?? '')
  if (Number.isNaN(written) || theirs === undefined || theirs > written + SKEW_MS) return undefined
  return Math.max(written, theirs)
}

/** What was known stands, so that one lost answer does not begin anew. */
const unanswered = (before: Known | undefined, message: string, at: number): Known => {
  const failures = (before?.failures ?? 0) + 1
  const {failure: _, ...stands} = before ?? {at, hasAnswered: false}
  return {...stands, ...(failures === FAILURES && {failure: message}), failures}
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
