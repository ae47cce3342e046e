/** Requests that are handed on to a pod, by its name or by a service's (k8s.io/apimachinery: util/proxy; registry/core/pod, service). */
import {request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders} from 'node:http'
import {request as httpsRequest} from 'node:https'
import type {Pod, Service} from '../../api/core.ts'
import {backendsOf, targetOf} from '../backends.ts'
import {badRequest, serviceUnavailable} from './errors.ts'
import type {Exchange} from './exchange.ts'
import type {Location} from './location.ts'
import type {Ground, Resource} from './resources.ts'
import {existing} from './write.ts'

export interface Backend {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  /** Path and query as the client has sent them, without what led here: empty, or a query alone, where it named no path. */
  readonly path: string
}

/** Where a request to `…/proxy/…` goes; refused where nobody is there to answer it. */
export function backendOf(ground: Ground, resource: Resource, {namespace = '', name: id = ''}: Location, url: string): Backend {
  const parts = id.split(':')
  const [scheme = '', name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts]
  if (parts.length > 3 || name === '' || !['', 'http', 'https'].includes(scheme))
    throw badRequest(`invalid ${resource.singular} request "${id}"`)
  // Only a port's number makes the real server look at the service itself.
  const isLookedAt = resource.storage === 'pods' || /^\d+$/.test(port)
  if (!isLookedAt && !ground.store.get(resource.storage, namespace, name)) throw noEndpoints(name)
  const object = existing(ground, {resource, namespace, name})
  const place =
    resource.storage === 'pods' ? podPlace(object as unknown as Pod, port) : servicePlace(ground, object as unknown as Service, port)
  return {scheme: scheme === 'https' ? 'https' : 'http', ...place, path: restOf(url)}
}

const noEndpoints = (service: string): Error => serviceUnavailable(`no endpoints available for service "${service}"`)

type Place = Pick<Backend, 'host' | 'port'>

const podPlace = ({spec, status}: Pod, asked: string): Place => {
  if (!status?.podIP) throw badRequest('address not allowed')
  const [first] = spec.containers.flatMap(({ports}) => ports ?? [])
  return {host: status.podIP, port: Number(asked || first?.containerPort || 80)}
}

const servicePlace = ({store}: Ground, service: Service, asked: string): Place => {
  const {name, namespace} = service.metadata
  const ports = service.spec.ports ?? []
  // Without one, the port that has no name is meant.
  const port = ports.find((each) => (each.name ?? '') === asked || String(each.port) === asked)
  if (!port && /^\d+$/.test(asked)) throw serviceUnavailable(`no service port ${asked} found for service "${name}"`)
  const pods = port ? backendsOf(service, port, store.list('pods', namespace) as unknown as readonly Pod[]) : []
  const pod = pods[Math.floor(Math.random() * pods.length)]
  const target = pod && port && targetOf(pod, port)
  if (!pod?.status?.podIP || target === undefined) throw noEndpoints(name)
  return {host: pod.status.podIP, port: target}
}

/** What stands behind `/api/v1/namespaces/<namespace>/<kind>/<name>/proxy`, as it was sent. */
const restOf = (url: string): string => /^(?:\/+[^/?]+){7}(.*)$/.exec(url)?.[1] ?? ''

/** Of one connection, not of the request (RFC 9110, 7.6.1); the token is the API server's own. */
const OF_THE_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding', 'upgrade', 'authorization', 'host']

/** The path that the pod is asked for. */
export const pathOf = ({path}: Backend): string => (path.startsWith('/') ? path : `/${path}`)

const passedOn = (headers: IncomingMessage['headers']): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(':') && !OF_THE_HOP.includes(name)))

/** Hands a request on and the answer back. */
export function passOn(exchange: Exchange, backend: Backend): Promise<void> {
  const {scheme, host, port, path} = backend
  const {request, response, method} = exchange
  if (!path.startsWith('/') && (method === 'GET' || method === 'HEAD')) {
    // Relative links in a page would otherwise lead beside it.
    const [place = '', query] = request.url.split('?')
    response.writeHead(301, {location: `${place}/${query === undefined ? '' : `?${query}`}`}).end()
    return Promise.resolve()
  }
  const headers = {...passedOn(request.headers as IncomingMessage['headers']), 'x-forwarded-uri': request.url}
  const options = {host, port, path: pathOf(backend), method, headers, agent: false}
  return new Promise((resolve, reject) => {
    const sent = scheme === 'https' ? httpsRequest({...options, rejectUnauthorized: false}) : httpRequest(options)
    sent.once('error', (error) => {
      if (response.headersSent) response.destroy()
      else reject(serviceUnavailable(`error trying to reach service: ${error.message}`))
      resolve()
    })
    sent.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, passedOn(answer.headers))
      answer.pipe(response)
      answer.once('error', () => response.destroy())
      answer.once('close', resolve)
    })
    response.once('close', () => sent.destroy())
    request.pipe(sent)
  })
}
