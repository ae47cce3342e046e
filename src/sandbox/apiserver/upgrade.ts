/** Connections that stop being HTTP: exec, attach and port-forward, handed through to the pod's node. */
import type {IncomingMessage} from 'node:http'
import {connect, type Socket} from 'node:net'
import type {Duplex} from 'node:stream'
import {connect as tlsConnect} from 'node:tls'
import {WebSocketServer} from 'ws'
import type {Pod} from '../../api/core.ts'
import {badRequest, internal, noSuchResource, Refusal, serviceUnavailable, statusOf, unauthorized} from './errors.ts'
import {parseTarget} from './exchange.ts'
import {execPath, type KubeletAddress, kubeletOf, podOf, portForwardPath} from './kubelet.ts'
import {locate} from './location.ts'
import {type Backend, backendOf, pathOf} from './proxy.ts'
import type {User} from './reviews.ts'
import type {Routing} from './router.ts'
import {type NodePort, PORT_FORWARD_PROTOCOL, servePortForward, TUNNEL_PROTOCOL} from './streams/port-forward.ts'

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
  if (!location?.name || !location.namespace || !resource) throw noSuchResource()
  if (location.subresource === 'proxy' && (resource.storage === 'pods' || resource.storage === 'services'))
    relayPlain(request, socket, head, backendOf(routing.ground, resource, location, request.url ?? ''))
  else if (resource.storage !== 'pods') throw noSuchResource()
  else {
    const pod = podOf(routing.ground, resource, location.namespace, location.name)
    passToNode(routing, request, socket, head, {pod, subresource: location.subresource, query})
  }
}

interface OfPod {
  readonly pod: Pod
  readonly subresource: string | undefined
  readonly query: URLSearchParams
}

const passToNode = (routing: Routing, request: IncomingMessage, socket: Socket, head: Buffer, {pod, subresource, query}: OfPod): void => {
  if (subresource !== 'exec' && subresource !== 'attach' && subresource !== 'portforward') throw noSuchResource()
  const address = kubeletOf(routing.ground, pod)
  const upgrade = request.headers.upgrade?.toLowerCase() ?? ''
  const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim())
  if (subresource === 'portforward' && (upgrade === 'spdy/3.1' || protocols.includes(TUNNEL_PROTOCOL)))
    tunnel(request, socket, head, upgrade, nodePort(routing, address, pod))
  else if (upgrade !== 'websocket')
    throw badRequest(`the sandbox speaks WebSocket for ${subresource}, not ${upgrade}: use a client from Kubernetes 1.31 or later`)
  else {
    const path = subresource === 'portforward' ? portForwardPath(pod, query.getAll('ports')) : execPath(subresource, pod, query)
    relay(routing, request, socket, head, address, path)
  }
}

const nodePort = (routing: Routing, address: KubeletAddress, pod: Pod): NodePort => ({
  address,
  tls: routing.kubeletClient,
  pathFor: (port) => portForwardPath(pod, [port]),
})

const tunnels = new WebSocketServer({noServer: true})
// The name of the protocol holds a slash, which ws takes for malformed: it never sees it, and we answer it ourselves.
tunnels.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${TUNNEL_PROTOCOL}`))

/** kubectl's port-forward: SPDY inside a WebSocket, or bare where the client is older. */
const tunnel = (request: IncomingMessage, socket: Socket, head: Buffer, upgrade: string, node: NodePort): void => {
  if (upgrade === 'websocket') {
    delete request.headers['sec-websocket-protocol']
    tunnels.handleUpgrade(request, socket, head, (webSocket) => {
      const transport = {
        write: (bytes: Buffer, sent?: () => void) => webSocket.send(bytes, () => sent?.()),
        close: () => webSocket.close(),
      }
      const session = servePortForward(transport, node)
      webSocket.on('message', (bytes: Buffer) => session.receive(bytes))
      webSocket.once('close', () => session.close())
      webSocket.on('error', () => webSocket.terminate())
    })
    return
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${PORT_FORWARD_PROTOCOL}\r\n\r\n`,
  )
  const transport = {write: (bytes: Buffer, sent?: () => void) => void socket.write(bytes, () => sent?.()), close: () => void socket.end()}
  const session = servePortForward(transport, node)
  socket.on('data', (bytes: Buffer) => session.receive(bytes))
  socket.once('close', () => session.close())
  if (head.length > 0) session.receive(head)
}

/** Byte for byte between the client and the node, with the node's own path and our certificate. */
const relay = (routing: Routing, request: IncomingMessage, socket: Socket, head: Buffer, address: KubeletAddress, path: string): void => {
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

/** A WebSocket to a program in a pod (a dashboard's, say), through the proxy. */
const relayPlain = (request: IncomingMessage, socket: Socket, head: Buffer, to: Backend): void => {
  const {scheme, host, port} = to
  const backend = scheme === 'https' ? tlsConnect({host, port, rejectUnauthorized: false}) : connect({host, port})
  let isConnected = false
  backend.once(scheme === 'https' ? 'secureConnect' : 'connect', () => {
    isConnected = true
    backend.write(headOf(request, pathOf(to), `${host}:${port}`))
    if (head.length > 0) backend.write(head)
    backend.pipe(socket)
    socket.pipe(backend)
  })
  backend.on('error', (error) => {
    if (isConnected) socket.destroy()
    else refuse(socket, serviceUnavailable(`error trying to reach service: ${error.message}`))
  })
  backend.once('close', () => isConnected && socket.destroy())
  socket.once('close', () => backend.destroy())
}

/** The client's own request line and headers with the node's path; the token stays here. */
const headOf = (request: IncomingMessage, path: string, host: string): string => {
  const headers = Object.entries(request.headers).filter(([name]) => name !== 'authorization' && name !== 'host')
  const lines = headers.map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : value}`)
  return [`${request.method} ${path} HTTP/1.1`, `host: ${host}`, ...lines, '', ''].join('\r\n')
}
