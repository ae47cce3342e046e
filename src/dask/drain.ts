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
    const shuffling = keeps ? await scheduler.shuffling() : []
    // Asked for once more, a scheduler would try once more for ever; and what a worker holds of a shuffle is no result that could move.
    const leaving = withoutKept(present, options, ({address}) => {
      if (!keeps) return undefined
      if (immovable.has(address)) return `${immovableWords(immovable.get(address))}; it works on`
      if (isHeldUp) return `${BEHIND}; it works on`
      return shuffling.includes(address) ? `${IN_A_SHUFFLE}; it works on until that is done` : undefined
    })
    const victims = zero ? leaving : sparingOne(leaving, workers, options)
    const fresh = victims.filter(({status}) => status !== DRAINING)
    const askable = fresh.filter(({address}) => !isHeldUp && !immovable.has(address))
    const drained = new Map(await drainedOf(askable, options))
    const asDrained = (worker: SchedulerWorker): Drained => ({
      worker,
      isOpen: drained.get(worker.address) ?? (isHeldUp || immovable.has(worker.address)),
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
      for (const [address, isOpen] of await drainedOf(free.slice(0, -1), options)) drained.set(address, isOpen)
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

/** Those that nothing keeps; the others work on, and it is told why. One that drains already is gone on with. */
const withoutKept = (
  victims: readonly SchedulerWorker[],
  {report}: RetirementOptions,
  whyKept: (worker: SchedulerWorker) => string | undefined,
): readonly SchedulerWorker[] => {
  const judged = victims.map((worker) => ({worker, why: worker.status === DRAINING ? undefined : whyKept(worker)}))
  for (const {worker, why} of judged) if (why !== undefined) report({address: worker.address, is: 'refused', message: why})
  return judged.filter(({why}) => why === undefined).map(({worker}) => worker)
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

/** Addresses that drain from now on, each with whether the scheduler has yet to answer; it lets the other workers work on. */
const drainedOf = async (workers: readonly SchedulerWorker[], options: RetirementOptions): Promise<ReadonlyMap<string, boolean>> => {
  if (workers.length === 0) return new Map()
  const addresses = workers.map(({address}) => address)
  try {
    return new Map((await askToRetire(addresses, {isFinal: false, limitMs: DRAIN_MS}, options)).map((address) => [address, false]))
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error
    const scheduler = await options.connect()
    const now = await scheduler.identity().finally(() => scheduler.close())
    const draining = now.workers.filter(({address, status}) => status === DRAINING && addresses.includes(address))
    return new Map(draining.map(({address}) => [address, true]))
  }
}
