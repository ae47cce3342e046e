/** Waits until one draining worker is empty, and retires it (contract 4.5, steps 4 to 8). */
import {setTimeout as pause} from 'node:timers/promises'
import {Unanswered} from './comm.ts'
import {type Busy, type Emptiness, emptinessOf, textOf} from './emptiness.ts'
import {BEHIND, type Drained, immovableWords, resultsMoved} from './immovable.ts'
import {askToRetire, IN_A_SHUFFLE, letBackIn, SHORT_MS, statusOf, stoodDown} from './leaving.ts'
import type {RetirementOptions, RetirementOutcome} from './retirement.ts'
import type {Scheduler} from './scheduler.ts'
import {reschedule} from './streams.ts'

const POLL = {firstMs: 50, mostMs: 1_000} as const
const FINAL_MS = 120_000
/** How long a worker runs that somebody else has let back in, and not just one that has not heard yet that it drains. */
const SURE_MS = 2_000
/** How long a key stays where it is before it is looked at again: more than a finished task needs to be known as finished. */
const MOVE_AGAIN_MS = 2_000

const NOWHERE = 'the scheduler did not let it go, since its results have nowhere to move'

type Sight = Emptiness | {readonly is: 'shuffling'}

/** Resolves with what became of the worker; rejects where the scheduler goes away. `shuffling`: who takes part in a shuffle, as of seconds ago. */
export async function seeOff(
  drained: Drained,
  shuffling: (scheduler: Scheduler) => Promise<readonly string[]>,
  options: RetirementOptions,
): Promise<RetirementOutcome> {
  const {worker} = drained
  const {address} = worker
  const {connect, policy, signal} = options
  let scheduler = await connect()
  try {
    const deadline = performance.now() + policy.timeoutMs
    const keeps = policy.afterRefusal === 'keep'
    let look = emptinessOf(scheduler, address)
    const seen = async (): Promise<Sight> => {
      try {
        const state = await look()
        // One that began while the worker drained counts on it as well.
        return keeps && state.is !== 'gone' && (await shuffling(scheduler)).includes(address) ? {is: 'shuffling'} : state
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
        // A task may hold its worker so that it does not even answer: the deadline counts all the same.
        scheduler.close()
        scheduler = await connect()
        look = emptinessOf(scheduler, address)
        return {is: 'silent'}
      }
    }
    const move = movingQueued(options, address)
    let runsSince: number | undefined
    for (let wait: number = POLL.firstMs; ; wait = Math.min(wait * 1.5, POLL.mostMs)) {
      signal.throwIfAborted()
      const state = await seen()
      if (state.is === 'gone') return {address, is: 'gone'}
      if (state.is === 'empty') break
      if (state.is === 'shuffling') return await letBackIn(scheduler, worker, options, {is: 'refused', why: IN_A_SHUFFLE})
      runsSince = state.is === 'running' ? (runsSince ?? performance.now()) : undefined
      if (runsSince !== undefined && keeps && performance.now() - runsSince >= SURE_MS)
        // It is not ours to close.
        return {address, is: 'refused', message: 'it was let back in while it was leaving'}
      if (runsSince !== undefined && !keeps) {
        await stoodDown(worker, options)
        // Nobody may reach it to say so: it is empty where nothing is assigned to it.
        if ((await scheduler.processing(address)).length === 0) break
      }
      if (performance.now() > deadline) {
        const why = `it has not finished its task within ${Math.round(policy.timeoutMs / 1000)} s`
        if (policy.afterTimeout === 'delete') return {address, is: 'timed-out', mayGo: true, message: why}
        return await letBackIn(scheduler, worker, options, {is: 'timed-out', why})
      }
      // Not before a worker is let back in: it would begin the very tasks that are given to others.
      if (state.is === 'busy') await move(state)
      await pause(wait, undefined, {signal})
    }
    return await letGo(scheduler, drained, deadline, options)
  } finally {
    scheduler.close()
  }
}

/** Closes a worker that is empty once its results have moved; else lets it back in. */
const letGo = async (scheduler: Scheduler, drained: Drained, deadline: number, options: RetirementOptions): Promise<RetirementOutcome> => {
  const {worker} = drained
  const {address} = worker
  const keeps = options.policy.afterRefusal === 'keep'
  const moved = await resultsMoved(scheduler, drained, deadline, options)
  if (moved === 'yes' && keeps && (await scheduler.shuffling()).includes(address))
    return await letBackIn(scheduler, worker, options, {is: 'refused', why: IN_A_SHUFFLE})
  if (moved === 'yes' && (await askToRetire([address], {isFinal: true, limitMs: FINAL_MS}, options)).includes(address))
    return {address, is: 'retired'}
  if ((await statusOf(scheduler, address)) === undefined) return {address, is: 'retired'}
  if (!keeps) return {address, is: 'refused', mayGo: true, message: 'its results go with the scheduler'}
  // It would stay without work and without an end, and tasks would wait on it.
  const why = {
    immovable: immovableWords(options.immovable.get(address)),
    behind: BEHIND,
    yes: NOWHERE,
    no: NOWHERE,
  }[moved]
  return await letBackIn(scheduler, worker, options, {is: 'refused', why})
}

/**
 * A draining worker never starts what is queued on it, and fetches no data for what waits for it, while the scheduler waits for it: those tasks
 * are given to others. What is queued goes at once; what is neither queued nor executed, only when it was so in two looks, since one look alone
 * also finds a task that has just finished. The scheduler takes no notice of a key that is no longer there, so a key that stays is sent again.
 */
const movingQueued = ({scheduler, signal, maySend}: RetirementOptions, address: string): ((state: Busy) => Promise<void>) => {
  let sent = new Map<string, number>()
  let stuck = new Map<string, number>()
  return async ({queued, idle}) => {
    const now = performance.now()
    const isLong = (since: number | undefined): boolean => since !== undefined && now - since >= MOVE_AGAIN_MS
    const waiting = idle.filter((key) => isLong(stuck.get(textOf(key))))
    const fresh = [...queued, ...waiting].filter((key) => !sent.has(textOf(key)) || isLong(sent.get(textOf(key))))
    stuck = new Map(idle.map(textOf).map((key) => [key, stuck.get(key) ?? now]))
    const present = new Set([...queued, ...idle].map(textOf))
    sent = new Map([...sent].filter(([key]) => present.has(key)))
    if (fresh.length === 0) return
    for (const key of fresh) sent.set(textOf(key), now)
    await reschedule(scheduler.dial, {port: scheduler.port, timeoutMs: SHORT_MS, signal, maySend}, address, fresh)
  }
}
