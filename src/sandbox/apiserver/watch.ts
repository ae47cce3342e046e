/** Watches: initial events, the changes since a revision, bookmarks, and the words that end them. */
import {expired, forbiddenField, invalidOptions, notSupported, Refusal, statusOf} from './errors.ts'
import {type ApiObject, textOf} from './json.ts'
import {apiVersionOf, type Resource} from './resources.ts'
import {selection} from './selectors.ts'
import type {Change, Store} from './store.ts'
import {view} from './view.ts'

/** The answer that a watch writes to. */
export interface WatchStream {
  write(text: string): void
  end(): void
  /** Bytes that the client has not taken yet. */
  backlog(): number
  onClose(listener: () => void): void
}

export interface WatchRequest {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly query: URLSearchParams
  /** The JSON of an object in an event; Tables and partial metadata differ from the object itself. */
  readonly render: (object: ApiObject, isFirst: boolean) => string
  readonly renderBookmark: (metadata: object) => string
}

const BOOKMARK_MS = 60_000
/** A bookmark comes this long before the deadline, too. */
const LAST_BOOKMARK_MS = 2_000
/** Without `timeoutSeconds` the real server ends a watch after 30 to 60 minutes. */
const DEFAULT_TIMEOUT_S = 1_800
/** A client that lets this much pile up is cut off; it lists again. */
const MOST_BACKLOG = 64 * 1024 * 1024

/** The first change is told at once; of a flood so much is told together, since each write costs as much as a change. */
const PACE_MS = 5

export interface Watches {
  /** Refuses before anything is written, else streams until the client, the deadline or the server ends it. */
  start(request: WatchRequest, open: () => WatchStream): void
  /** Ends every watch of a storage cleanly (its CRD changed); of all storages without an argument. */
  close(storage?: string): void
}

export function makeWatches(store: Store): Watches {
  const open = new Map<() => void, string>()
  return {
    start: (request, openStream) => {
      const close = startWatch(store, request, openStream, () => open.delete(close))
      open.set(close, request.resource.storage)
    },
    close: (storage) => {
      for (const [close, of] of [...open]) if (storage === undefined || of === storage) close()
    },
  }
}

const startWatch = (store: Store, request: WatchRequest, open: () => WatchStream, onEnd: () => void): (() => void) => {
  const {resource, namespace, query} = request
  const selects = selection(query, resource.selectable)
  const matches = (object: ApiObject): boolean =>
    (namespace === undefined || object.metadata.namespace === namespace) && (!selects || selects(view(resource, object)))
  const wantsBookmarks = isTrue(query.get('allowWatchBookmarks'))
  const initial = wantsInitialEvents(query)
  const since = initial ? store.revision() : revisionOf(query)

  const stream = open()
  let isFirst = true
  let pending = ''
  let isEnded = false
  let flushedAt = Number.NEGATIVE_INFINITY
  const flush = (): void => {
    if (pending === '' || isEnded) return
    stream.write(pending)
    pending = ''
    flushedAt = performance.now()
    if (stream.backlog() > MOST_BACKLOG) end()
  }
  const send = (type: string, object: string): void => {
    if (pending === '') {
      const early = PACE_MS - (performance.now() - flushedAt)
      if (early > 0) setTimeout(flush, early)
      else setImmediate(flush)
    }
    pending += `{"type":"${type}","object":${object}}\n`
  }
  const sendObject = (type: Change['type'], object: ApiObject): void => {
    send(type, request.render(view(resource, object), isFirst))
    isFirst = false
  }
  const sendChange = (change: Change): void => {
    if (change.revision <= since) return
    const event = eventOf(change, matches)
    if (event) sendObject(event.type, event.object)
  }
  const bookmark = (annotations?: object): void => {
    if (store.revision() < since) return
    send(
      'BOOKMARK',
      request.renderBookmark({resourceVersion: String(store.revision()), creationTimestamp: null, ...(annotations && {annotations})}),
    )
  }
  const end = (): void => {
    if (isEnded) return
    flush()
    isEnded = true
    unsubscribe()
    clearInterval(beat)
    clearTimeout(last)
    clearTimeout(deadline)
    stream.end()
    onEnd()
  }

  const past = initial ? [] : store.changesSince(resource.storage, since)
  if (initial) for (const object of store.list(resource.storage, namespace)) if (matches(object)) sendObject('ADDED', object)
  if (initial === 'streamed') bookmark({'k8s.io/initial-events-end': 'true'})
  const unsubscribe = past ? store.watch(resource.storage, sendChange) : () => undefined
  for (const change of past ?? []) sendChange(change)

  const timeout = 1000 * (Number(query.get('timeoutSeconds')) || DEFAULT_TIMEOUT_S * (1 + Math.random()))
  const beat = setInterval(() => wantsBookmarks && bookmark(), BOOKMARK_MS).unref()
  const last = setTimeout(() => wantsBookmarks && bookmark(), Math.max(0, timeout - LAST_BOOKMARK_MS)).unref()
  const deadline = setTimeout(end, timeout).unref()
  stream.onClose(end)
  if (!past) {
    send('ERROR', JSON.stringify(statusOf(tooOld(resource, since, store.revision()))))
    setImmediate(end)
  }
  return end
}

/** Events alone the real server does not watch by its own cache, but by etcd, which has other words. */
const tooOld = ({plural}: Resource, asked: number, current: number): Refusal =>
  expired(
    plural === 'events' ? 'The resourceVersion for the provided watch is too old.' : `too old resource version: ${asked} (${current})`,
  )
const isTrue = (value: string | null): boolean => value === 'true' || value === '1'

/** `plain`: no resourceVersion, or 0: the state as ADDED events. `streamed`: the same, with a bookmark at its end. */
const wantsInitialEvents = (query: URLSearchParams): 'plain' | 'streamed' | undefined => {
  const match = query.get('resourceVersionMatch')
  if (isTrue(query.get('sendInitialEvents'))) {
    if (match !== 'NotOlderThan') throw wrongMatch(match, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')
    return 'streamed'
  }
  if (match) throw wrongMatch(match, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')
  const revision = query.get('resourceVersion') ?? ''
  return revision === '' || revision === '0' ? 'plain' : undefined
}

const wrongMatch = (match: string | null, why: string): Refusal => {
  const forbidden = forbiddenField('resourceVersionMatch', why)
  const isKnown = !match || match === 'NotOlderThan'
  return invalidOptions('ListOptions', forbidden, ...(isKnown ? [] : [notSupported('resourceVersionMatch', match, ['NotOlderThan'])]))
}

/** What is wrong with a resourceVersion, in Go's words. */
export const wrongRevision = (text: string): string | undefined =>
  /^\d*$/.test(text) ? undefined : `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`

const revisionOf = (query: URLSearchParams): number => {
  const text = query.get('resourceVersion') ?? ''
  const why = wrongRevision(text)
  if (why) throw new Refusal(500, '', why)
  return Number(text)
}

/** A change as a watcher with a selector sees it: objects come into and go out of the selection. */
const eventOf = (change: Change, matches: (object: ApiObject) => boolean): Pick<Change, 'type' | 'object'> | undefined => {
  const {type, object, previous} = change
  const was = previous !== undefined && matches(previous)
  if (type === 'DELETED') return was ? {type, object} : undefined
  const is = matches(object)
  if (is) return {type: was ? 'MODIFIED' : 'ADDED', object}
  if (!was) return undefined
  return {type: 'DELETED', object: {...previous, metadata: {...previous.metadata, resourceVersion: String(change.revision)}}}
}

export const renderObject = (object: ApiObject): string => textOf(object)

export const bookmarkOf = (resource: Resource, metadata: object): string =>
  JSON.stringify({kind: resource.kind, apiVersion: apiVersionOf(resource), metadata})
