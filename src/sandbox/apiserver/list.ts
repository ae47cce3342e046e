/** Lists: whole, selected, or page by page from one consistent snapshot. */
import {randomUUID} from 'node:crypto'
import {badRequest, expired} from './errors.ts'
import {type ApiObject, textOf, without} from './json.ts'
import {apiVersionOf, type Resource} from './resources.ts'
import {selection} from './selectors.ts'
import type {Store} from './store.ts'
import {view} from './view.ts'
import {wrongRevision} from './watch.ts'

export interface Page {
  readonly objects: readonly ApiObject[]
  readonly metadata: {readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number}
}

interface Snapshot {
  readonly objects: readonly ApiObject[]
  readonly resourceVersion: string
  readonly madeAt: number
}

/** As long as etcd keeps old revisions by default. */
const SNAPSHOT_LIFE_MS = 5 * 60_000
const MOST_SNAPSHOTS = 256

export type Lister = (resource: Resource, namespace: string | undefined, query: URLSearchParams) => Page

export function makeLister(store: Store): Lister {
  const snapshots = new Map<string, Snapshot>()

  const remember = (snapshot: Snapshot): string => {
    const id = randomUUID()
    snapshots.set(id, snapshot)
    for (const [oldest, {madeAt}] of snapshots) {
      if (snapshots.size <= MOST_SNAPSHOTS && snapshot.madeAt - madeAt < SNAPSHOT_LIFE_MS) break
      snapshots.delete(oldest)
    }
    return id
  }

  const page = (id: string | undefined, snapshot: Snapshot, start: number, limit: number): Page => {
    const {resourceVersion} = snapshot
    const end = limit > 0 ? start + limit : snapshot.objects.length
    const objects = start === 0 && end >= snapshot.objects.length ? snapshot.objects : snapshot.objects.slice(start, end)
    const left = snapshot.objects.length - start - objects.length
    if (left <= 0) {
      if (id !== undefined) snapshots.delete(id)
      return {objects, metadata: {resourceVersion}}
    }
    const token = Buffer.from(`${id ?? remember(snapshot)}/${end}`).toString('base64url')
    return {objects, metadata: {resourceVersion, continue: token, remainingItemCount: left}}
  }

  return (resource, namespace, query) => {
    const limit = Number(query.get('limit') ?? 0)
    if (!Number.isInteger(limit) || limit < 0) throw badRequest(`limit is no number of objects: ${query.get('limit')}`)
    const wrong = wrongRevision(query.get('resourceVersion') ?? '')
    if (wrong) throw badRequest(`invalid resource version: ${wrong}`)
    const token = query.get('continue')
    if (token) {
      const [, id = '', start] = /^([-0-9a-f]{36})\/(\d+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? []
      if (!start) throw badRequest('continue key is not valid')
      const snapshot = snapshots.get(id)
      if (!snapshot || Date.now() - snapshot.madeAt > SNAPSHOT_LIFE_MS)
        throw expired(
          'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
        )
      return page(id, snapshot, Number(start), limit)
    }
    const selects = selection(query, resource.selectable)
    const stored = store.list(resource.storage, namespace)
    const objects = selects ? stored.filter((object) => selects(view(resource, object))) : stored
    return page(undefined, {objects, resourceVersion: String(store.revision()), madeAt: Date.now()}, 0, limit)
  }
}

/** Typed lists do not repeat kind and apiVersion in each item, lists of custom resources do. */
const itemText = (resource: Resource, object: ApiObject): string => {
  const text = textOf(object)
  if (resource.isCustom) return text
  const head = `{"apiVersion":"${object.apiVersion}","kind":"${object.kind}",`
  return text.startsWith(head) ? `{${text.slice(head.length)}` : JSON.stringify(without(object, 'kind', 'apiVersion'))
}

/** The list's JSON, put together from what has been serialised before. */
export const listText = (resource: Resource, {objects, metadata}: Page): string =>
  `{"kind":"${resource.listKind}","apiVersion":"${apiVersionOf(resource)}","metadata":${JSON.stringify(metadata)},"items":[${objects
    .map((object) => itemText(resource, view(resource, object)))
    .join(',')}]}\n`
