/** Who of the workers that are to leave drains, and who stays (contract 4.5, step 3). */
import {setTimeout as pause} from 'node:timers/promises'
import {Unanswered} from './comm.ts'
import {BEHIND, type Drained, immovableWords, lookAgain} from './immovable.ts'
import {askToRetire, DRAINING, IN_A_SHUFFLE, SHORT_MS, stoodDown} from './leaving.ts'
import type {RetirementOptions} from './retirement.ts'
import type {Scheduler, SchedulerWorker} from './scheduler.ts'

/** A drain answers after the data has moved; what takes longer is waited for worker by worker, so that one holds up none of the others. */
const DRAIN_MS = 20_000
const LOOK_MS = 50
/** The scheduler knows the worker, and has yet to hear that it runs. */
const JOINING = 'init'

/** Resolves with the workers that drain, and has told of all others. */
export async function drain(addresses: readonly string[], options: RetirementOptions): Promise<readonly Drained[]> {
  const {connect, zero, policy, report, immovable} = options
  const keeps = policy.afterRefusal === 'keep'
  const scheduler = await connect()
  try {
    // One that is drained before it has joined says afterwards that it runs, and one that is refused would be told to be joining, for ever.
    const workers = await onceNone(JOINING, scheduler, addresses, options)
    const known = workers.filter(({address}) => addresses.includes(address))
    for (const address of addresses) if (!known.some((worker) => worker.address === address)) report({address, is: 'gone'})
    const joining = known.filter(({status}) => status === JOINING)
    for (const {address} of joining)
      report({address, is: 'unfinished', message: 'it is still joining its scheduler, and is asked for again'})

    const present = known.filter((worker) => !joining.includes(worker))
    const isHeldUp = await lookAgain(scheduler, options)
    const movable = keeps ? withoutImmovable(present, isHeldUp, options) : present
    const leaving = keeps ? await withoutShuffling(scheduler, movable, report) : movable
    const victims = zero ? leaving : sparingOne(leaving, workers, options)
    const fresh = victims.filter(({status}) => status !== DRAINING)
    const askable = fresh.filter(({address}) => !isHeldUp && !immovable.has(address))
    const {drained, isOpen} = await drainedOf(askable, options)
    const open = new Set(isOpen ? drained : [])
    const asDrained = (worker: SchedulerWorker): Drained => ({
      worker,
      isOpen: isHeldUp || open.has(worker.address) || immovable.has(worker.address),
    })
    const holders = (): readonly SchedulerWorker[] => fresh.filter(({address}) => !drained.has(address))
    if (!keeps) {
      // Their results go with the scheduler; what they execute is finished all the same.
      await Promise.all(holders().map((worker) => stoodDown(worker, options)))
      return victims.map(asDrained)
    }
    let torn = await stillDraining(scheduler, holders(), options)
    // All at once leave no place for results that are still needed: one keeps them, the others can go.
    const free = zero ? holders().filter(({address}) => !torn.has(address)) : []
    if (free.length > 1) {
      const more = await drainedOf(free.slice(0, -1), options)
      for (const address of more.drained) drained.add(address)
      for (const address of more.isOpen ? more.drained : []) open.add(address)
      torn = await stillDraining(scheduler, holders(), options)
    }
    for (const {address} of holders())
      report(
        torn.has(address)
          ? {
              address,
              is: 'unfinished',
              message: 'the scheduler has refused it, and it has not said that it works on; it is asked for again',
            }
          : {
              address,
              is: 'refused',
              message: 'it holds results or actors that no other worker can take; it works on until they are released',
            },
      )
    return victims.filter(({address, status}) => status === DRAINING || drained.has(address)).map(asDrained)
  } finally {
    scheduler.close()
  }
}

/** All workers, when none of these has the status any more, or that takes too long. */
const onceNone = async (
  status: string,
  scheduler: Scheduler,
  addresses: readonly string[],
  {signal}: RetirementOptions,
): Promise<readonly SchedulerWorker[]> => {
  const deadline = performance.now() + SHORT_MS
  for (;;) {
    const {workers} = await scheduler.identity()
    const isSo = workers.some((worker) => worker.status === status && addresses.includes(worker.address))
    if (!isSo || performance.now() > deadline) return workers
    await pause(LOOK_MS, undefined, {signal})
  }
}

/**
 * Those that the scheduler has refused and that have not said yet that they work on: it only tells them to. One that is drained again meanwhile would be
 * told to be as before, which is draining.
 */
const stillDraining = async (
  scheduler: Scheduler,
  refused: readonly SchedulerWorker[],
  options: RetirementOptions,
): Promise<ReadonlySet<string>> => {
  if (refused.length === 0) return new Set()
  const addresses = refused.map(({address}) => address)
  const workers = await onceNone(DRAINING, scheduler, addresses, options)
  return new Set(workers.flatMap(({address, status}) => (status === DRAINING && addresses.includes(address) ? [address] : [])))
}

/** Asked for once more, the scheduler would try once more for ever. */
const withoutImmovable = (
  victims: readonly SchedulerWorker[],
  isHeldUp: boolean,
  {immovable, report}: RetirementOptions,
): readonly SchedulerWorker[] => {
  const isKept = ({address, status}: SchedulerWorker): boolean => status !== DRAINING && (isHeldUp || immovable.has(address))
  for (const {address} of victims.filter(isKept)) {
    const why = immovable.has(address) ? immovableWords(immovable.get(address)) : BEHIND
    report({address, is: 'refused', message: `${why}; it works on`})
  }
  return victims.filter((worker) => !isKept(worker))
}

/** What a worker holds of a shuffle is no result that could move: without it the whole shuffle begins anew. */
const withoutShuffling = async (
  scheduler: Scheduler,
  victims: readonly SchedulerWorker[],
  report: RetirementOptions['report'],
): Promise<readonly SchedulerWorker[]> => {
  const shuffling = new Set(await scheduler.shuffling())
  const isKept = ({address, status}: SchedulerWorker): boolean => status !== DRAINING && shuffling.has(address)
  for (const {address} of victims.filter(isKept))
    report({address, is: 'refused', message: `${IN_A_SHUFFLE}; it works on until that is done`})
  return victims.filter((worker) => !isKept(worker))
}

/** Without a running worker the tasks of the cluster would wait for ever. */
const sparingOne = (
  victims: readonly SchedulerWorker[],
  workers: readonly SchedulerWorker[],
  {leaving, report}: RetirementOptions,
): readonly SchedulerWorker[] => {
  const staying = workers.filter((worker) => !victims.includes(worker) && !leaving.has(worker.address))
  const isAny = (status: string): boolean => staying.some((worker) => worker.status === status)
  const last = (wanted: string): SchedulerWorker | undefined => victims.findLast(({status}) => status === wanted)
  // A paused one, whose memory is full, runs again when it has room.
  const spared = isAny('running') ? undefined : (last('running') ?? (isAny('paused') ? undefined : last('paused')))
  if (!spared) return victims
  report({
    address: spared.address,
    is: 'refused',
    message: 'it is the only running worker of the cluster; it leaves when another one runs',
  })
  return victims.filter((worker) => worker !== spared)
}

interface Drain {
  /** Addresses. */
  readonly drained: Set<string>
  /** The scheduler has not answered yet. */
  readonly isOpen: boolean
}

/** Those of the workers that drain from now on; the scheduler lets the others work on. */
const drainedOf = async (workers: readonly SchedulerWorker[], options: RetirementOptions): Promise<Drain> => {
  if (workers.length === 0) return {drained: new Set(), isOpen: false}
  const addresses = workers.map(({address}) => address)
  try {
    return {drained: new Set(await askToRetire(addresses, {isFinal: false, limitMs: DRAIN_MS}, options)), isOpen: false}
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error
    const scheduler = await options.connect()
    const now = await scheduler.identity().finally(() => scheduler.close())
    const draining = now.workers.filter(({address, status}) => status === DRAINING && addresses.includes(address))
    return {drained: new Set(draining.map(({address}) => address)), isOpen: true}
  }
}
