/** Connections that stop being HTTP: exec, attach and port-forward, handed through to the pod's node. */
import type {IncomingMessage} from 'node:http'
import type {Socket} from 'node:net'
import type {Duplex} from 'node:stream'
import {connect as tlsConnect} from 'node:tls'
import {badRequest, internal, noSuchResource, Refusal, statusOf, unauthorized} from './errors.ts'
import {parseTarget} from './exchange.ts'
import {execPath, kubeletOf, podOf, portForwardPath} from './kubelet.ts'
import {locate} from './location.ts'
import type {User} from './reviews.ts'
import type {Routing} from './router.ts'

/** Hands the connection to the node, or refuses it with a Status. Never throws. */
export function connectUpgrade(
  routing: Routing,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  user: User | undefined,
  onError: (error: unknown) => void,
): void {
  socket.on('error', () => socket.destroy())
  try {
    if (!user) throw unauthorized()
    passThrough(routing, request, socket, head)
  } catch (error) {
    if (!(error instanceof Refusal)) onError(error)
    refuse(socket, error instanceof Refusal ? error : internal(error instanceof Error ? error.message : String(error)))
  }
}

const refuse = (socket: Duplex, refusal: Refusal): void => {
  const body = JSON.stringify(statusOf(refusal))
  socket.end(
    `HTTP/1.1 ${refusal.code} ${refusal.reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

const passThrough = (routing: Routing, request: IncomingMessage, socket: Socket, head: Buffer): void => {
  const {segments, query} = parseTarget(request.url ?? '')
  const location = locate(segments)
  const resource = location && routing.registry.find(location.group, location.version, location.plural)
  if (!location?.name || !location.namespace || resource?.storage !== 'pods') throw noSuchResource()
  const pod = podOf(routing.ground, resource, location.namespace, location.name)
  const {subresource} = location
  if (subresource !== 'exec' && subresource !== 'attach' && subresource !== 'portforward') throw noSuchResource()
  if (request.headers.upgrade?.toLowerCase() !== 'websocket')
    throw badRequest(
      `the sandbox speaks WebSocket for ${subresource}, not ${request.headers.upgrade}: use a client from Kubernetes 1.31 or later`,
    )
  const path = subresource === 'portforward' ? portForwardPath(pod, query.getAll('ports')) : execPath(subresource, pod, query)
  const address = kubeletOf(routing.ground, pod)
  const kubelet = tlsConnect({...address, ...routing.kubeletClient, rejectUnauthorized: false, ALPNProtocols: ['http/1.1']})
  let isConnected = false
  kubelet.once('secureConnect', () => {
    isConnected = true
    kubelet.write(headOf(request, path, address.host))
    if (head.length > 0) kubelet.write(head)
    kubelet.pipe(socket)
    socket.pipe(kubelet)
  })
  kubelet.on('error', (error) => {
    if (isConnected) socket.destroy()
    else refuse(socket, internal(`the node at ${address.host}:${address.port} does not answer: ${error.message}`))
  })
  kubelet.once('close', () => isConnected && socket.destroy())
  socket.once('close', () => kubelet.destroy())
}

/** The client's own request line and headers with the node's path; the token stays here. */
const headOf = (request: IncomingMessage, path: string, host: string): string => {
  const headers = Object.entries(request.headers).filter(([name]) => name !== 'authorization' && name !== 'host')
  const lines = headers.map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : value}`)
  return [`${request.method} ${path} HTTP/1.1`, `host: ${host}`, ...lines, '', ''].join('\r\n')
}
