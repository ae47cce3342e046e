import type {IncomingMessage} from 'node:http'
import {Agent, request} from 'node:https'
import type {Socket} from 'node:net'
import type {KubeClient, RawResponse} from './client.ts'
import {clientOver, type Request, told} from './client-over.ts'
import {ConnectionError, NotSent, TOO_LATE} from './errors.ts'
import {inPlainWords} from './failure.ts'
import type {PlainConfig} from './plain-config.ts'

export interface QuickOptions {
  readonly requestTimeoutMs?: number
  readonly trace?: (line: string) => void
  /** The client with all the libraries, for WebSockets. */
  readonly whole: () => Promise<KubeClient>
}

/**
 * A client for calls of a few requests: over Node's own HTTPS, which is loaded in a fraction of the time. It promises what every
 * KubeClient promises; the operator's many requests at once go faster through undici (docs/decisions/0003-http-client.md).
 */
export function quickClient(config: PlainConfig, {requestTimeoutMs, trace, whole}: QuickOptions): KubeClient {
  const {server, tls, headers: credentials} = config
  const agent = new Agent({...tls, keepAlive: true, timeout: 0, maxCachedSessions: 0})
  let other: Promise<KubeClient> | undefined

  const answer = ({path, method = 'GET', headers, body, signal, maySend, stream}: Request): Promise<RawResponse> => {
    const limit = stream ? undefined : requestTimeoutMs || undefined
    const timeout = limit ? AbortSignal.timeout(limit) : undefined
    const signals = [signal, timeout].filter((each) => each !== undefined)
    // Node.js loads seven modules for `performance`, which short calls do without.
    const started = Date.now()
    const tell = (outcome: string): void => trace?.(`${method} ${server}${path} ${outcome} in ${Date.now() - started} milliseconds`)
    const failure = (error: unknown, fact: string): unknown => {
      if (signal?.aborted) return signal.reason
      if (error instanceof NotSent) return error
      const words = timeout?.aborted ? `${server} did not answer within ${limit} ms` : `${fact}: ${inPlainWords(error)}`
      return new ConnectionError(words, {cause: error})
    }
    return new Promise((resolve, reject) => {
      const sent = request(`${server}${path}`, {
        agent,
        method,
        headers: {
          accept: 'application/json',
          ...(body !== undefined && {'content-length': Buffer.byteLength(body)}),
          ...mutable(credentials),
          ...headers,
        },
        ...(signals.length > 0 && {signal: AbortSignal.any(signals)}),
      })
      sent.once('error', (error) => {
        tell('failed')
        reject(failure(error, `cannot reach ${server}`))
      })
      sent.once('response', (response) => {
        tell(String(response.statusCode))
        const fail = (error: unknown): never => {
          throw failure(error, `the answer of ${server} broke off`)
        }
        resolve({status: response.statusCode ?? 0, headers: response.headers, body: told(bodyOf(response), fail)})
      })
      if (maySend) sent.once('socket', (socket) => atLast(socket, () => (maySend() ? sent.end(body) : sent.destroy(new NotSent(TOO_LATE)))))
      else sent.end(body)
    })
  }

  return clientOver({
    ...{answer, server, context: config.context, namespace: config.namespace},
    webSocket: async (path, subprotocols, options) => {
      other ??= whole()
      return await (await other).webSocket(path, subprotocols, options)
    },
    close: async () => {
      agent.destroy()
      await (await other)?.close()
    },
  })
}

/** Once there is a connection. */
const atLast = (socket: Socket, go: () => void): void => {
  if (socket.connecting) socket.once('secureConnect', go)
  else go()
}

const mutable = (headers: PlainConfig['headers']): Record<string, string | string[]> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]))

const bodyOf = (response: IncomingMessage): RawResponse['body'] => ({
  text: async () => {
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString()
  },
  [Symbol.asyncIterator]: () => response[Symbol.asyncIterator](),
})
