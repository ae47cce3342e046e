/**
 * `kubectl port-forward`: SPDY streams of the client, one pair for each connection, onto WebSockets of the node, one for each
 * connection (k8s.io/apimachinery: util/portforward; k8s.io/kubelet: channel 0 is data, 1 is errors, each begins with the port).
 */
import {WebSocket} from 'ws'
import {type SpdySession, type SpdyStream, startSpdySession, type Transport} from '../../streams/spdy.ts'
import type {ClientTls, KubeletAddress} from '../kubelet.ts'

/** What kubectl asks for; the tunnel carries SPDY frames as binary messages. */
export const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io'
export const PORT_FORWARD_PROTOCOL = 'portforward.k8s.io'
const NODE_PROTOCOL = 'v4.channel.k8s.io'
/** A WebSocket cannot be half closed: after the client's end the node may be silent for this long before it is cut off. */
const LINGER_MS = 500

export interface NodePort {
  readonly address: KubeletAddress
  readonly tls: ClientTls
  /** Path of the node's port-forward for one port of the pod. */
  readonly pathFor: (port: string) => string
}

/** Answers SPDY on the transport until either side ends it. */
export function servePortForward(transport: Transport, node: NodePort): SpdySession {
  const errors = new Map<string, SpdyStream>()
  return startSpdySession(transport, (stream) => {
    const request = stream.headers.get('requestid') ?? ''
    if (stream.headers.get('streamtype') === 'error') {
      errors.set(request, stream)
      return
    }
    const error = errors.get(request)
    errors.delete(request)
    forward(stream, error, node, stream.headers.get('port') ?? '')
  })
}

const forward = (data: SpdyStream, error: SpdyStream | undefined, node: NodePort, port: string): void => {
  const {host, port: nodePort} = node.address
  const socket = new WebSocket(`wss://${host}:${nodePort}${node.pathFor(port)}`, [NODE_PROTOCOL], {...node.tls, rejectUnauthorized: false})
  const waiting: Buffer[] = []
  const begun = new Set<number>()
  let linger: NodeJS.Timeout | undefined
  let isEnding = false

  const cutOffSoon = (): void => {
    clearTimeout(linger)
    linger = setTimeout(() => socket.close(), LINGER_MS).unref()
  }
  const toNode = (bytes: Buffer): void => {
    const message = Buffer.concat([Buffer.from([0]), bytes])
    if (socket.readyState === WebSocket.CONNECTING) waiting.push(message)
    else if (socket.readyState === WebSocket.OPEN) socket.send(message)
  }
  socket.on('open', () => {
    for (const message of waiting.splice(0)) socket.send(message)
  })
  socket.on('message', (message: Buffer) => {
    const channel = message[0] ?? 0
    const isFirst = !begun.has(channel)
    begun.add(channel)
    const bytes = message.subarray(isFirst ? 3 : 1)
    if (bytes.length === 0) return
    if (isEnding) cutOffSoon()
    if (channel !== 0) return error?.write(bytes)
    // The node waits while the client does not take what it has got.
    socket.pause()
    data.write(bytes, () => socket.resume())
  })
  socket.on('error', (failure) => {
    error?.write(Buffer.from(`error forwarding port ${port}: ${failure.message}`))
  })
  socket.once('close', () => {
    clearTimeout(linger)
    error?.end()
    data.end()
  })
  data.onData(toNode)
  data.onEnd(() => {
    isEnding = true
    cutOffSoon()
  })
}
