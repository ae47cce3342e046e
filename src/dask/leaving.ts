/** What a worker that leaves, and its scheduler, are told (contract 4.5, steps 3 to 8). */
import {setTimeout as pause} from 'node:timers/promises'
import {NotSent, TOO_LATE} from '../kube/errors.ts'
import type {RetirementOptions, RetirementOutcome} from './retirement.ts'
import {portOf, type Scheduler, type SchedulerWorker} from './scheduler.ts'
import {reinstate, standDown} from './streams.ts'

export const SHORT_MS = 5_000
export const DRAINING = 'closing_gracefully'
export const IN_A_SHUFFLE = 'it takes part in a shuffle, which would begin anew without it'

/** A worker that is let back in says so to the scheduler at once; what was lost on the way is sent again. */
const BACK = {tries: 4, looks: 20, lookMs: 100} as const

/**
 * Resolves with those that the scheduler has let go, after their data has moved; they drain only, where it is not final.
 * Over a connection of its own, since the scheduler goes on with what has not been answered in time (rejects with Unanswered).
 */
export async function askToRetire(
  addresses: readonly string[],
  {isFinal, limitMs}: {readonly isFinal: boolean; readonly limitMs: number},
  {connect, maySend}: RetirementOptions,
): Promise<readonly string[]> {
  const scheduler = await connect().catch((error: Error) => {
    // Nothing was asked: that is no request without an answer.
    throw new Error(error.message, {cause: error})
  })
  try {
    if (!maySend()) throw new NotSent(TOO_LATE)
    return await scheduler.retireWorkers(addresses, {remove: isFinal, closeWorkers: isFinal, timeoutMs: limitMs})
  } finally {
    scheduler.close()
  }
}

/** What is lost on the way is sent again by whoever waits for the worker. */
export const stoodDown = (worker: SchedulerWorker, {dialWorker, signal, maySend}: RetirementOptions): Promise<void> =>
  standDown(dialWorker(worker), {port: portOf(worker.address), timeoutMs: SHORT_MS, signal, maySend}).catch(() => {})

export const statusOf = async (scheduler: Scheduler, address: string): Promise<string | undefined> =>
  (await scheduler.identity()).workers.find((worker) => worker.address === address)?.status

/** Has a draining worker work on, and says so only when the scheduler has seen it: else it would wait for ever, and tasks with it. */
export const letBackIn = async (
  scheduler: Scheduler,
  worker: SchedulerWorker,
  {dialWorker, signal, maySend}: RetirementOptions,
  {is, why}: {readonly is: 'refused' | 'timed-out'; readonly why: string},
): Promise<RetirementOutcome> => {
  const {address} = worker
  let failure = 'the scheduler has not noticed'
  for (let tried = 0; tried < BACK.tries; tried += 1) {
    await reinstate(dialWorker(worker), {port: portOf(address), timeoutMs: SHORT_MS, signal, maySend}).catch((error: Error) => {
      failure = error.message
    })
    for (let looked = 0; looked < BACK.looks; looked += 1) {
      const status = await statusOf(scheduler, address)
      if (status === undefined) return {address, is: 'gone'}
      if (status !== DRAINING) return {address, is, message: `${why}; it works on`}
      await pause(BACK.lookMs, undefined, {signal})
    }
  }
  return {address, is: 'unfinished', cause: is, message: `${why}, and could not be let back in: ${failure}`}
}
