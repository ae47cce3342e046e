/** Requests for resources: verbs onto the store. */
import {wanted} from './accept.ts'
import {deleteOptions, remove} from './delete.ts'
import {badRequest, invalidOptions, methodNotAllowed, noSuchResource, notAcceptable, notSupported, unsupportedMediaType} from './errors.ts'
import {answer, answerText, type Exchange, mediaType, readBody, warn} from './exchange.ts'
import {type ApiObject, isObject, type JsonObject, textOf} from './json.ts'
import {type Lister, listText, type Page} from './list.ts'
import {jsonPatch} from './patch/json-patch.ts'
import {mergePatch} from './patch/merge-patch.ts'
import {strategicPatch} from './patch/strategic-patch.ts'
import type {FieldValidation} from './prepare.ts'
import type {Ground, Resource} from './resources.ts'
import {selection} from './selectors.ts'
import {scaleOf, writeScale} from './subresources.ts'
import {type IncludeObject, partialMetadata, tableOf} from './table/table.ts'
import {view} from './view.ts'
import {bookmarkOf, renderObject, type Watches} from './watch.ts'
import {apply, create, existing, type Target, update, type WriteOptions, type Written} from './write.ts'

export interface Backend {
  readonly ground: Ground
  readonly list: Lister
  readonly watches: Watches
}

export interface ResourceRequest {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: 'status' | 'scale' | undefined
}

const JSON_PATCH = 'application/json-patch+json'
const MERGE_PATCH = 'application/merge-patch+json'
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json'
const APPLY_PATCH = 'application/apply-patch+yaml'

export async function handleResource(backend: Backend, exchange: Exchange, request: ResourceRequest): Promise<void> {
  const {method, query} = exchange
  const {name, subresource, resource} = request
  if (subresource === 'status' && !resource.hasStatus) throw noSuchResource()
  if (method !== 'GET') await resource.ready?.()
  if (subresource === 'scale') return handleScale(backend, exchange, request)
  if (name === undefined) {
    if (method === 'GET') return isTrue(query.get('watch')) ? watch(backend, exchange, request) : listAll(backend, exchange, request)
    if (method === 'POST') return post(backend, exchange, request)
    if (method === 'DELETE') return deleteAll(backend, exchange, request)
    throw methodNotAllowed()
  }
  const target = {resource, namespace: request.namespace ?? '', name}
  switch (method) {
    case 'GET':
      if (isTrue(query.get('watch'))) throw badRequest('a single object is watched by fieldSelector=metadata.name=<name>')
      return showOne(exchange, resource, 200, view(resource, existing(backend.ground, target)))
    case 'PUT': {
      const body = await readBody(exchange)
      return shown(
        exchange,
        resource,
        update(backend.ground, target, () => body, writeOptions(exchange, subresource)),
      )
    }
    case 'PATCH': {
      const body = await readBody(exchange)
      return shown(exchange, resource, patch(backend, exchange, target, body, subresource))
    }
    case 'DELETE': {
      if (subresource) throw methodNotAllowed()
      const body = await readBody(exchange)
      const {object, isGone} = remove(backend.ground, resource, target.namespace, name, deleteOptions(body, query))
      // The real server returns the object itself for pods and services and for what is not gone yet, else a Status.
      const isShown = !isGone || ['pods', 'services'].includes(resource.storage)
      if (isShown) return showOne(exchange, resource, 200, view(resource, object))
      return answer(exchange, 200, success(resource, object))
    }
    default:
      throw methodNotAllowed()
  }
}

const isTrue = (value: string | null): boolean => value === 'true' || value === '1'

const success = ({group, plural}: Resource, {metadata: {name, uid}}: ApiObject): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  details: {name, ...(group && {group}), kind: plural, uid},
})

/** What the options of a method are called. */
const OPTIONS: Readonly<Record<string, string>> = {POST: 'CreateOptions', PUT: 'UpdateOptions', PATCH: 'PatchOptions'}
const VALIDATIONS: readonly FieldValidation[] = ['Ignore', 'Warn', 'Strict']

/** What every writing request may say in its query; the manager is named by the program where the query does not. */
export function writeOptions({query, request, method}: Exchange, subresource?: 'status' | 'scale'): WriteOptions {
  const fieldValidation = VALIDATIONS.find((each) => each === (query.get('fieldValidation') || 'Warn'))
  if (!fieldValidation) throw badRequest(`fieldValidation is ${query.get('fieldValidation')}; it must be Ignore, Warn or Strict`)
  const dryRun = query.getAll('dryRun').filter(Boolean)
  if (dryRun.some((each) => each !== 'All'))
    throw invalidOptions(OPTIONS[method] ?? 'PatchOptions', notSupported('dryRun', dryRun, ['All']))
  return {
    dryRun: dryRun.length > 0,
    fieldValidation,
    manager: query.get('fieldManager') || (request.headers['user-agent']?.split('/')[0] ?? 'unknown').slice(0, 128),
    ...(subresource === 'status' && {subresource}),
  }
}

const shown = (exchange: Exchange, resource: Resource, {object, warnings, isNew}: Written): void => {
  warn(exchange, warnings)
  showOne(exchange, resource, isNew ? 201 : 200, object)
}

const SHAPES = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']

const includeOf = (query: URLSearchParams): IncludeObject => {
  const given = query.get('includeObject')
  return given === 'None' || given === 'Object' ? given : 'Metadata'
}

const showOne = (exchange: Exchange, resource: Resource, code: number, object: ApiObject): void => {
  const {as, contentType} = wanted(exchange.request.headers.accept, SHAPES)
  if (as === 'PartialObjectMetadataList') throw notAcceptable()
  const {resourceVersion} = object.metadata
  const options = {columns: resource.columns, include: includeOf(exchange.query), now: Date.now()}
  const text = as
    ? JSON.stringify(as === 'Table' ? tableOf([object], {resourceVersion}, options) : partialMetadata(object))
    : textOf(object)
  answerText(exchange, code, `${text}\n`, contentType)
}

const listAll = (backend: Backend, exchange: Exchange, {resource, namespace}: ResourceRequest): void => {
  const {as, contentType} = wanted(exchange.request.headers.accept, SHAPES)
  const page = backend.list(resource, namespace, exchange.query)
  answerText(exchange, 200, listAs(resource, page, as, exchange.query), contentType)
}

const listAs = (resource: Resource, page: Page, as: string | undefined, query: URLSearchParams): string => {
  if (as === undefined) return listText(resource, page)
  const objects = page.objects.map((object) => view(resource, object))
  if (as === 'Table')
    return JSON.stringify(tableOf(objects, page.metadata, {columns: resource.columns, include: includeOf(query), now: Date.now()}))
  if (as === 'PartialObjectMetadata') throw notAcceptable()
  return JSON.stringify({
    kind: 'PartialObjectMetadataList',
    apiVersion: 'meta.k8s.io/v1',
    metadata: page.metadata,
    items: objects.map(partialMetadata),
  })
}

const watch = (backend: Backend, exchange: Exchange, {resource, namespace}: ResourceRequest): void => {
  const {query, request, response} = exchange
  const {as, contentType} = wanted(request.headers.accept, ['Table', 'PartialObjectMetadata'])
  const table = (objects: readonly ApiObject[], metadata: object, isFirst: boolean): string =>
    JSON.stringify(tableOf(objects, metadata, {columns: resource.columns, include: includeOf(query), now: Date.now()}, isFirst))
  const render = (object: ApiObject, isFirst: boolean): string => {
    if (as === 'Table') return table([object], {resourceVersion: object.metadata.resourceVersion}, isFirst)
    return as ? JSON.stringify(partialMetadata(object)) : renderObject(object)
  }
  const renderBookmark = (metadata: object): string => {
    if (as === 'Table') return table([], metadata, false)
    return as ? JSON.stringify({kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata}) : bookmarkOf(resource, metadata)
  }
  backend.watches.start({resource, namespace, query, render, renderBookmark}, () => {
    response.writeHead(200, {'content-type': contentType, 'cache-control': 'no-cache, private'})
    // HTTP/2 sends the head at once; HTTP/1.1 would wait for the first event.
    if ('flushHeaders' in response && typeof response.flushHeaders === 'function') response.flushHeaders()
    return {
      write: (text) => {
        response.write(text)
      },
      end: () => {
        response.end()
      },
      backlog: () => response.writableLength,
      onClose: (listener) => {
        response.once('close', listener)
      },
    }
  })
}

const post = async (backend: Backend, exchange: Exchange, {resource, namespace}: ResourceRequest): Promise<void> => {
  const body = await readBody(exchange)
  if (resource.namespaced && namespace === undefined) throw methodNotAllowed()
  shown(exchange, resource, create(backend.ground, resource, namespace ?? '', body, writeOptions(exchange)))
}

const deleteAll = async (backend: Backend, exchange: Exchange, {resource, namespace}: ResourceRequest): Promise<void> => {
  if (resource.namespaced && namespace === undefined) throw methodNotAllowed()
  const options = deleteOptions(await readBody(exchange), exchange.query)
  const selects = selection(exchange.query, resource.selectable)
  const {store} = backend.ground
  const chosen = store.list(resource.storage, namespace).filter((object) => !selects || selects(view(resource, object)))
  const objects = chosen.map(({metadata}) => remove(backend.ground, resource, metadata.namespace ?? '', metadata.name, options).object)
  answerText(exchange, 200, listText(resource, {objects, metadata: {resourceVersion: String(store.revision())}}))
}

const patch = (backend: Backend, exchange: Exchange, target: Target, body: unknown, subresource: 'status' | undefined): Written => {
  const {ground} = backend
  const {resource} = target
  const options = writeOptions(exchange, subresource)
  const type = mediaType(exchange.request.headers['content-type'])
  switch (type) {
    case JSON_PATCH:
      return update(ground, target, (old) => jsonPatch(old, body), options)
    case MERGE_PATCH:
      return update(ground, target, (old) => mergePatch(old, patchObject(body)), options)
    case STRATEGIC_PATCH:
      // Custom resources have no merge keys: the real server refuses this type for them.
      if (resource.isCustom) throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, APPLY_PATCH])
      return update(ground, target, (old) => strategicPatch(resource.schema, old, patchObject(body)), options)
    case APPLY_PATCH: {
      const manager = exchange.query.get('fieldManager') ?? ''
      return apply(ground, target, body, {...options, manager, force: isTrue(exchange.query.get('force'))})
    }
    default:
      throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH])
  }
}

const patchObject = (body: unknown): JsonObject => {
  if (!isObject(body)) throw badRequest('the patch is no JSON object')
  return body
}

const handleScale = async (backend: Backend, exchange: Exchange, {resource, namespace = '', name = ''}: ResourceRequest): Promise<void> => {
  const target = {resource, namespace, name}
  if (!resource.scale) throw noSuchResource()
  if (exchange.method === 'GET') return answer(exchange, 200, scaleOf(backend.ground, target))
  if (exchange.method !== 'PUT' && exchange.method !== 'PATCH') throw methodNotAllowed()
  const isPatch = exchange.method === 'PATCH'
  const type = mediaType(exchange.request.headers['content-type'])
  if (isPatch && type !== MERGE_PATCH && type !== STRATEGIC_PATCH && type !== JSON_PATCH) throw unsupportedMediaType([MERGE_PATCH])
  const body = await readBody(exchange)
  const {object} = writeScale(
    backend.ground,
    target,
    type === JSON_PATCH ? jsonPatch(scaleOf(backend.ground, target), body) : body,
    isPatch && type !== JSON_PATCH,
    writeOptions(exchange, 'scale'),
  )
  answer(exchange, 200, object)
}
