/** From a request's path to what answers it. */
import {DISCOVERY, wanted} from './accept.ts'
import type {AccountTokens} from './account-tokens.ts'
import {aggregated, coreVersions, groupAt, groupList, resourceList} from './discovery.ts'
import {methodNotAllowed, noSuchResource, notServed} from './errors.ts'
import {answer, answerText, type Exchange, readBody} from './exchange.ts'
import {UNSERVED_GROUPS, UNSERVED_KINDS} from './kinds/built-in.ts'
import {askKubelet, type ClientTls, kubeletOf, logPath, podOf} from './kubelet.ts'
import {type Location, locate} from './location.ts'
import {openApiAt, openApiIndex, openApiV2} from './openapi.ts'
import {backendOf, passOn} from './proxy.ts'
import {type Backend, handleResource} from './resource-handler.ts'
import type {Registry, Resource} from './resources.ts'
import {answerReview, reviewAt} from './reviews.ts'
import {bind, evict} from './subresources.ts'
import {VERSION} from './version.ts'
import {existing} from './write.ts'

export interface Routing extends Backend {
  readonly registry: Registry
  readonly kubeletClient: ClientTls
  readonly accountTokens: AccountTokens
  /** `host:port`, for discovery. */
  readonly address: string
  readonly keep?: () => Promise<void>
}

/** Paths that say that the server lives; nobody needs a token for them. */
export const HEALTH = ['healthz', 'livez', 'readyz']

export async function route(routing: Routing, exchange: Exchange): Promise<void> {
  const {segments, method} = exchange
  const [root = '', ...rest] = segments
  if (HEALTH.includes(root)) return answerText(exchange, 200, 'ok', 'text/plain; charset=utf-8')
  if (root === 'version') return answer(exchange, 200, VERSION)
  if (root === 'openapi') return openApi(routing, exchange, rest)
  const location = locate(segments)
  if (location) return routeResource(routing, exchange, location)
  if ((root === 'api' || root === 'apis') && method === 'GET') return discover(routing, exchange, root, rest)
  if (root === 'api' || root === 'apis') throw methodNotAllowed()
  if (root === 'sandbox' && rest[0] === 'keep' && method === 'POST' && routing.keep) return keep(exchange, routing.keep)
  if (root === '') return answer(exchange, 200, {paths: ['/api', '/apis', '/healthz', '/livez', '/openapi/v3', '/readyz', '/version']})
  noSuchPath(exchange)
}

/** For whoever has the sandbox, not for its pods. */
const keep = async (exchange: Exchange, write: () => Promise<void>): Promise<void> => {
  if (!exchange.user.groups.includes('system:masters')) return noSuchPath(exchange)
  await write()
  answer(exchange, 200, {kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 200})
}

const noSuchPath = (exchange: Exchange): void => answerText(exchange, 404, '404 page not found\n', 'text/plain; charset=utf-8')

const isKnownGroup = (registry: Registry, group: string): boolean => groupAt(registry, group) !== undefined || group === ''

const discover = ({registry, address}: Routing, exchange: Exchange, root: 'api' | 'apis', rest: readonly string[]): void => {
  const isCore = root === 'api'
  const [first, second] = rest
  if (first === undefined) {
    const {as, version, contentType} = wanted(exchange.request.headers.accept, [DISCOVERY])
    if (as) answer(exchange, 200, aggregated(registry, isCore, version ?? 'v2'), contentType)
    else answer(exchange, 200, isCore ? coreVersions(address) : groupList(registry))
    return
  }
  const [group, version] = isCore ? ['', first] : [first, second]
  const found = version === undefined ? groupAt(registry, group) : resourceList(registry, {group, version})
  if (UNSERVED_GROUPS.includes(group)) throw notServed(`the API group ${group}`)
  if (found) answer(exchange, 200, found)
  else if (isKnownGroup(registry, group)) throw noSuchResource()
  else noSuchPath(exchange)
}

const openApi = ({registry}: Routing, exchange: Exchange, [version, ...root]: readonly string[]): void => {
  if (version === 'v2') {
    answerText(exchange, 200, openApiV2().toString('latin1'), 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf')
    return
  }
  const found = version === 'v3' ? (root.length === 0 ? openApiIndex(registry) : openApiAt(registry, root.join('/'))) : undefined
  if (!found) throw noSuchResource()
  answer(exchange, 200, found)
}

const routeResource = async (routing: Routing, exchange: Exchange, location: Location): Promise<void> => {
  const {group, version, plural, namespace, name, subresource} = location
  if (reviewAt(group, plural) && version === 'v1') {
    if (exchange.method !== 'POST') throw methodNotAllowed()
    return answer(exchange, 201, answerReview(group, plural, await readBody(exchange), exchange.user))
  }
  const resource = routing.registry.find(group, version, plural)
  if (!resource && !isKnownGroup(routing.registry, group) && !UNSERVED_GROUPS.includes(group)) return noSuchPath(exchange)
  if (!resource) throw unknownResource(location)
  if (namespace !== undefined && !resource.namespaced) throw noSuchResource()
  if (subresource !== undefined && subresource !== 'status' && subresource !== 'scale')
    return routeSubresource(routing, exchange, resource, location)
  if (name !== undefined && resource.namespaced && namespace === undefined) throw noSuchResource()
  return handleResource(routing, exchange, {resource, namespace, name, subresource})
}

/** What a real server has and we have not is told as such; 404 would look like a mistake of the client. */
const unknownResource = ({group, plural}: Location): Error => {
  const isLeftOut = UNSERVED_GROUPS.includes(group) || UNSERVED_KINDS[group]?.includes(plural)
  return isLeftOut ? notServed(group ? `${plural}.${group}` : plural) : noSuchResource()
}

const routeSubresource = async (routing: Routing, exchange: Exchange, resource: Resource, location: Location): Promise<void> => {
  const {namespace = '', name = '', subresource} = location
  if (resource.storage === 'serviceaccounts' && subresource === 'token') {
    if (exchange.method !== 'POST') throw methodNotAllowed()
    existing(routing.ground, {resource, namespace, name})
    return answer(exchange, 201, routing.accountTokens.issue(namespace, name, await readBody(exchange)))
  }
  if (subresource === 'proxy' && (resource.storage === 'pods' || resource.storage === 'services'))
    return passOn(exchange, backendOf(routing.ground, resource, location, exchange.request.url))
  if (resource.storage !== 'pods') {
    if (resource.isCustom) throw noSuchResource()
    throw notServed(`${resource.plural}/${subresource}`)
  }
  const {method} = exchange
  const target = {resource, namespace, name}
  if (subresource === 'log' && method === 'GET') return streamLog(routing, exchange, resource, location)
  if (subresource === 'binding' && method === 'POST') {
    bind(routing.ground, target, await readBody(exchange))
    return answer(exchange, 201, {kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201})
  }
  if (subresource === 'eviction' && method === 'POST') {
    evict(routing.ground, target, await readBody(exchange), exchange.query)
    return answer(exchange, 201, {kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201})
  }
  if (subresource === 'exec' || subresource === 'attach' || subresource === 'portforward') throw methodNotAllowed()
  throw notServed(`pods/${subresource}`)
}

const streamLog = async (
  routing: Routing,
  exchange: Exchange,
  resource: Resource,
  {namespace = '', name = ''}: Location,
): Promise<void> => {
  const {response, query} = exchange
  const pod = podOf(routing.ground, resource, namespace, name)
  const path = logPath(pod, query)
  if (!pod.spec.nodeName) {
    // A pod without a node has logged nothing yet.
    response.writeHead(204).end()
    return
  }
  const isGone = new AbortController()
  response.once('close', () => isGone.abort())
  const log = await askKubelet(kubeletOf(routing.ground, pod), path, routing.kubeletClient, isGone.signal)
  response.writeHead(log.statusCode ?? 502, {'content-type': log.headers['content-type'] ?? 'text/plain'})
  log.on('data', (chunk: Buffer) => {
    if (response.write(chunk) === false) {
      log.pause()
      response.once('drain', () => log.resume())
    }
  })
  log.once('end', () => response.end())
  log.once('error', () => response.destroy())
}
