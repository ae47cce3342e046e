/** The scale-down that restarts no task (contract 4.5, steps 3 to 8). */
import type {LeavePolicy} from '../api/leave-policy.ts'
import type {Dial} from './dial.ts'
import {drain} from './drain.ts'
import {rarely} from './rarely.ts'
import type {Scheduler, SchedulerWorker} from './scheduler.ts'
import {seeOff} from './see-off.ts'

/**
 * What became of one worker. `refused` and `timed-out` ones work on as before, which the scheduler has confirmed, unless the policy has them deleted:
 * then they begin nothing any more, and a refused one executes nothing either. An `unfinished` one may still be draining, and the same call is to be made
 * again.
 */
export interface RetirementOutcome {
  readonly address: string
  readonly is: 'retired' | 'gone' | 'refused' | 'timed-out' | 'unfinished'
  /** It was not let back in: it may be deleted. */
  readonly mayGo?: true
  /** Of an unfinished one: why it was to be let back in, and could not be. */
  readonly cause?: 'refused' | 'timed-out'
  readonly message?: string
}

export interface RetirementOptions {
  /** Opens a connection to the scheduler; several are used, so that a long drain holds up nothing else. */
  readonly connect: () => Promise<Scheduler>
  /** The way to the scheduler's comm port, for messages that need a stream of their own. */
  readonly scheduler: {readonly dial: Dial; readonly port: number}
  /** The way to a worker, to let it back in. */
  readonly dialWorker: (worker: SchedulerWorker) => Dial
  /** Whether the cluster is to have no worker at all: else its last running one is kept. */
  readonly zero: boolean
  readonly policy: LeavePolicy
  readonly signal: AbortSignal
  /** Asked right before the scheduler or a worker is told anything that changes them. */
  readonly maySend: () => boolean
  /**
   * Runs `choose` when no other choice is being made for this cluster: of two that are made at once, each would count on the workers that
   * the other is sending away.
   */
  readonly alone: <T>(choose: () => Promise<T>) => Promise<T>
  /** Addresses that leave this cluster, kept here: a worker may say once more that it runs before it hears that it drains. */
  readonly leaving: Set<string>
  /** Keys that have kept a worker from leaving since they do not move, by its address; kept here for the cluster. */
  readonly immovable: Map<string, readonly string[]>
  /** Called for each worker as soon as it is done. */
  readonly report: (outcome: RetirementOutcome) => void
}

const SHUFFLES_MS = 5_000

/**
 * Drains workers, waits until each executes nothing, retires it. A task that has begun is finished where it began, one that has not
 * begun is moved: no task is started twice. Each worker is reported once. A worker that drains already is gone on with.
 * Rejects when the scheduler cannot be reached to begin with; where it goes away later, the workers are `unfinished` and another call goes on.
 */
export async function runRetirement(addresses: readonly string[], options: RetirementOptions): Promise<void> {
  const {alone, leaving, report, signal} = options
  const victims = await alone(async () => {
    const drained = await drain(addresses, options)
    for (const {worker} of drained) leaving.add(worker.address)
    return drained
  })
  // One question for all of them: schedulers write each into their log.
  const shuffling = rarely((scheduler: Scheduler) => scheduler.shuffling(), SHUFFLES_MS)
  // Each as soon as it is empty, never the set together; what fails for one is its own.
  await Promise.all(
    victims.map(async (drained) => {
      const {worker} = drained
      const outcome = await seeOff(drained, shuffling, options).catch(asUnfinished(worker))
      leaving.delete(worker.address)
      report(outcome)
    }),
  )
  signal.throwIfAborted()
}

const asUnfinished =
  ({address}: SchedulerWorker) =>
  (error: unknown): RetirementOutcome => ({
    address,
    is: 'unfinished',
    message: `it may still be draining, and is asked for again: ${error instanceof Error ? error.message : String(error)}`,
  })
