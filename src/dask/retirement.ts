/** The scale-down that restarts no task (contract 4.5, steps 3 to 8). */
import {setTimeout as pause} from 'node:timers/promises'
import type {LeavePolicy} from '../api/leave-policy.ts'
import {NotSent, TOO_LATE} from '../kube/errors.ts'
import type {Dial} from './dial.ts'
import {type Busy, emptinessOf, textOf} from './emptiness.ts'
import {portOf, type Scheduler, type SchedulerWorker} from './scheduler.ts'
import {reinstate, reschedule, standDown} from './streams.ts'

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
  /** Called for each worker as soon as it is done. */
  readonly report: (outcome: RetirementOutcome) => void
}

const SHORT_MS = 5_000
/** A drain answers after the data has moved: seconds for hundreds of results. */
const DRAIN_MS = 120_000
const POLL = {firstMs: 50, mostMs: 1_000} as const
/** A worker that is let back in says so to the scheduler at once; what was lost on the way is sent again. */
const BACK = {tries: 4, looks: 20, lookMs: 100} as const
/** How long a key stays where it is before it is looked at again: more than a finished task needs to be known as finished. */
const MOVE_AGAIN_MS = 2_000
const DRAINING = 'closing_gracefully'
/** The scheduler knows the worker, and has yet to hear that it runs. */
const JOINING = 'init'

/**
 * Drains workers, waits until each executes nothing, retires it. A task that has begun is finished where it began, one that has not
 * begun is moved: no task is started twice. Each worker is reported once. A worker that drains already is gone on with.
 * Rejects when the scheduler cannot be reached to begin with; where it goes away later, the workers are `unfinished` and another call goes on.
 */
export async function runRetirement(addresses: readonly string[], options: RetirementOptions): Promise<void> {
  const leaving = await options.alone(() => drain(addresses, options))
  // Each as soon as it is empty, never the set together; what fails for one is its own.
  await Promise.all(leaving.map(async (worker) => options.report(await seeOff(worker, options).catch(asUnfinished(worker)))))
  options.signal.throwIfAborted()
}

const asUnfinished =
  ({address}: SchedulerWorker) =>
  (error: unknown): RetirementOutcome => ({
    address,
    is: 'unfinished',
    message: `it may still be draining, and is asked for again: ${error instanceof Error ? error.message : String(error)}`,
  })

/** Resolves with the workers that drain, and has told of all others. */
const drain = async (addresses: readonly string[], options: RetirementOptions): Promise<readonly SchedulerWorker[]> => {
  const {connect, zero, policy, report} = options
  const scheduler = await connect()
  try {
    const workers = await onceJoined(scheduler, addresses, options)
    const known = workers.filter(({address}) => addresses.includes(address))
    for (const address of addresses) if (!known.some((worker) => worker.address === address)) report({address, is: 'gone'})
    const present = known.filter(({status}) => status !== JOINING)
    for (const {address} of known.filter(({status}) => status === JOINING))
      report({address, is: 'unfinished', message: 'it is still joining its scheduler, and is asked for again'})

    const victims = zero ? present : sparingOne(present, workers, report)
    const fresh = victims.filter(({status}) => status !== DRAINING)
    const drained = new Set(await drainedOf(scheduler, fresh, options))
    const holders = fresh.filter(({address}) => !drained.has(address))
    if (policy.afterRefusal === 'delete') {
      // Their results go with the scheduler; what they execute is finished all the same.
      await Promise.all(holders.map((worker) => stoodDown(worker, options)))
      return victims
    }
    // All at once leave no place for results that are still needed: one keeps them, the others can go.
    if (zero && holders.length > 1) for (const address of await drainedOf(scheduler, holders.slice(0, -1), options)) drained.add(address)
    for (const {address} of holders)
      if (!drained.has(address))
        report({
          address,
          is: 'refused',
          message: 'it holds results or actors that no other worker can take; it works on until they are released',
        })

    return victims.filter(({address, status}) => status === DRAINING || drained.has(address))
  } finally {
    scheduler.close()
  }
}

/**
 * All workers, when none of these is joining any more or that takes long. A worker that is drained before says afterwards that it runs: it would be
 * counted on as one that stays. One that is refused would be told to be as before, which is joining, for ever.
 */
const onceJoined = async (
  scheduler: Scheduler,
  addresses: readonly string[],
  {signal}: RetirementOptions,
): Promise<readonly SchedulerWorker[]> => {
  const deadline = performance.now() + SHORT_MS
  for (;;) {
    const {workers} = await scheduler.identity()
    const isJoining = workers.some(({address, status}) => status === JOINING && addresses.includes(address))
    if (!isJoining || performance.now() > deadline) return workers
    await pause(POLL.firstMs, undefined, {signal})
  }
}

/** What is lost on the way is sent again by whoever waits for the worker. */
const stoodDown = (worker: SchedulerWorker, {dialWorker, signal, maySend}: RetirementOptions): Promise<void> =>
  standDown(dialWorker(worker), {port: portOf(worker.address), timeoutMs: SHORT_MS, signal, maySend}).catch(() => {})

/** Those of the workers that drain from now on; the scheduler has let the others work on. */
const drainedOf = async (
  scheduler: Scheduler,
  workers: readonly SchedulerWorker[],
  options: RetirementOptions,
): Promise<readonly string[]> =>
  workers.length > 0
    ? retire(
        scheduler,
        workers.map(({address}) => address),
        {isFinal: false},
        options,
      )
    : []

const retire = async (
  scheduler: Scheduler,
  addresses: readonly string[],
  {isFinal}: {readonly isFinal: boolean},
  {maySend}: RetirementOptions,
): Promise<readonly string[]> => {
  if (!maySend()) throw new NotSent(TOO_LATE)
  return scheduler.retireWorkers(addresses, {remove: isFinal, closeWorkers: isFinal, timeoutMs: DRAIN_MS})
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
  const {connect, policy, signal} = options
  const scheduler = await connect()
  try {
    const deadline = performance.now() + policy.timeoutMs
    const look = emptinessOf(scheduler, address)
    const move = movingQueued(options, address)
    for (let wait: number = POLL.firstMs; ; wait = Math.min(wait * 1.5, POLL.mostMs)) {
      signal.throwIfAborted()
      const state = await look()
      if (state.is === 'gone') return {address, is: 'gone'}
      if (state.is === 'empty') break
      if (state.is === 'running') {
        // Let back in by somebody else: it is not ours to close.
        if (policy.afterRefusal === 'keep') return {address, is: 'refused', message: 'it was let back in while it was leaving'}
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
    const retired = await retire(scheduler, [address], {isFinal: true}, options)
    if (retired.includes(address) || (await statusOf(scheduler, address)) === undefined) return {address, is: 'retired'}
    if (policy.afterRefusal === 'delete') return {address, is: 'refused', mayGo: true, message: 'its results go with the scheduler'}
    // It would stay without work and without an end, and tasks would wait on it.
    const why = 'the scheduler did not let it go, since its results have nowhere to move'
    return await letBackIn(scheduler, worker, options, {is: 'refused', why})
  } finally {
    scheduler.close()
  }
}

const statusOf = async (scheduler: Scheduler, address: string): Promise<string | undefined> =>
  (await scheduler.identity()).workers.find((worker) => worker.address === address)?.status

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

/** Has a draining worker work on, and says so only when the scheduler has seen it: else it would wait for ever, and tasks with it. */
const letBackIn = async (
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
  return {address, is: 'unfinished', message: `${why}, and could not be let back in: ${failure}`}
}
