/** Whether a draining worker has anything left that would be started again elsewhere (contract 4.5, step 5). */
import {SchedulerError} from './message.ts'
import type {Scheduler, WorkerState} from './scheduler.ts'

export type Emptiness =
  | {readonly is: 'gone' | 'running' | 'empty' | 'silent'}
  /** It executes something, or holds keys that it will not start. */
  | {readonly is: 'busy'; readonly queued: readonly unknown[]}

/** Heartbeats after the drain that must say the same: the first may have been on its way. */
const BEATS = 2

/**
 * Looks at one draining worker each time it is called: by the worker's own word, or, where the scheduler may not pass messages on to workers
 * (`distributed.scheduler.blocked-handlers`), by its heartbeats.
 */
export function emptinessOf(scheduler: Scheduler, address: string): () => Promise<Emptiness> {
  const byHeartbeat = readHeartbeats(scheduler, address)
  let isBlocked = false
  return async () => {
    if (!isBlocked)
      try {
        return await byWord(scheduler, address)
      } catch (error) {
        if (!(error instanceof SchedulerError)) throw error
        isBlocked = true
      }
    return await byHeartbeat()
  }
}

const byWord = async (scheduler: Scheduler, address: string): Promise<Emptiness> => {
  const state = await scheduler.workerState(address)
  if (!state || state.status === 'running') {
    // The word to drain may still be on its way to the worker: what the scheduler knows counts.
    const known = (await scheduler.identity()).workers.find((worker) => worker.address === address)
    if (!known) return {is: 'gone'}
    return {is: state && known.status === 'running' ? 'running' : 'silent'}
  }
  if (await isEmpty(scheduler, address, state)) return {is: 'empty'}
  return {is: 'busy', queued: state.running ? [] : state.queued}
}

/** Both views must say so: one look alone restarted one task in 42 retirements. */
const isEmpty = async (scheduler: Scheduler, address: string, state: WorkerState): Promise<boolean> => {
  if (state.executing.length > 0 || state.longRunning.length > 0) return false
  const queued = new Set(state.queued.map(textOf))
  return (await scheduler.processing(address)).every((key) => queued.has(textOf(key)))
}

/** Later and coarser: what is assigned to it counts as queued only when the worker counts as many, and executes nothing. */
const readHeartbeats = (scheduler: Scheduler, address: string): (() => Promise<Emptiness>) => {
  let last: number | undefined
  let quiet = 0
  return async () => {
    const worker = (await scheduler.identity()).workers.find((each) => each.address === address)
    if (!worker) return {is: 'gone'}
    if (worker.status === 'running') return {is: 'running'}
    const {load, lastSeen} = worker
    if (load.executing > 0) quiet = 0
    else if (last !== undefined && lastSeen > last) quiet += 1
    last = lastSeen
    if (quiet < BEATS) return {is: 'busy', queued: []}
    const assigned = await scheduler.processing(address)
    if (assigned.length === 0) return {is: 'empty'}
    return {is: 'busy', queued: assigned.length <= load.queued ? assigned : []}
  }
}

/** Keys are texts or, since 2024, lists: compared by their JSON. */
export const textOf = (key: unknown): string => (typeof key === 'string' ? key : JSON.stringify(key))
