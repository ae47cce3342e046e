import type {Kind, KubeObject, Ref} from '../../api/object.ts'
import {keyOf, refIn} from '../../api/ref.ts'
import type {KubeClient} from '../../kube/client.ts'
import type {Informer, StartInformer} from '../../kube/informer.ts'
import {withoutManagedFields} from '../../kube/store.ts'
import type {IsHeld, Reader} from './contract.ts'
import {createEvents} from './events.ts'
import type {Executor} from './execute.ts'
import {createExpectations} from './expectations.ts'
import type {HealthBoard} from './health.ts'
import {type LeaseTimes, leadWhile} from './lease.ts'
import {createLimit, type Limit} from './limit.ts'
import {about, type Log} from './log.ts'
import {type Meter, metered} from './meter.ts'
import {normalise} from './normalise.ts'
import {createQueue, type Queue} from './queue.ts'
import {type AnyController, createReconciler, refOfKey} from './reconcile.ts'
import {createRemoval} from './removal.ts'
import {createStatusWriter} from './status.ts'
import {withTimeLimit} from './time-limit.ts'
import {whileHeld} from './while-held.ts'

export interface OperatorOptions {
  readonly client: KubeClient
  readonly controllers: readonly AnyController[]
  readonly startInformer: StartInformer
  /** Absent: all namespaces. */
  readonly namespace?: string
  /** Tells this operator from others. */
  readonly identity: string
  /** Absent: no other operator runs beside this one. */
  readonly lease?: {readonly namespace: string; readonly name: string; readonly times?: LeaseTimes}
  /** By plural: kinds of which the API server makes few at a time, and makes them wait for each other when there are more. */
  readonly inFlight?: Readonly<Record<string, number>>
  /** How long one request may take. */
  readonly requestTimeoutMs?: number
  readonly signal: AbortSignal
  readonly log: Log
  /** Called when this operator leads and works. */
  readonly onReady?: () => void
  /** Told how the operator does. */
  readonly health?: HealthBoard
  /** Told of each run. */
  readonly meter?: Meter
}

/** What the caches hold: plans are made of it, so that nulls go here, once (law 5). */
const keptOf = <T extends KubeObject>(object: T): T => normalise(withoutManagedFields(object))

/** Keys of one kind handled at once; writes are bounded for all kinds together. */
const CONCURRENCY = 64
const WRITES_IN_FLIGHT = 64
const REQUEST_TIMEOUT_MS = 30_000
/** Caches that were filled this long before a term begins are those of a standby: it has looked at the lease at least twice. */
const FRESH_MS = 400
/** Every key is looked at again after this long, with jitter; where nothing has changed that sends no request. */
const RESYNC_MS = 10 * 60_000

/**
 * Serves until `signal` aborts: lists everything, waits until synced, takes the lease, works; then lets running keys end and gives the lease
 * back. A standby lists once more before it works, since its watches may be behind what the last leader has written (law 3). Rejects when the lease is lost: whoever runs it decides whether to come back as a standby.
 */
export async function startOperator(options: OperatorOptions): Promise<void> {
  const {client, controllers, startInformer, namespace, signal, log} = options
  if (signal.aborted) return
  const informers = new Map<string, Informer>()
  const life = new AbortController()
  const stop = (): void => life.abort(signal.reason)
  signal.addEventListener('abort', stop, {once: true})

  const named = (kind: Kind): string => `${kind.apiVersion}/${kind.plural}`
  const unwatched = new Map(controllers.flatMap(({writes = []}) => writes).map((kind) => [named(kind), withoutCache(kind)]))
  const informerOf = (kind: Kind): Informer => {
    const informer = informers.get(named(kind)) ?? unwatched.get(named(kind))
    if (!informer) throw new Error(`no controller has named ${named(kind)} among what it reads`)
    return informer
  }
  const reader: Reader = {
    cache: <T extends KubeObject>(kind: Kind<T>) => informerOf(kind) as unknown as Informer<T>,
    refusal: (kind) => {
      const informer = informerOf(kind)
      informer.retry()
      return informer.refusal()
    },
  }
  const changes = createChanges(controllers, reader)

  const kinds = new Map(
    controllers
      .flatMap(({kind, owns, watches = []}) => [kind, ...owns, ...watches.map((each) => each.kind)])
      .map((kind) => [named(kind), kind]),
  )
  const optional = new Set(controllers.flatMap((controller) => (controller.optional ?? []).map(named)))
  for (const [name, kind] of kinds) {
    let lastTold = ''
    informers.set(
      name,
      startInformer({
        client,
        kind,
        keep: keptOf,
        isOptional: optional.has(name),
        signal: life.signal,
        onChange: (before, after) => changes.tell(kind, before, after),
        onError: (error) => {
          const words = messageOf(error)
          if (words !== lastTold) log.warn({error: words}, `watching ${kind.plural} failed`)
          lastTold = words
        },
        ...(namespace !== undefined && {namespace}),
      }),
    )
  }
  for (const [name, informer] of informers) {
    const kind = kinds.get(name)
    if (kind) options.health?.watch(kind, informer)
  }
  try {
    await Promise.all([...informers.values()].map(({synced}) => synced))
    options.health?.synced()
    const syncedAt = performance.now()
    const work = async (term: AbortSignal, isHeld: IsHeld = () => true): Promise<void> => {
      const isStale = performance.now() - syncedAt > FRESH_MS
      if (isStale) await Promise.race([Promise.all([...informers.values()].map((informer) => informer.relist())), aborted(term)])
      if (!term.aborted) await lead(options, {informerOf, reader, changes, isHeld}, term)
    }
    if (options.lease) await leadWhile({client, identity: options.identity, signal, log, ...options.lease}, work)
    else await work(signal)
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stop)
    life.abort()
  }
}

/** Of a kind that nobody watches: what is written is not kept. */
const withoutCache = (kind: Kind): Informer => ({
  kind,
  synced: Promise.resolve(),
  get: () => undefined,
  list: () => [],
  ownedBy: () => [],
  silence: () => 0,
  refusal: () => undefined,
  retry: () => undefined,
  observe: () => undefined,
  relist: () => Promise.resolve(),
  forget: () => undefined,
})

interface Surroundings {
  readonly informerOf: (kind: Kind) => Informer
  readonly reader: Reader
  readonly changes: Changes
  readonly isHeld: IsHeld
}

/** Resolves when `term` has aborted and every run has ended. */
const lead = async (options: OperatorOptions, {informerOf, reader, changes, isHeld}: Surroundings, term: AbortSignal): Promise<void> => {
  const {controllers, log, requestTimeoutMs = REQUEST_TIMEOUT_MS} = options
  const client = whileHeld(withTimeLimit(options.client, requestTimeoutMs), isHeld)
  const now = (): number => Date.now()
  const steady = (): number => performance.now()
  const tell = createEvents(client, term, log, {now, steady})
  const limit = createLimit(WRITES_IN_FLIGHT)
  const limits = new Map(Object.entries(options.inFlight ?? {}).map(([plural, most]) => [plural, createLimit(most)]))
  const limitOf = ({plural}: Kind): Limit | undefined => limits.get(plural)
  const removal = createRemoval({client, informerOf, limit, log, signal: term})
  /** Work beside the queues; it never rejects. */
  const beside = new Set<Promise<void>>()
  const start = (work: Promise<void>): void => {
    beside.add(work)
    void work.then(() => beside.delete(work))
  }
  const queues = controllers.map((controller): {readonly kind: Kind; readonly queue: Queue; readonly resync: NodeJS.Timeout} => {
    const informer = informerOf(controller.kind)
    const expectations = createExpectations(client, informerOf, steady)
    const executor: Executor = {client, informerOf, expectations, tell, limit, limitOf, log}
    const statusWriter = createStatusWriter(client, controller.kind, informer, steady, limit.isCrowded)
    const reconciler = createReconciler({controller, informer, reader, executor, statusWriter, now, lookMs: requestTimeoutMs})
    const queue = createQueue({
      work: metered(options.meter, controller.kind.plural, (key) => reconciler.run(key, term)),
      concurrency: CONCURRENCY,
      onError: (key, error, retryMs) => {
        if (!term.aborted)
          log.warn({...about(controller.kind, refOfKey(key)), error: messageOf(error)}, `failed, again in ${(retryMs / 1000).toFixed(1)} s`)
      },
    })
    const enqueue = (ref: Ref, afterMs?: number): void => queue.add(keyOf(ref), afterMs)
    changes.subscribe(controller, {
      enqueue,
      seen: (kind, ref) => {
        for (const key of expectations.seen(kind, ref)) queue.add(key)
      },
      gone: (owner) => {
        statusWriter.forget(owner.metadata.uid)
        start(removal.removeChildren(controller, owner))
      },
    })
    controller.start?.(enqueue, term, isHeld)
    for (const owner of informer.list()) enqueue(owner.metadata)
    const resync = setInterval(() => {
      reconciler.forgive()
      for (const owner of informer.list()) queue.add(keyOf(owner.metadata), Math.random() * RESYNC_MS)
    }, RESYNC_MS)
    return {kind: controller.kind, queue, resync}
  })
  for (const controller of controllers) start(removal.removeOrphans(controller))
  options.health?.leads(queues)
  options.onReady?.()
  await aborted(term)
  options.health?.rests()
  changes.unsubscribe()
  for (const {resync} of queues) clearInterval(resync)
  await Promise.all([...queues.map(({queue}) => queue.stop()), ...beside])
}

interface Subscriber {
  enqueue(ref: Ref, afterMs?: number): void
  seen(kind: Kind, ref: Ref): void
  gone(owner: KubeObject): void
}

interface Changes {
  tell(kind: Kind, before: KubeObject | undefined, after: KubeObject | undefined): void
  subscribe(controller: AnyController, subscriber: Subscriber): void
  unsubscribe(): void
}

/** From a change of any object to the keys of the owners that it concerns: those of the old version and of the new one. */
const createChanges = (controllers: readonly AnyController[], reader: Reader): Changes => {
  const subscribers = new Map<AnyController, Subscriber>()
  const isKind = (one: Kind, other: Kind): boolean => one.apiVersion === other.apiVersion && one.plural === other.plural
  return {
    subscribe: (controller, subscriber) => void subscribers.set(controller, subscriber),
    unsubscribe: () => subscribers.clear(),
    tell: (kind, before, after) => {
      const object = after ?? before
      if (!object) return
      for (const controller of controllers) {
        const subscriber = subscribers.get(controller)
        if (!subscriber) continue
        if (isKind(controller.kind, kind)) {
          subscriber.enqueue(object.metadata)
          if (!after || (after.metadata.deletionTimestamp !== undefined && before?.metadata.deletionTimestamp === undefined))
            subscriber.gone(object)
        }
        /** How soon each is to be looked at. */
        const refs = new Map<string, number>()
        const look = (ref: Ref, afterMs: number): void => {
          const key = keyOf(ref)
          refs.set(key, Math.min(afterMs, refs.get(key) ?? afterMs))
        }
        if (controller.owns.some((each) => isKind(each, kind)))
          for (const version of [before, after])
            for (const reference of version?.metadata.ownerReferences ?? [])
              if (reference.controller && reference.kind === controller.kind.kind && reference.apiVersion === controller.kind.apiVersion)
                look(refIn(object, reference.name), 0)
        for (const {kind: read, keysOf, afterMs = 0} of controller.watches ?? [])
          if (isKind(read, kind))
            for (const version of [before, after]) if (version) for (const ref of keysOf(version, reader)) look(ref, afterMs)
        for (const [key, afterMs] of refs) {
          const [namespace, name = ''] = key.split('/')
          subscriber.enqueue({name, ...(namespace ? {namespace} : {})}, afterMs)
        }
        subscriber.seen(kind, object.metadata)
      }
    },
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), {once: true})
  })

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
