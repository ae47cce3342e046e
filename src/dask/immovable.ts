/**
 * Results that cannot move though there is room for them: they cannot be pickled. The scheduler tries for ever and does not answer, and a request that
 * was given up goes on there: it would tell a worker later to be as it was when it was asked. So no worker is asked for twice while such a request is
 * under way; what it holds is looked at instead.
 */
import {setTimeout as pause} from 'node:timers/promises'
import {Unanswered} from './comm.ts'
import {askToRetire, SHORT_MS} from './leaving.ts'
import type {RetirementOptions} from './retirement.ts'
import type {Scheduler, SchedulerWorker} from './scheduler.ts'

/** A worker that drains; `isOpen`: the scheduler has not answered yet, and moves its results as it can. */
export interface Drained {
  readonly worker: SchedulerWorker
  readonly isOpen: boolean
}

/** How long results may take to move that no task waits for any more. */
const MOVE_MS = 120_000
const LOOK_MS = 500

/**
 * Whether all that an empty worker holds has another holder. `immovable`: it is remembered, and why; `behind`: the scheduler gets to no other worker
 * before it is done with one that is.
 */
export async function resultsMoved(
  scheduler: Scheduler,
  {worker: {address}, isOpen}: Drained,
  deadline: number,
  options: RetirementOptions,
): Promise<'yes' | 'no' | 'immovable' | 'behind'> {
  // Where the scheduler goes next, its results need no other place.
  const mostMs = options.policy.afterRefusal === 'delete' ? SHORT_MS : MOVE_MS
  const limitMs = Math.min(mostMs, Math.max(SHORT_MS, deadline - performance.now()))
  const end = performance.now() + limitMs
  for (let unique = isOpen ? await scheduler.uniqueKeys(address) : undefined; unique; unique = await scheduler.uniqueKeys(address)) {
    if (unique.keys.length === 0) return unique.isSerial ? 'behind' : 'yes'
    if (performance.now() > end) return remember(options, address, unique.keys)
    await pause(LOOK_MS, undefined, {signal: options.signal})
  }
  try {
    return (await askToRetire([address], {isFinal: false, limitMs}, options)).includes(address) ? 'yes' : 'no'
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error
    return remember(options, address, (await scheduler.uniqueKeys(address))?.keys ?? [])
  }
}

const remember = ({immovable}: RetirementOptions, address: string, keys: readonly string[]): 'immovable' => {
  if (keys.length > 0) immovable.set(address, keys)
  return 'immovable'
}

/** Forgets what has been released meanwhile; resolves with whether the scheduler gets to nobody else before the rest is. */
export async function lookAgain(scheduler: Scheduler, {immovable}: RetirementOptions): Promise<boolean> {
  let isHeldUp = false
  for (const [address, keys] of immovable) {
    const unique = await scheduler.uniqueKeys(address)
    if (unique && keys.some((key) => unique.keys.includes(key))) isHeldUp ||= unique.isSerial
    else immovable.delete(address)
  }
  return isHeldUp
}

export const immovableWords = (keys: readonly string[] | undefined): string =>
  `${keys?.[0] === undefined ? 'one of its results' : `its result ${keys[0]}`} does not move (can it be pickled?)`

export const BEHIND = 'this version of Dask retires one worker after another, and does not get on with one whose result does not move'
