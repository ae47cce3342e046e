/** Lists: whole, selected, of a past version, or page by page from one state. */
import {badRequest, expired, forbiddenField, invalidOptions, notSupported, tooLarge} from './errors.ts'
import {type ApiObject, textOf, without} from './json.ts'
import {apiVersionOf, type Resource} from './resources.ts'
import {selection} from './selectors.ts'
import {keyOf, type Store} from './store.ts'
import {view} from './view.ts'
import {wrongRevision} from './watch.ts'

export interface Page {
  readonly objects: readonly ApiObject[]
  readonly metadata: {readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number}
}

export type Lister = (resource: Resource, namespace: string | undefined, query: URLSearchParams) => Page

/** What a continue token tells, in the real server's own shape: the version that the first page had, and the key to go on from. */
interface Token {
  readonly v: 'meta.k8s.io/v1'
  /** -1: whatever is the newest, after the version of the first page has been forgotten. */
  readonly rv: number
  readonly start: string
}

/** What comes right after this key. */
const tokenAfter = (key: string, rv: number): string => encoded({v: 'meta.k8s.io/v1', rv, start: `${key}\0`})
const encoded = (token: Token): string => Buffer.from(JSON.stringify(token)).toString('base64url')

const decoded = (text: string): Token => {
  const wrong = badRequest('invalid continue token: continue key is not valid')
  let token: Partial<Token>
  try {
    token = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    throw wrong
  }
  if (token?.v !== 'meta.k8s.io/v1' || !Number.isInteger(token.rv) || token.rv === 0 || typeof token.start !== 'string') throw wrong
  return token as Token
}

export function makeLister(store: Store): Lister {
  /** What somebody goes through page by page, kept so that it is put together once. Let go of with the last page, since it holds on to what has gone. */
  let paged: {readonly key: string; readonly objects: readonly ApiObject[]} | undefined

  return (resource, namespace, query) => {
    const limit = Number(query.get('limit') ?? 0)
    if (!Number.isInteger(limit) || limit < 0) throw badRequest(`limit is no number of objects: ${query.get('limit')}`)
    const {revision, start} = asked(query)
    const current = store.revision()
    if (revision > current) throw tooLarge(revision, current)
    const isPast = start === undefined ? isExact(query, limit) : revision > 0
    const resourceVersion = String(isPast ? revision : current)
    const key = `${resource.storage} ${namespace ?? ''} ${resourceVersion}`
    const read = () => (isPast ? store.listAt(resource.storage, namespace, revision) : store.list(resource.storage, namespace))
    const stored = paged?.key === key ? paged.objects : read()
    if (!stored) throw tooOld(start)
    const selects = selection(query, resource.selectable)
    const chosen = selects ? stored.filter((object) => selects(view(resource, object))) : stored
    const from = start === undefined ? 0 : firstFrom(chosen, start)
    const left = chosen.length - from
    if (limit === 0 || left <= limit) {
      if (paged?.key === key) paged = undefined
      return {objects: from === 0 ? chosen : chosen.slice(from), metadata: {resourceVersion}}
    }
    paged = {key, objects: stored}
    const objects = chosen.slice(from, from + limit)
    const after = tokenAfter(keyOf(objects.at(-1) as ApiObject), Number(resourceVersion))
    // How many match a selector nobody has counted.
    return {objects, metadata: {resourceVersion, continue: after, ...(!selects && {remainingItemCount: left - limit})}}
  }
}

/** The version that is asked for (0 or less: any), and where a further page begins. */
const asked = (query: URLSearchParams): {readonly revision: number; readonly start?: string} => {
  refuseWrongMatch(query)
  const text = query.get('resourceVersion') ?? ''
  const wrong = wrongRevision(text)
  if (wrong) throw badRequest(`invalid resource version: ${wrong}`)
  const token = query.get('continue')
  if (!token) return {revision: Number(text)}
  const {rv, start} = decoded(token)
  if (Number(text) > 0) throw badRequest('specifying resource version is not allowed when using continue')
  return {revision: rv, start}
}

/** A page of a version is of that version; a whole list may be newer, unless it is asked for in so many words. */
const isExact = (query: URLSearchParams, limit: number): boolean => {
  const match = query.get('resourceVersionMatch')
  return match === 'Exact' || (!match && limit > 0 && Number(query.get('resourceVersion') ?? 0) > 0)
}

const refuseWrongMatch = (query: URLSearchParams): void => {
  const [match, revision] = [query.get('resourceVersionMatch') || undefined, query.get('resourceVersion') ?? '']
  const field = 'resourceVersionMatch'
  const wrong = [
    ...(match && revision === '' ? [forbiddenField(field, `${field} is forbidden unless resourceVersion is provided`)] : []),
    ...(match && query.get('continue') ? [forbiddenField(field, `${field} is forbidden when continue is provided`)] : []),
    ...(match && match !== 'Exact' && match !== 'NotOlderThan' ? [notSupported(field, match, ['Exact', 'NotOlderThan', ''])] : []),
    ...(match === 'Exact' && revision === '0' ? [forbiddenField(field, `${field} "exact" is forbidden for resourceVersion "0"`)] : []),
    ...(query.has('sendInitialEvents') ? [forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list')] : []),
  ]
  if (wrong.length > 0) throw invalidOptions('ListOptions', ...wrong)
}

/** A further page may go on with what there is now, by the token that comes along. */
const tooOld = (start: string | undefined) =>
  start === undefined
    ? expired('The resourceVersion for the provided list is too old.')
    : expired(
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue ' +
          'parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token ' +
          'results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and ' +
          'now may show up in the list.',
        {continue: encoded({v: 'meta.k8s.io/v1', rv: -1, start})},
      )

/** Index of the first object whose key is not before `start`; they are in the order of their keys. */
const firstFrom = (objects: readonly ApiObject[], start: string): number => {
  let [low, high] = [0, objects.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (keyOf(objects[middle] as ApiObject) < start) low = middle + 1
    else high = middle
  }
  return low
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
