import {request as send} from 'undici'
import {WebSocket} from 'ws'
import type {KubeClient, RawResponse} from './client.ts'
import {clientOver, type Request, told} from './client-over.ts'
import type {ClientConfig} from './config.ts'
import {noCredentials} from './credentials.ts'
import {ConnectionError, NotSent} from './errors.ts'
import {failureOf, inPlainWords} from './failure.ts'
import {withLastLook} from './last-look.ts'
import {openTransport, type Transport} from './transport.ts'

/** A client of the context in `config`. Nothing is sent before the first call. */
export function connect(config: ClientConfig): KubeClient {
  const transport = openTransport(config)

  const answer = async (request: Request): Promise<RawResponse> => {
    const first = await once(transport, config, request)
    // A token that expired under way: once more with fresh credentials, never twice.
    if (first.status !== 401 || !transport.refresh()) return first
    await first.body.text()
    return once(transport, config, request)
  }

  return clientOver({
    ...{answer, server: transport.server, context: config.context, namespace: config.namespace},
    webSocket: (path, subprotocols, options) => openSocket(transport, config, path, subprotocols, options?.signal),
    close: () => transport.close(),
  })
}

const once = async (
  transport: Transport,
  config: ClientConfig,
  {path, method = 'GET', headers, body, signal, maySend, stream}: Request,
): Promise<RawResponse> => {
  const {dispatcher, headers: credentials} = await (stream ? transport.streams() : transport.requests()).catch((error: unknown) => {
    throw noCredentials(config, transport.server, error)
  })
  const limit = stream ? undefined : config.requestTimeoutMs || undefined
  const timeout = limit ? AbortSignal.timeout(limit) : undefined
  const signals = [signal, timeout].filter((each) => each !== undefined)
  const fail = (error: unknown, fact = `the answer of ${transport.server} broke off`): never => {
    if (signal?.aborted) throw signal.reason
    if (error instanceof NotSent) throw error
    if (timeout?.aborted) throw new ConnectionError(`${transport.server} did not answer within ${limit} ms`, {cause: error})
    throw new ConnectionError(`${fact}: ${inPlainWords(error)}`, {cause: error})
  }
  const started = performance.now()
  const trace = (outcome: string): void =>
    config.trace?.(`${method} ${transport.server}${path} ${outcome} in ${Math.round(performance.now() - started)} milliseconds`)
  try {
    const response = await send(`${transport.server}${path}`, {
      dispatcher: maySend ? withLastLook(dispatcher, maySend) : dispatcher,
      method,
      // undici would close the connection after each DELETE with a body.
      reset: false,
      headers: splitGroups({accept: 'application/json', ...credentials, ...headers}),
      ...(body !== undefined && {body}),
      // A signal made of one costs as much as one of many.
      ...(signals.length > 0 && {signal: signals.length === 1 ? signals[0] : AbortSignal.any(signals)}),
    })
    trace(String(response.statusCode))
    return {status: response.statusCode, headers: response.headers, body: told(response.body, fail)}
  } catch (error) {
    trace('failed')
    return fail(error, `cannot reach ${transport.server}`)
  }
}

const splitGroups = (headers: Readonly<Record<string, string>>): Record<string, string | string[]> => {
  const groups = headers['impersonate-group']
  return groups?.includes('\n') ? {...headers, 'impersonate-group': groups.split('\n')} : {...headers}
}

const openSocket = async (
  transport: Transport,
  config: ClientConfig,
  path: string,
  subprotocols: readonly string[],
  signal?: AbortSignal,
): Promise<WebSocket> => {
  const {headers, tls, agent} = await transport.socketOptions().catch((error: unknown) => {
    throw noCredentials(config, transport.server, error)
  })
  signal?.throwIfAborted()
  const socket = new WebSocket(`${transport.server.replace(/^http/, 'ws')}${path}`, [...subprotocols], {
    ...tls,
    ...(agent && {agent}),
    headers: splitGroups(headers),
    perMessageDeflate: false,
  })
  const abort = (): void => socket.terminate()
  signal?.addEventListener('abort', abort, {once: true})
  socket.once('close', () => signal?.removeEventListener('abort', abort))
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      // What came together with the handshake waits until the caller listens.
      socket.pause()
      setImmediate(() => socket.resume())
      resolve(socket)
    })
    socket.once('error', (error) =>
      reject(
        signal?.aborted ? signal.reason : new ConnectionError(`cannot reach ${transport.server}: ${inPlainWords(error)}`, {cause: error}),
      ),
    )
    socket.once('unexpected-response', (_, response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        reject(failureOf({status: response.statusCode ?? 500, headers: response.headers}, text))
        socket.terminate()
      })
    })
  })
}
