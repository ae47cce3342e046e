/** Stands between the operator and its API server and does to each request and watch what the schedule says. */
import {once} from 'node:events'
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import {Agent, request} from 'node:https'
import type {AddressInfo} from 'node:net'
import {setTimeout as pause} from 'node:timers/promises'
import type {RequestFault, WatchFault} from './schedule.ts'

export interface ApiProxy {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string
  /** From now on all goes through, and what was held back comes at once. */
  calm(): void
  stop(): Promise<void>
}

export interface ApiProxyOptions {
  readonly server: {readonly url: string; readonly ca: string}
  readonly requests: readonly RequestFault[]
  readonly watches: readonly WatchFault[]
  /** Kills the operator; no request of that one is answered any more. */
  readonly kill: () => void
  /** Told of each fault, to be read when a schedule fails. */
  readonly note: (what: string) => void
}

const REASONS = {409: 'Conflict', 410: 'Expired', 429: 'TooManyRequests', 500: 'InternalError', 503: 'ServiceUnavailable'} as const

const statusOf = (code: keyof typeof REASONS): string =>
  JSON.stringify({kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: REASONS[code], message: 'chaos', code})

export async function startApiProxy({server, requests, watches, kill, note}: ApiProxyOptions): Promise<ApiProxy> {
  const agent = new Agent({ca: server.ca, keepAlive: true})
  const taken = {requests: 0, watches: 0}
  const calmed = new AbortController()

  const next = <T extends {readonly do: string}>(faults: readonly T[], which: keyof typeof taken): T | {readonly do: 'pass'} =>
    calmed.signal.aborted ? {do: 'pass'} : (faults[taken[which]++ % faults.length] ?? {do: 'pass'})

  /** Sends it on, and resolves with the answer's head. */
  const carryOut = async ({method, url, headers}: IncomingMessage, body: Buffer): Promise<IncomingMessage> => {
    const {host: _, connection: __, ...rest} = headers
    const sent = request(`${server.url}${url}`, {method, agent, headers: rest})
    sent.end(body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    return answer
  }
  const read = async (answer: IncomingMessage): Promise<Buffer> => Buffer.concat(await answer.toArray())

  const pass = async (asked: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> => {
    const answer = await carryOut(asked, body)
    const bytes = await read(answer)
    response.writeHead(answer.statusCode ?? 502, headersOf(answer)).end(bytes)
  }

  const handle = async (asked: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> => {
    const fault = next(requests, 'requests')
    if (fault.do !== 'pass') note(`${asked.method} ${asked.url}: ${JSON.stringify(fault)}`)
    switch (fault.do) {
      case 'delay':
        await wait(fault.ms, calmed.signal)
        // What has not left a process that was killed does not reach the server.
        return asked.socket.destroyed ? undefined : pass(asked, body, response)
      case 'drop':
        if (fault.isCarriedOut) await read(await carryOut(asked, body))
        response.destroy()
        return
      case 'repeat':
        if (asked.method !== 'GET') await read(await carryOut(asked, body))
        return pass(asked, body, response)
      case 'refuse': {
        const text = statusOf(fault.status)
        const later = fault.status === 429 ? {'retry-after': '1'} : {}
        response
          .writeHead(fault.status, {'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...later})
          .end(text)
        return
      }
      case 'kill':
        if (!fault.isCarriedOut) kill()
        await read(await carryOut(asked, body))
        if (fault.isCarriedOut) kill()
        response.destroy()
        return
      default:
        return pass(asked, body, response)
    }
  }

  /** A watch goes through line by line, in order, however much it is held back. */
  const follow = async (asked: IncomingMessage, response: ServerResponse): Promise<void> => {
    const fault = next(watches, 'watches')
    if (fault.do !== 'pass') note(`watch ${asked.url}: ${JSON.stringify(fault)}`)
    const answer = await carryOut(asked, Buffer.alloc(0))
    response.on('close', () => answer.destroy())
    answer.on('error', () => response.destroy())
    response.writeHead(answer.statusCode ?? 502, headersOf(answer))
    response.flushHeaders()
    if (fault.do === 'end' || fault.do === 'expire')
      void wait(fault.afterMs, calmed.signal).then(() => {
        answer.unpipe(response)
        if (fault.do === 'expire') response.write(`{"type":"ERROR","object":${statusOf(410)}}\n`)
        response.end()
      })
    if (fault.do === 'cut') {
      let left = fault.afterBytes
      answer.on('data', (chunk: Buffer) => {
        response.write(chunk.subarray(0, left))
        left -= chunk.length
        if (left <= 0) response.destroy()
      })
      answer.on('end', () => response.end())
    } else if (fault.do === 'hold') {
      let turn = Promise.resolve()
      const later = (act: () => void): void => {
        const due = wait(fault.ms, calmed.signal)
        turn = turn.then(() => due).then(act)
      }
      answer.on('data', (chunk: Buffer) => later(() => void response.write(chunk)))
      answer.on('end', () => later(() => void response.end()))
    } else answer.pipe(response)
  }

  const listener = createServer((asked, response) => {
    const isWatch = /[?&]watch=true/.test(asked.url ?? '')
    const work = isWatch ? follow(asked, response) : asked.toArray().then((chunks) => handle(asked, Buffer.concat(chunks), response))
    // The operator was killed, or the API server has ended: there is nobody to tell.
    work.catch(() => response.destroy())
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    calm: () => calmed.abort(),
    stop: async () => {
      calmed.abort()
      const closed = once(listener, 'close')
      listener.close()
      listener.closeAllConnections()
      await closed
      agent.destroy()
    },
  }
}

const headersOf = ({headers}: IncomingMessage): Record<string, string | string[]> => {
  const {connection: _, 'transfer-encoding': __, ...rest} = headers
  return Object.fromEntries(Object.entries(rest).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined))
}

const wait = (ms: number, signal: AbortSignal): Promise<void> => pause(ms, undefined, {signal}).catch(() => undefined)
