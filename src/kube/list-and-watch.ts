/** One list or one watch of a kind, as the server sends it: what an informer is made of. Keeps nothing between calls. */
import type {Kind, KubeObject, Ref} from '../api/object.ts'
import type {KubeClient, KubeList} from './client.ts'
import {KubeError} from './errors.ts'
import {failureOf, failureOfStatus} from './failure.ts'
import {lines} from './lines.ts'
import {query, resourcePath} from './paths.ts'
import {withoutManagedFields} from './store.ts'

const PAGE = 500
/** The server ends a watch after this long; jittered, so that informers do not all return at once. */
const WATCH_SECONDS = {least: 300, most: 600} as const
const END_OF_LIST = 'k8s.io/initial-events-end'
/** How API servers begin an event about an object of a built-in kind; whatever begins in another way is read whole. */
const HEAD =
  /^\{"type":"(?:ADDED|MODIFIED)","object":\{"kind":"[^"]+","apiVersion":"[^"]+","metadata":\{"name":"([^"]+)","namespace":"([^"]+)","uid":"([^"]+)","resourceVersion":"([^"]+)"/

/** All objects of a scope as they were at one version. */
export interface Snapshot<T> {
  readonly objects: readonly T[]
  readonly version: string
}

interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: T
}

export interface Scope<T extends KubeObject> {
  readonly client: KubeClient
  readonly kind: Kind<T>
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** What of each object of a list is kept while the rest of it comes; absent: all but managedFields. */
  readonly keep?: (object: T) => T
}

export interface Told<T> {
  /** Called at each sign of life: an answer, a page, an event, a bookmark. */
  readonly onSign: () => void
  readonly onSnapshot: (snapshot: Snapshot<T>) => void
  readonly onEvent: (event: WatchEvent<T>) => void
  /** Whether that version of the object is known: of a watch's event about it only the version is read then, which `onEvent` gets as a bookmark. */
  readonly isKnown: (ref: Ref, uid: string, version: string) => boolean
}

/** Every function rejects with the server's own error (410: the version has expired) or with the network's, and resolves when the server ends a watch. */
export interface Reader {
  /** Pages of 500. */
  list(signal: AbortSignal): Promise<void>
  watch(from: string, signal: AbortSignal): Promise<void>
  /** A list as the beginning of a watch, object by object. Rejects with Unstreamed where the server does not have it. */
  streamAndWatch(signal: AbortSignal): Promise<void>
}

/** The server does not send lists as streams (an older Kubernetes, or switched off): pages it is. */
export class Unstreamed extends Error {
  override readonly name = 'Unstreamed'
}

export function createReader<T extends KubeObject>(scope: Scope<T>, {onSign, onSnapshot, onEvent, isKnown}: Told<T>): Reader {
  const {client, kind, namespace, labelSelector, fieldSelector, keep = withoutManagedFields} = scope
  const path = resourcePath(kind, namespace)
  const selectors = {labelSelector, fieldSelector}
  /** Before its end a list is taken in whole. */
  let isListing = false

  /** What we have written ourselves was answered before its echo comes, which is as long as the answer was: it is not read once more. */
  const echo = (line: string): WatchEvent<T> | undefined => {
    const [, name = '', namespace = '', uid = '', version = ''] = (!isListing && HEAD.exec(line)) || []
    if (version === '' || !isKnown({name, namespace}, uid, version)) return undefined
    return {type: 'BOOKMARK', object: {metadata: {resourceVersion: version}} as T}
  }

  const open = async function* (from: Readonly<Record<string, string | boolean>>, signal: AbortSignal): AsyncGenerator<WatchEvent<T>> {
    const timeoutSeconds = Math.round(WATCH_SECONDS.least + Math.random() * (WATCH_SECONDS.most - WATCH_SECONDS.least))
    const parameters = {...selectors, watch: true, allowWatchBookmarks: true, ...from, timeoutSeconds}
    const response = await client.raw({path: path + query(parameters), signal})
    if (response.status >= 400) throw failureOf(response, await response.body.text())
    onSign()
    for await (const line of lines(response.body)) {
      if (line.trim() === '') continue
      const known = echo(line)
      if (known) {
        onSign()
        yield known
        continue
      }
      const {type, object} = JSON.parse(line) as WatchEvent<T> | {readonly type: 'ERROR'; readonly object: unknown}
      onSign()
      if (type === 'ERROR') throw failureOfStatus(object)
      yield {type, object: object as T}
    }
  }

  return {
    list: async (signal) => {
      const objects: T[] = []
      let next: string | undefined
      let version = ''
      do {
        const response = await client.raw({path: path + query({...selectors, limit: PAGE, continue: next}), signal})
        const text = await response.body.text()
        if (response.status >= 400) throw failureOf(response, text)
        const page = JSON.parse(text) as KubeList<T>
        onSign()
        // Items of a list carry neither apiVersion nor kind.
        for (const item of page.items ?? []) objects.push(keep({...item, apiVersion: kind.apiVersion, kind: kind.kind}))
        next = page.metadata.continue
        version = page.metadata.resourceVersion ?? ''
      } while (next)
      onSnapshot({objects, version})
    },

    watch: async (from, signal) => {
      isListing = false
      for await (const event of open({resourceVersion: from}, signal)) onEvent(event)
    },

    streamAndWatch: async (signal) => {
      let objects: T[] | undefined = []
      isListing = true
      try {
        for await (const event of open({sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan'}, signal)) {
          if (!objects) onEvent(event)
          else if (event.type === 'ADDED') objects.push(keep(event.object))
          else {
            const {annotations, resourceVersion = ''} = event.object.metadata
            if (annotations?.[END_OF_LIST] !== 'true') throw new Unstreamed(`the list of ${kind.plural} has no end`)
            const complete: readonly T[] = objects
            objects = undefined
            isListing = false
            onSnapshot({objects: complete, version: resourceVersion})
          }
        }
      } catch (error) {
        if (objects && error instanceof KubeError && (error.status === 400 || error.status === 422))
          throw new Unstreamed(error.message, {cause: error})
        throw error
      }
    },
  }
}
