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
    relayToProgram(request, socket, head, backendOf(routing.ground, resource, location, request.url ?? ''))
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
    relayToNode(routing, request, socket, head, address, path)
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
const relayToNode = (
  routing: Routing,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  address: KubeletAddress,
  path: string,
): void =>
  relay(request, socket, head, {
    connection: tlsConnect({...address, ...routing.kubeletClient, rejectUnauthorized: false, ALPNProtocols: ['http/1.1']}),
    connected: 'secureConnect',
    path,
    host: address.host,
    refusal: (why) => internal(`the node at ${address.host}:${address.port} does not answer: ${why}`),
  })

/** A WebSocket to a program in a pod (a dashboard's, say), through the proxy. */
const relayToProgram = (request: IncomingMessage, socket: Socket, head: Buffer, backend: Backend): void => {
  const {scheme, host, port} = backend
  const isSafe = scheme === 'https'
  relay(request, socket, head, {
    connection: isSafe ? tlsConnect({host, port, rejectUnauthorized: false}) : connect({host, port}),
    connected: isSafe ? 'secureConnect' : 'connect',
    path: pathOf(backend),
    host: `${host}:${port}`,
    refusal: (why) => serviceUnavailable(`error trying to reach service: ${why}`),
  })
}

interface FarEnd {
  readonly connection: Socket
  /** The event that tells that it takes bytes. */
  readonly connected: 'connect' | 'secureConnect'
  readonly path: string
  /** As it is named in the request. */
  readonly host: string
  /** What the client is told where it cannot be reached. */
  readonly refusal: (why: string) => Refusal
}

const relay = (request: IncomingMessage, socket: Socket, head: Buffer, {connection, connected, path, host, refusal}: FarEnd): void => {
  let isConnected = false
  connection.once(connected, () => {
    isConnected = true
    connection.write(headOf(request, path, host))
    if (head.length > 0) connection.write(head)
    connection.pipe(socket)
    socket.pipe(connection)
  })
  connection.on('error', (error) => {
    if (isConnected) socket.destroy()
    else refuse(socket, refusal(error.message))
  })
  connection.once('close', () => isConnected && socket.destroy())
  socket.once('close', () => connection.destroy())
}

/** The client's own request line and headers with the node's path; the token stays here. */
const headOf = (request: IncomingMessage, path: string, host: string): string => {
  const headers = Object.entries(request.headers).filter(([name]) => name !== 'authorization' && name !== 'host')
  const lines = headers.map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : value}`)
  return [`${request.method} ${path} HTTP/1.1`, `host: ${host}`, ...lines, '', ''].join('\r\n')
}
