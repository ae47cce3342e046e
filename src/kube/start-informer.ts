import {setTimeout as pause} from 'node:timers/promises'
import type {KubeObject} from '../api/object.ts'
import {isNotFound, KubeError} from './errors.ts'
import type {Informer, InformerOptions} from './informer.ts'
import {createReader, type Snapshot, Unstreamed} from './list-and-watch.ts'
import {isOlderVersion} from './resource-version.ts'
import {createStore} from './store.ts'

/** Bookmarks come every minute or so even when nothing changes; two missing ones mean that nobody speaks any more. */
const SILENCE_MS = 130_000
const WATCHDOG_MS = 1_000
const BACKOFF = {firstMs: 200, mostMs: 30_000} as const
/** A watch that lived this long was a good one: the next failure starts the backoff anew. */
const GOOD_WATCH_MS = 5_000
/** When a server goes, all watches end together: they come back spread over this time. */
const SPREAD_MS = 500

/**
 * Lists, then watches, for ever: through ends of watches, expired resource versions (410) and a server that is away.
 * What went while nobody watched is told after the next list. Ends when `signal` aborts.
 * Source: Kubernetes API concepts, "Efficient detection of changes".
 */
export function startInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  const {kind, signal, onError} = options
  const store = createStore(kind, options)
  const synced = Promise.withResolvers<void>()
  // Nobody may be waiting for it when the informer is stopped early.
  synced.promise.catch(() => undefined)
  let lastSign = Date.now()
  /** The newest version that a list or the watch has told; the next one goes on from it unless it must list anew. */
  let version: string | undefined
  let mustList = true
  let canStream = true
  let refusal: string | undefined
  let retry = (): void => undefined
  /** Of the list or watch that is open. */
  let life = new AbortController()
  let relisted: PromiseWithResolvers<void> | undefined
  const hasListed = (): void => {
    synced.resolve()
    relisted?.resolve()
    relisted = undefined
  }

  const reader = createReader(options, {
    onSign: () => {
      lastSign = Date.now()
    },
    onSnapshot: ({objects, version: listed}: Snapshot<T>) => {
      // It was begun before another one was asked for.
      if (life.signal.aborted) return
      // A list is never older than what a watch has told before, unless the server has another history now (a restored backup).
      store.replaceAll(objects, listed, isOlderVersion(listed, version))
      version = listed
      mustList = false
      refusal = undefined
      hasListed()
    },
    onEvent: ({type, object}) => {
      const {metadata} = object
      if (type === 'DELETED') store.remove(metadata, metadata.uid ?? '', metadata.resourceVersion)
      else if (type !== 'BOOKMARK') store.put(object)
      version = metadata.resourceVersion ?? version
    },
    isKnown: (ref, uid, version) => {
      const metadata = store.get(ref)?.metadata
      return metadata?.uid === uid && metadata.resourceVersion === version
    },
  })

  /** One list where needed and one watch, until the server ends it. */
  const follow = async (signal: AbortSignal): Promise<void> => {
    if (mustList && canStream) return reader.streamAndWatch(signal)
    if (mustList) await reader.list(signal)
    await reader.watch(version ?? '', signal)
  }

  /** It counts as empty from now on; with its definition its objects have gone. */
  const refuse = (error: KubeError): void => {
    if (isNotFound(error)) store.replaceAll([], '', true)
    refusal = error.message
    mustList = true
    hasListed()
  }
  /** A kind that nobody needs costs nothing. */
  const untilAsked = async (): Promise<void> => {
    const {promise, resolve} = Promise.withResolvers<void>()
    retry = () => resolve()
    signal.addEventListener('abort', retry, {once: true})
    await promise
    signal.removeEventListener('abort', retry)
  }

  const run = async (): Promise<void> => {
    let failures = 0
    while (!signal.aborted) {
      const began = Date.now()
      life = new AbortController()
      const stop = (): void => life.abort(signal.reason)
      signal.addEventListener('abort', stop, {once: true})
      const watchdog = setInterval(() => {
        if (Date.now() - Math.max(lastSign, began) > SILENCE_MS) life.abort(new Silence(kind.plural))
      }, WATCHDOG_MS)
      watchdog.unref()
      let waitMs = 0
      let mustAsk = false
      try {
        await follow(life.signal)
        failures = Date.now() - began >= GOOD_WATCH_MS ? 0 : failures + 1
        // A server that ends each watch at once must not be asked a thousand times a second.
        waitMs = failures > 1 ? backoff(failures) : Math.random() * SPREAD_MS
      } catch (thrown) {
        if (signal.aborted) break
        const error: unknown = life.signal.aborted ? life.signal.reason : thrown
        failures = Date.now() - began >= GOOD_WATCH_MS ? 1 : failures + 1
        if (options.isOptional && error instanceof KubeError && (isNotFound(error) || error.status === 403)) refuse(error)
        mustAsk = options.isOptional === true && isNotFound(error)
        if (mustAsk || error === RELIST) waitMs = 0
        else if (error instanceof Unstreamed) canStream = false
        else if (isExpired(error) && !mustList) {
          // In the course of nature (after each restart of the API server): nothing to tell, and to wait for only where it goes on and on.
          mustList = true
          waitMs = failures > 2 ? backoff(failures) : 0
        } else {
          // Silence may be a resource version from the future, which is silent for ever: connecting alone would not help.
          if (mustList && error instanceof Silence) canStream = false
          mustList ||= error instanceof Silence
          onError?.(error)
          const askedMs = error instanceof KubeError && error.retryAfter !== undefined ? error.retryAfter * 1000 : 0
          waitMs = Math.max(askedMs + Math.random() * SPREAD_MS, backoff(failures))
        }
      } finally {
        clearInterval(watchdog)
        signal.removeEventListener('abort', stop)
        // Ends the connection of a watch that was left in the middle.
        life.abort()
      }
      if (mustAsk) await untilAsked()
      if (waitMs > 0) await pause(waitMs, undefined, {signal}).catch(() => undefined)
    }
    synced.reject(signal.reason)
  }
  run().catch((error: unknown) => {
    onError?.(error)
    synced.reject(error)
  })

  return {
    kind,
    get: store.get,
    list: store.list,
    ownedBy: store.ownedBy,
    synced: synced.promise,
    silence: () => (refusal === undefined ? Date.now() - lastSign : 0),
    refusal: () => refusal,
    retry: () => retry(),
    observe: store.put,
    relist: () => {
      // What the server refuses is asked for again in any case, or empty.
      if (refusal !== undefined) return Promise.resolve()
      mustList = true
      relisted ??= Promise.withResolvers()
      life.abort(RELIST)
      return relisted.promise
    },
    forget: (ref, uid) => store.remove(ref, uid),
  }
}

const RELIST = new Error('a list is asked for')

class Silence extends Error {
  override readonly name = 'Silence'
  constructor(plural: string) {
    super(`the watch of ${plural} was silent for ${SILENCE_MS / 1000} s: connecting again and listing anew`)
  }
}

const isExpired = (error: unknown): boolean => error instanceof KubeError && error.status === 410

const backoff = (failures: number): number =>
  Math.min(BACKOFF.mostMs, BACKOFF.firstMs * 2 ** Math.min(failures - 1, 10)) * (0.5 + Math.random() / 2)
