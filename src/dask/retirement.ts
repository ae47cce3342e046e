/** The scale-down that restarts no task (contract 4.5, steps 3 to 8). */
import {setTimeout as pause} from 'node:timers/promises'
import type {Dial} from './dial.ts'
import {portOf, type Scheduler, type SchedulerWorker, type WorkerState} from './scheduler.ts'
import {reinstate, reschedule} from './streams.ts'

/** What became of one worker. `refused` and `timed-out` ones work on as before. */
export interface RetirementOutcome {
  readonly address: string
  readonly is: 'retired' | 'gone' | 'refused' | 'timed-out'
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
  /** How long a worker may finish what it executes. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Called for each worker as soon as it is done. */
  readonly report: (outcome: RetirementOutcome) => void
}

const SHORT_MS = 5_000
/** A drain answers after the data has moved: seconds for hundreds of results. */
const DRAIN_MS = 120_000
const POLL = {firstMs: 50, mostMs: 1_000} as const
const DRAINING = 'closing_gracefully'

/**
 * Drains workers, waits until each executes nothing, retires it. A task that has begun is finished where it began, one that has not
 * begun is moved: no task is started twice. Each worker is reported once. A worker that drains already is gone on with.
 * Rejects when the scheduler cannot be reached; what was begun then stands, and another call goes on.
 */
export async function runRetirement(addresses: readonly string[], options: RetirementOptions): Promise<void> {
  const {connect, zero, report, signal} = options
  const scheduler = await connect()
  try {
    const {workers} = await scheduler.identity()
    const present = workers.filter(({address}) => addresses.includes(address))
    for (const address of addresses) if (!present.some((worker) => worker.address === address)) report({address, is: 'gone'})

    const victims = zero ? present : sparingOne(present, workers, report)
    const fresh = victims.filter(({status}) => status !== DRAINING).map(({address}) => address)
    const drained = new Set(
      fresh.length > 0 ? await scheduler.retireWorkers(fresh, {remove: false, closeWorkers: false, timeoutMs: DRAIN_MS}) : [],
    )
    for (const address of fresh)
      if (!drained.has(address))
        report({
          address,
          is: 'refused',
          message: 'it holds results or actors that no other worker can take; it works on until they are released',
        })

    const leaving = victims.filter(({address, status}) => status === DRAINING || drained.has(address))
    // Each as soon as it is empty, never the set together.
    await Promise.all(leaving.map(async (worker) => report(await seeOff(worker, options))))
    signal.throwIfAborted()
  } finally {
    scheduler.close()
  }
}

/** Without a running worker the tasks of the cluster would wait for ever. */
const sparingOne = (
  victims: readonly SchedulerWorker[],
  workers: readonly SchedulerWorker[],
  report: RetirementOptions['report'],
): readonly SchedulerWorker[] => {
  const others = workers.filter((worker) => worker.status === 'running' && !victims.includes(worker))
  const spared = others.length > 0 ? undefined : victims.findLast(({status}) => status === 'running')
  if (!spared) return victims
  report({address: spared.address, is: 'refused', message: 'it is the only running worker of the cluster; it leaves when another one runs'})
  return victims.filter((worker) => worker !== spared)
}

/** Waits until one draining worker is empty, and retires it. */
const seeOff = async (worker: SchedulerWorker, options: RetirementOptions): Promise<RetirementOutcome> => {
  const {address} = worker
  const {connect, timeoutMs, signal} = options
  const scheduler = await connect()
  try {
    const deadline = performance.now() + timeoutMs
    let moved = new Set<string>()
    for (let wait: number = POLL.firstMs; ; wait = Math.min(wait * 1.5, POLL.mostMs)) {
      signal.throwIfAborted()
      const state = await scheduler.workerState(address)
      if (!state) {
        if (!(await isConnected(scheduler, address))) return {address, is: 'gone'}
      } else {
        // Let back in by somebody else: it is not ours to close.
        if (state.status === 'running') return {address, is: 'refused', message: 'it was let back in while it was leaving'}
        if (await isEmpty(scheduler, address, state)) break
        moved = await moveQueued(options, address, state, moved)
      }
      if (performance.now() > deadline) {
        await letBackIn(worker, options)
        return {address, is: 'timed-out', message: `it has not finished its task within ${Math.round(timeoutMs / 1000)} s; it works on`}
      }
      await pause(wait, undefined, {signal})
    }
    const retired = await scheduler.retireWorkers([address], {remove: true, closeWorkers: true, timeoutMs: DRAIN_MS})
    if (retired.includes(address) || !(await isConnected(scheduler, address))) return {address, is: 'retired'}
    // It would stay without work and without an end, and tasks would wait on it.
    await letBackIn(worker, options)
    return {address, is: 'refused', message: 'the scheduler did not let it go, since its results have nowhere to move; it works on'}
  } finally {
    scheduler.close()
  }
}

const isConnected = async (scheduler: Scheduler, address: string): Promise<boolean> =>
  (await scheduler.identity()).workers.some((worker) => worker.address === address)

/** Both views must say so: one look alone restarted one task in 42 retirements (contract 4.5, step 5). */
const isEmpty = async (scheduler: Scheduler, address: string, state: WorkerState): Promise<boolean> => {
  if (state.executing.length > 0 || state.longRunning.length > 0) return false
  const queued = new Set(state.queued.map(textOf))
  return (await scheduler.processing(address)).every((key) => queued.has(textOf(key)))
}

/** A draining worker never starts what is queued on it, and the scheduler waits for it: those tasks are given to others. */
const moveQueued = async (
  options: RetirementOptions,
  address: string,
  state: WorkerState,
  before: ReadonlySet<string>,
): Promise<Set<string>> => {
  const now = new Set(state.queued.map(textOf))
  const fresh = state.queued.filter((key) => !before.has(textOf(key)))
  if (state.running || fresh.length === 0) return now
  const {scheduler, signal} = options
  await reschedule(scheduler.dial, {port: scheduler.port, timeoutMs: SHORT_MS, signal}, address, fresh)
  return now
}

const letBackIn = ({address, ...rest}: SchedulerWorker, {dialWorker, signal}: RetirementOptions): Promise<void> =>
  reinstate(dialWorker({address, ...rest}), {port: portOf(address), timeoutMs: SHORT_MS, signal})

/** Keys are texts or, since 2024, lists: compared by their JSON. */
const textOf = (key: unknown): string => (typeof key === 'string' ? key : JSON.stringify(key))
