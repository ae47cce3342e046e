/** Whether a draining worker has anything left that would be started again elsewhere (contract 4.5, step 5). */
import {SchedulerError} from './message.ts'
import type {Scheduler, WorkerState} from './scheduler.ts'

export type Emptiness = {readonly is: 'gone' | 'running' | 'empty' | 'silent'} | Busy

/** It executes something, or holds keys that it will not start. */
export interface Busy {
  readonly is: 'busy'
  /** What is ready to start there and will not. */
  readonly queued: readonly unknown[]
  /** What the scheduler has given to it and what is neither queued nor executed there at this moment: it waits for data, or has just finished. */
  readonly idle: readonly unknown[]
}

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
  return await compared(scheduler, address, state)
}

/** Both views must say that it is empty: one look alone restarted one task in 42 retirements. */
const compared = async (scheduler: Scheduler, address: string, state: WorkerState): Promise<Emptiness> => {
  const known = new Set([...state.queued, ...state.executing, ...state.longRunning].map(textOf))
  const idle = (await scheduler.processing(address)).filter((key) => !known.has(textOf(key)))
  if (idle.length === 0 && state.executing.length === 0 && state.longRunning.length === 0) return {is: 'empty'}
  return state.running ? {is: 'busy', queued: [], idle: []} : {is: 'busy', queued: state.queued, idle}
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
    if (quiet < BEATS) return {is: 'busy', queued: [], idle: []}
    const assigned = await scheduler.processing(address)
    if (assigned.length === 0) return {is: 'empty'}
    return {is: 'busy', queued: assigned.length <= load.queued ? assigned : [], idle: []}
  }
}

/** Keys are texts or, since 2024, lists: compared by their JSON. */
export const textOf = (key: unknown): string => (typeof key === 'string' ? key : JSON.stringify(key))
