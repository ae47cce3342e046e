/**
 * Exec and port-forward as a real API server asks a kubelet for them: SPDY streams over an upgraded connection
 * (k8s.io/apimachinery: util/remotecommand, util/portforward).
 */
import type {IncomingMessage} from 'node:http'
import {connect} from 'node:net'
import type {Duplex} from 'node:stream'
import {type SpdyStream, startSpdySession} from '../streams/spdy.ts'
import {type ExecEnd, execStatus, type RunExec} from './exec.ts'

const PROTOCOL_HEADER = 'x-stream-protocol-version'

export const isSpdy = ({headers}: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === 'spdy/3.1'

/** Takes the connection over with the protocol that suits both sides; `false` where none does. */
const accept = (request: IncomingMessage, socket: Duplex, known: readonly string[]): boolean => {
  const offered = String(request.headers[PROTOCOL_HEADER] ?? '')
    .split(',')
    .map((each) => each.trim())
  const protocol = known.find((each) => offered.includes(each))
  if (protocol === undefined) {
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    return false
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  )
  return true
}

const serve = (socket: Duplex, head: Buffer, onStream: (stream: SpdyStream) => void): void => {
  const session = startSpdySession(
    {write: (bytes, sent) => void socket.write(bytes, () => sent?.()), close: () => void socket.end()},
    onStream,
  )
  socket.on('error', () => socket.destroy())
  socket.on('data', (bytes: Buffer) => session.receive(bytes))
  socket.once('close', () => session.close())
  if (head.length > 0) session.receive(head)
}

/** A pair of streams for each connection: what goes wrong is written on the one, the bytes on the other. */
export function forwardOverSpdy(request: IncomingMessage, socket: Duplex, head: Buffer, ip: string): void {
  if (!accept(request, socket, ['portforward.k8s.io'])) return
  const errors = new Map<string, SpdyStream>()
  serve(socket, head, (stream) => {
    const id = stream.headers.get('requestid') ?? ''
    if (stream.headers.get('streamtype') === 'error') {
      errors.set(id, stream)
      return
    }
    const port = Number(stream.headers.get('port'))
    const error = errors.get(id)
    errors.delete(id)
    const target = connect({host: ip, port, allowHalfOpen: true})
    target.setNoDelay(true)
    stream.onData((bytes) => target.write(bytes))
    stream.onEnd(() => target.end())
    target.on('data', (bytes: Buffer) => {
      // The program waits while the other side does not take what it has got.
      target.pause()
      stream.write(bytes, () => target.resume())
    })
    target.on('error', (failure) => error?.write(Buffer.from(`error forwarding port ${port} to pod: ${failure.message}`)))
    target.once('end', () => stream.end())
    target.once('close', () => {
      error?.end()
      stream.end()
    })
    socket.once('close', () => target.destroy())
  })
}

/** By which parameters the API server says which streams will be opened (k8s.io/api: core/v1, ExecStdinParam and the others). */
const PARAMETERS = {stdin: 'input', stdout: 'output', stderr: 'error'} as const

/** Streams for input, output, errors and, in the end, a Status that tells the exit code. The client opens those that it wants. */
export function execOverSpdy(request: IncomingMessage, socket: Duplex, head: Buffer, query: URLSearchParams, run: RunExec): void {
  if (!accept(request, socket, ['v4.channel.k8s.io'])) return
  const wanted = Object.entries(PARAMETERS).flatMap(([name, parameter]) => (query.get(parameter) === '1' ? [name] : []))
  const streams = new Map<string, SpdyStream>()
  let isBegun = false
  const begin = (): void => {
    if (isBegun || !streams.has('error') || wanted.some((name) => !streams.has(name))) return
    isBegun = true
    const running = run({
      stdout: (bytes) => streams.get('stdout')?.write(bytes),
      stderr: (bytes) => streams.get('stderr')?.write(bytes),
    })
    const finish = (end: ExecEnd): void => {
      streams.get('error')?.write(Buffer.from(JSON.stringify(execStatus(end))), () => {
        for (const stream of streams.values()) stream.end()
        socket.end()
      })
    }
    running.then(
      ({stdin, ended, kill}) => {
        streams.get('stdin')?.onData((bytes) => stdin.write(bytes))
        streams.get('stdin')?.onEnd(() => stdin.end())
        socket.once('close', kill)
        void ended.then(finish)
      },
      (failure: Error) => finish({exitCode: 0, failure}),
    )
  }
  serve(socket, head, (stream) => {
    streams.set(stream.headers.get('streamtype') ?? '', stream)
    begin()
  })
}
