import {setTimeout as pause} from 'node:timers/promises'
import type {KubeObject} from '../api/object.ts'
import type {KubeList} from './client.ts'
import {KubeError} from './errors.ts'
import {failureOf, failureOfStatus} from './failure.ts'
import type {Informer, InformerOptions} from './informer.ts'
import {lines} from './json-lines.ts'
import {query, resourcePath} from './paths.ts'
import {createStore} from './store.ts'

/** Bookmarks come every minute or so even when nothing changes; two missing ones mean that nobody speaks any more. */
const SILENCE_MS = 130_000
/** The server ends a watch after this long; jittered, so that informers do not all return at once. */
const WATCH_SECONDS = {least: 300, most: 600} as const
const PAGE = 500
const BACKOFF = {firstMs: 200, mostMs: 30_000} as const
/** A watch that lived this long was a good one: the next failure starts the backoff anew. */
const GOOD_WATCH_MS = 5_000

interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: T
}

/**
 * Lists, then watches, for ever: through ends of watches, expired resource versions (410) and a server that is away.
 * What went while nobody watched is told after the next list. Ends when `signal` aborts.
 * Source: Kubernetes API concepts, "Efficient detection of changes".
 */
export function startInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  const {client, kind, namespace, labelSelector, fieldSelector, signal, onError} = options
  const store = createStore(kind, options.onChange)
  const synced = Promise.withResolvers<void>()
  // Nobody may be waiting for it when the informer is stopped early.
  synced.promise.catch(() => {})
  const path = resourcePath(kind, namespace)
  const selectors = {labelSelector, fieldSelector}
  let lastSign = Date.now()

  const list = async (inner: AbortSignal): Promise<string> => {
    const objects: T[] = []
    let next: string | undefined
    let version = ''
    do {
      const response = await client.raw({path: path + query({...selectors, limit: PAGE, continue: next}), signal: inner})
      const text = await response.body.text()
      if (response.status >= 400) throw failureOf(response, text)
      const page = JSON.parse(text) as KubeList<T>
      for (const item of page.items ?? []) objects.push({...item, apiVersion: kind.apiVersion, kind: kind.kind})
      next = page.metadata.continue
      version = page.metadata.resourceVersion ?? ''
    } while (next)
    lastSign = Date.now()
    store.replaceAll(objects, version)
    synced.resolve()
    return version
  }

  /** Resolves with the version to go on from, or rejects (410: list again). */
  const watch = async (from: string, inner: AbortSignal): Promise<string> => {
    let version = from
    const timeoutSeconds = Math.round(WATCH_SECONDS.least + Math.random() * (WATCH_SECONDS.most - WATCH_SECONDS.least))
    const response = await client.raw({
      path: path + query({...selectors, watch: true, allowWatchBookmarks: true, resourceVersion: version, timeoutSeconds}),
      signal: inner,
    })
    if (response.status >= 400) throw failureOf(response, await response.body.text())
    lastSign = Date.now()
    for await (const line of lines(response.body)) {
      if (line === '') continue
      const {type, object} = JSON.parse(line) as WatchEvent<T>
      lastSign = Date.now()
      if (type === 'ERROR') throw failureOfStatus(object)
      version = object.metadata.resourceVersion ?? version
      if (type === 'DELETED') store.remove(object.metadata, object.metadata.uid ?? '')
      else if (type !== 'BOOKMARK') store.put(object)
    }
    return version
  }

  const run = async (): Promise<void> => {
    let version: string | undefined
    let failures = 0
    while (!signal.aborted) {
      const life = new AbortController()
      const stop = (): void => life.abort(signal.reason)
      signal.addEventListener('abort', stop, {once: true})
      const watchdog = setInterval(() => {
        if (Date.now() - lastSign > SILENCE_MS) life.abort(new Silence(kind.plural))
      }, 1_000)
      watchdog.unref()
      lastSign = Date.now()
      const began = Date.now()
      try {
        version ??= await list(life.signal)
        version = await watch(version, life.signal)
        failures = Date.now() - began >= GOOD_WATCH_MS ? 0 : failures + 1
        // A server that ends each watch at once must not be asked a thousand times a second.
        if (failures > 1) await pause(backoff(failures), undefined, {signal})
      } catch (error) {
        if (signal.aborted) break
        failures = Date.now() - began >= GOOD_WATCH_MS ? 1 : failures + 1
        // Expired, or silent: a version that the server does not know, or one from the future, is silent for ever. List anew.
        if (isExpired(error) || error instanceof Silence) version = undefined
        if (!isExpired(error)) onError?.(error)
        const asked = error instanceof KubeError && error.retryAfter !== undefined ? error.retryAfter * 1000 : 0
        await pause(Math.max(asked, isExpired(error) && failures === 1 ? 0 : backoff(failures)), undefined, {signal}).catch(() => {})
      } finally {
        clearInterval(watchdog)
        signal.removeEventListener('abort', stop)
        life.abort()
      }
    }
    synced.reject(signal.reason)
  }
  run().catch((error: unknown) => {
    if (!signal.aborted) onError?.(error)
    synced.reject(error)
  })

  return {
    kind,
    get: store.get,
    list: store.list,
    ownedBy: store.ownedBy,
    synced: synced.promise,
    silence: () => Date.now() - lastSign,
    observe: store.put,
    forget: store.remove,
  }
}

class Silence extends Error {
  override readonly name = 'Silence'
  constructor(plural: string) {
    super(`the watch of ${plural} was silent for ${SILENCE_MS / 1000} s: connecting again`)
  }
}

const isExpired = (error: unknown): boolean => error instanceof KubeError && error.status === 410

const backoff = (failures: number): number =>
  Math.min(BACKOFF.mostMs, BACKOFF.firstMs * 2 ** Math.min(failures - 1, 10)) * (0.5 + Math.random() / 2)
