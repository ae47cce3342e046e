import type {Scheduler} from './scheduler.ts'

/**
 * Whether a scheduler has anything to do, as its own `idle_timeout` would see it: results that clients hold are no work. `mark` stays the same
 * for as long as nothing at all has run; `since` is by the scheduler's own clock (ms since 1970), where it tells.
 */
export type Idleness = {readonly isIdle: false} | {readonly isIdle: true; readonly mark: string; readonly since?: number}

/** `check_idle` is missing or wrong before this version. */
const TELLS_SINCE = [2023, 4, 1] as const

/** By connection: whether the scheduler at its other end has a `check_idle` that can be believed. */
const telling = new WeakMap<Scheduler, boolean>()

/** Reads only: nothing of the scheduler's own configuration is changed. */
export async function readIdleness(scheduler: Scheduler): Promise<Idleness> {
  const tells = telling.get(scheduler) ?? isSince((await scheduler.versions())['distributed'] ?? '')
  telling.set(scheduler, tells)
  if (tells) {
    const since = await scheduler.idleSince()
    return since === undefined ? {isIdle: false} : {isIdle: true, mark: String(since), since: since * 1000}
  }
  const {isBusy, transitions} = await scheduler.activity()
  return isBusy ? {isIdle: false} : {isIdle: true, mark: `${transitions} transitions`}
}

const isSince = (version: string): boolean => {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10))
  for (const [index, wanted] of TELLS_SINCE.entries()) {
    const part = parts[index] ?? 0
    if (part !== wanted) return part > wanted
  }
  return true
}
