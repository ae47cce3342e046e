/** A kubelet's endpoints: logs, exec and port-forward, for an API server that shows its client certificate. */
import type {IncomingMessage, ServerResponse} from 'node:http'
import {createServer} from 'node:https'
import type {AddressInfo} from 'node:net'
import {connect} from 'node:net'
import {type RawData, type WebSocket, WebSocketServer} from 'ws'
import {execStatus, startExec} from './exec.ts'
import {presented, readLog} from './log-file.ts'
import type {PodRunner} from './pod.ts'
import {execOverSpdy, forwardOverSpdy, isSpdy} from './spdy.ts'

export interface KubeletOptions {
  readonly address: string
  readonly port?: number
  readonly tls: {readonly cert: string; readonly key: string; readonly clientCa: string}
  readonly podOf: (namespace: string, name: string) => PodRunner | undefined
  readonly log: (line: string) => void
}

export interface Kubelet {
  readonly port: number
  stop(): Promise<void>
}

const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'portforward.k8s.io']

export async function startKubelet({address, port = 0, tls, podOf, log}: KubeletOptions): Promise<Kubelet> {
  const sockets = new WebSocketServer({noServer: true, handleProtocols: (offered) => PROTOCOLS.find((each) => offered.has(each)) ?? false})
  const server = createServer(
    {cert: tls.cert, key: tls.key, ca: tls.clientCa, requestCert: true, rejectUnauthorized: true},
    (request, response) => {
      answer(request, response, podOf).catch((error: unknown) => {
        log(`kubelet ${request.url}: ${error instanceof Error ? error.message : String(error)}`)
        if (response.headersSent) response.destroy()
        else respond(response, 500, String(error))
      })
    },
  )
  server.on('upgrade', (request, socket, head) => {
    const {route, pod, container, query} = located(request, podOf)
    if (!pod || (route !== 'exec' && route !== 'portForward')) {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')
      return
    }
    if (isSpdy(request)) {
      const command = query.getAll('command')
      if (route === 'portForward') forwardOverSpdy(request, socket, head, pod.ip)
      else execOverSpdy(request, socket, head, query, (output) => startExec(pod, container ?? '', command, output))
      return
    }
    sockets.handleUpgrade(request, socket, head, (opened) => {
      if (route === 'portForward') forward(opened, pod.ip, query)
      else exec(opened, pod, container ?? '', query).catch((error: unknown) => opened.close(1011, String(error).slice(0, 100)))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      for (const client of sockets.clients) client.terminate()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Located {
  readonly route: string
  readonly pod: PodRunner | undefined
  readonly container: string | undefined
  readonly query: URLSearchParams
}

const located = ({url = '/'}: IncomingMessage, podOf: KubeletOptions['podOf']): Located => {
  const {pathname, searchParams} = new URL(url, 'https://kubelet')
  const [route = '', namespace = '', name = '', container] = pathname.slice(1).split('/').map(decodeURIComponent)
  return {route, pod: name ? podOf(namespace, name) : undefined, container, query: searchParams}
}

const respond = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, {'content-type': 'text/plain'})
  response.end(text)
}

const answer = async (request: IncomingMessage, response: ServerResponse, podOf: KubeletOptions['podOf']): Promise<void> => {
  const {route, pod, container, query} = located(request, podOf)
  if (route === 'healthz') return respond(response, 200, 'ok')
  if (route !== 'containerLogs') return respond(response, 501, `the sandbox's node does not serve ${route}`)
  if (!pod) return respond(response, 404, 'pod does not exist')
  const previous = query.get('previous') === 'true'
  const runner = pod.container(container ?? '')
  const log = runner?.log(previous)
  if (!log) {
    const waiting = runner?.record().state.waiting?.reason ?? 'ContainerCreating'
    if (previous) return respond(response, 400, `previous terminated container "${container}" in pod "${pod.pod.metadata.name}" not found`)
    return respond(response, 400, `container "${container}" in pod "${pod.pod.metadata.name}" is waiting to start: ${waiting}`)
  }
  const number = (name: string): number | undefined => (query.get(name) === null ? undefined : Number(query.get(name)))
  const timestamps = query.get('timestamps') === 'true'
  const [tailLines, sinceSeconds, limitBytes] = [number('tailLines'), number('sinceSeconds'), number('limitBytes')]
  response.writeHead(200, {'content-type': 'text/plain'})
  const early: string[] = []
  let isCaughtUp = false
  const isFollowed = query.get('follow') === 'true' && !previous
  let ended = (): void => {}
  const end = new Promise<void>((resolve) => {
    ended = resolve
  })
  // Followed from before the file is read, so that no line falls between; what came while it was read is in the file.
  const stop = isFollowed
    ? log.follow((line) => (isCaughtUp ? void response.write(`${presented(line, timestamps)}\n`) : early.push(line)), ended)
    : ended
  const text = await readLog(log.path, {
    timestamps,
    ...(tailLines !== undefined && {tailLines}),
    ...(sinceSeconds !== undefined && {sinceSeconds}),
    ...(limitBytes !== undefined && {limitBytes}),
  })
  response.write(text)
  isCaughtUp = true
  response.once('close', ended)
  if (isFollowed) await end
  stop()
  response.end()
}

const [STDIN, STDOUT, STDERR, STATUS] = [0, 1, 2, 3]

const exec = async (socket: WebSocket, pod: PodRunner, name: string, query: URLSearchParams): Promise<void> => {
  const early: Buffer[] = []
  const collect = (data: RawData): void => void early.push(data as Buffer)
  socket.on('message', collect)
  const send = (channel: number | undefined, chunk: Buffer): void => {
    if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.of(channel ?? 0), chunk]))
  }
  const {stdin, ended, kill} = await startExec(pod, name, query.getAll('command'), {
    stdout: (bytes) => send(STDOUT, bytes),
    stderr: (bytes) => send(STDERR, bytes),
  })
  const take = (data: RawData): void => {
    const frame = data as Buffer
    if (frame[0] === STDIN) stdin.write(frame.subarray(1))
    // v5: the client closes a channel; only its input can be closed.
    else if (frame[0] === 255 && frame[1] === STDIN) stdin.end()
  }
  socket.off('message', collect)
  for (const data of early) take(data)
  socket.on('message', take)
  socket.once('close', kill)
  send(STATUS, Buffer.from(JSON.stringify(execStatus(await ended))))
  socket.close(1000)
}

/** Per port two channels, data and errors; the first frame of each names the port. */
const forward = (socket: WebSocket, ip: string, query: URLSearchParams): void => {
  const ports = [...query.getAll('port'), ...query.getAll('ports')].flatMap((each) => each.split(',')).map(Number)
  const targets = ports.map((port, index) => {
    const head = Buffer.alloc(2)
    head.writeUInt16LE(port)
    const [data, errors] = [2 * index, 2 * index + 1]
    const send = (channel: number, chunk: Buffer): void => {
      if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.of(channel), chunk]))
    }
    send(data, head)
    send(errors, head)
    const target = connect({host: ip, port})
    target.setNoDelay(true)
    target.on('data', (chunk: Buffer) => send(data, chunk))
    target.on('error', (error) => send(errors, Buffer.from(`error forwarding port ${port} to pod: ${error.message}`)))
    target.once('close', () => socket.close())
    return target
  })
  socket.on('message', (message: RawData) => {
    const frame = message as Buffer
    const channel = frame[0] ?? 0
    if (channel % 2 === 0) targets[channel / 2]?.write(frame.subarray(1))
  })
  socket.once('close', () => {
    for (const target of targets) target.end()
  })
}
