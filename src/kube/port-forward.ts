import {createServer, type Server, type Socket} from 'node:net'
import {Duplex} from 'node:stream'
import type {WebSocket} from 'ws'
import {PODS} from '../api/core.ts'
import type {KubeClient} from './client.ts'
import {ConnectionError} from './errors.ts'
import {objectPath, query} from './paths.ts'

/** Channels of the one forwarded port: its bytes, and words about what went wrong (Kubernetes' `v4.channel.k8s.io`). */
const DATA = 0
const ERROR = 1

export interface ForwardTarget {
  readonly namespace: string
  readonly pod: string
  readonly port: number
  readonly signal?: AbortSignal
}

/** One TCP connection to a port of a pod, through the API server. Rejects when the server or the node refuses it. */
export async function openPortForward(client: KubeClient, {namespace, pod, port, signal}: ForwardTarget): Promise<Duplex> {
  const path = objectPath(PODS, {namespace, name: pod}, 'portforward') + query({ports: port})
  const socket = await client.webSocket(path, ['v4.channel.k8s.io'], signal && {signal})
  return overWebSocket(socket, `${namespace}/${pod}:${port}`)
}

const overWebSocket = (socket: WebSocket, target: string): Duplex => {
  /** The first frame of each channel names the port in two bytes and carries nothing else. */
  const announced = new Set<number>()
  const stream = new Duplex({
    // The protocol cannot say that one side has ended and the other goes on.
    allowHalfOpen: false,
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, done) => socket.send(Buffer.concat([Buffer.of(DATA), chunk]), done),
    final: (done) => {
      socket.close()
      done()
    },
    destroy: (error, done) => {
      socket.terminate()
      done(error)
    },
  })
  socket.on('message', (data: Buffer) => {
    const channel = data[0] ?? DATA
    if (!announced.has(channel)) {
      announced.add(channel)
      return
    }
    const payload = data.subarray(1)
    if (channel === ERROR) stream.destroy(new ConnectionError(`port-forward to ${target} failed: ${payload.toString().trim()}`))
    else if (payload.length > 0 && !stream.push(payload)) socket.pause()
  })
  socket.on('close', () => stream.push(null))
  socket.on('error', (error) =>
    stream.destroy(new ConnectionError(`port-forward to ${target} broke off: ${error.message}`, {cause: error})),
  )
  return stream
}

export interface ListenOptions {
  readonly namespace: string
  /** Asked anew for each connection, so that a restarted pod is found again. */
  readonly findPod: () => Promise<string>
  readonly port: number
  /** 0 or absent: any free one. */
  readonly localPort?: number
  readonly address?: string
  readonly signal: AbortSignal
  /** Told of each connection that could not be made. */
  readonly onError?: (error: unknown) => void
}

/** Listens on a local port until `signal` aborts; every connection is forwarded by itself. Resolves with the port; rejects where it is taken. */
export async function listenPortForward(client: KubeClient, options: ListenOptions): Promise<number> {
  const {namespace, findPod, port, localPort = 0, address = '127.0.0.1', signal, onError} = options
  signal.throwIfAborted()
  const open = new Set<Socket>()
  const server: Server = createServer((local) => {
    open.add(local)
    local.once('close', () => open.delete(local))
    let remote: Duplex | undefined
    // A local program that goes away is no fault of the forward.
    local.on('error', () => local.destroy())
    local.once('close', () => remote?.destroy())
    findPod()
      .then((pod) => openPortForward(client, {namespace, pod, port, signal}))
      .then((forwarded) => {
        remote = forwarded
        remote.on('error', (error) => {
          onError?.(error)
          local.destroy()
        })
        if (local.destroyed) remote.destroy()
        else local.pipe(remote).pipe(local)
      })
      .catch((error: unknown) => {
        if (!signal.aborted) onError?.(error)
        local.destroy()
      })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(localPort, address, resolve)
  })
  signal.addEventListener('abort', () => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  const bound = server.address()
  return typeof bound === 'object' && bound ? bound.port : localPort
}
