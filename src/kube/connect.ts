import {request as send} from 'undici'
import {WebSocket} from 'ws'
import type {KubeObject} from '../api/object.ts'
import type {KubeClient, KubeList, RawRequest, RawResponse, WriteOptions} from './client.ts'
import type {ClientConfig} from './config.ts'
import {ConnectionError} from './errors.ts'
import {failureOf, inPlainWords} from './failure.ts'
import {objectPath, query, resourcePath, writeQuery} from './paths.ts'
import {openTransport, type Transport} from './transport.ts'

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const

interface Request extends RawRequest {
  /** Holds its connection (watch, followed log): taken from the pool without a limit, and without a time limit. */
  readonly stream?: boolean
}

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

  const json = async <T>(request: Request, onWarning?: WriteOptions['onWarning']): Promise<T> => {
    const response = await answer(request)
    const text = await response.body.text()
    if (response.status >= 400) throw failureOf(response, text)
    for (const warning of warnings(response.headers['warning'])) onWarning?.(warning)
    return JSON.parse(text) as T
  }

  const write = <T>(
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    body: unknown,
    options: WriteOptions = {},
    type = 'application/json',
  ): Promise<T> =>
    json<T>(
      {method, path, headers: {'content-type': type}, body: JSON.stringify(body), ...(options.signal && {signal: options.signal})},
      options.onWarning,
    )

  return {
    server: transport.server,
    context: config.context,
    namespace: config.namespace,
    get: (kind, ref, options) => json({path: objectPath(kind, ref), ...options}),
    list: async <T extends KubeObject>(
      kind: Parameters<KubeClient['list']>[0],
      {namespace, signal, ...rest}: Parameters<KubeClient['list']>[1] = {},
    ) => {
      const list = await json<KubeList<T>>({path: resourcePath(kind, namespace) + query(rest), ...(signal && {signal})})
      // Items of a list carry neither apiVersion nor kind on the wire.
      return {...list, items: (list.items ?? []).map((item) => ({...item, apiVersion: kind.apiVersion, kind: kind.kind}))}
    },
    create: (kind, object, options) => write('POST', resourcePath(kind, object.metadata.namespace) + writeQuery(options), object, options),
    replace: (kind, object, options) =>
      write('PUT', objectPath(kind, object.metadata, options?.subresource) + writeQuery(options), object, options),
    patch: (kind, ref, patch, options) =>
      write('PATCH', objectPath(kind, ref, options.subresource) + writeQuery(options), patch, options, PATCH_TYPES[options.type]),
    apply: (kind, object, options) =>
      write(
        'PATCH',
        objectPath(kind, object.metadata, options.subresource) + writeQuery(options, options.force),
        object,
        options,
        'application/apply-patch+yaml',
      ),
    delete: async (kind, ref, {uid, resourceVersion, propagationPolicy, gracePeriodSeconds, dryRun, signal} = {}) => {
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...((uid !== undefined || resourceVersion !== undefined) && {
          preconditions: {...(uid !== undefined && {uid}), ...(resourceVersion !== undefined && {resourceVersion})},
        }),
        ...(propagationPolicy && {propagationPolicy}),
        ...(gracePeriodSeconds !== undefined && {gracePeriodSeconds}),
        ...(dryRun && {dryRun: ['All']}),
      }
      await json({
        method: 'DELETE',
        path: objectPath(kind, ref),
        headers: {'content-type': 'application/json'},
        body: JSON.stringify(body),
        ...(signal && {signal}),
      })
    },
    raw: (request) => answer({...request, stream: /[?&](watch|follow)=/.test(request.path)}),
    webSocket: (path, subprotocols, options) => openSocket(transport, path, subprotocols, options?.signal),
    close: () => transport.close(),
  }
}

const once = async (
  transport: Transport,
  config: ClientConfig,
  {path, method = 'GET', headers, body, signal, stream}: Request,
): Promise<RawResponse> => {
  const {dispatcher, headers: credentials} = await (stream ? transport.streams() : transport.requests()).catch((error: unknown) => {
    throw new ConnectionError(`no credentials for ${transport.server}: ${inPlainWords(error)}`, {cause: error})
  })
  const limit = stream ? undefined : config.requestTimeoutMs || undefined
  const timeout = limit ? AbortSignal.timeout(limit) : undefined
  const signals = [signal, timeout].filter((each) => each !== undefined)
  const fail = (error: unknown, fact = `the answer of ${transport.server} broke off`): never => {
    if (signal?.aborted) throw signal.reason
    if (timeout?.aborted) throw new ConnectionError(`${transport.server} did not answer within ${limit} ms`, {cause: error})
    throw new ConnectionError(`${fact}: ${inPlainWords(error)}`, {cause: error})
  }
  const started = performance.now()
  const trace = (outcome: string): void =>
    config.trace?.(`${method} ${transport.server}${path} ${outcome} in ${Math.round(performance.now() - started)} milliseconds`)
  try {
    const response = await send(`${transport.server}${path}`, {
      dispatcher,
      method,
      // undici would close the connection after each DELETE with a body.
      reset: false,
      headers: splitGroups({accept: 'application/json', ...credentials, ...headers}),
      ...(body !== undefined && {body}),
      ...(signals.length > 0 && {signal: AbortSignal.any(signals)}),
    })
    trace(String(response.statusCode))
    return {status: response.statusCode, headers: response.headers, body: told(response.body, fail)}
  } catch (error) {
    trace('failed')
    return fail(error, `cannot reach ${transport.server}`)
  }
}

/** A body whose failures are told in our words, however it is read. */
const told = (body: RawResponse['body'], fail: (error: unknown) => never): RawResponse['body'] => ({
  text: () => body.text().catch(fail),
  async *[Symbol.asyncIterator]() {
    try {
      yield* body
    } catch (error) {
      fail(error)
    }
  },
})

const splitGroups = (headers: Readonly<Record<string, string>>): Record<string, string | string[]> => {
  const groups = headers['impersonate-group']
  return groups?.includes('\n') ? {...headers, 'impersonate-group': groups.split('\n')} : {...headers}
}

/** `299 - "text"` (RFC 7234, section 5.5), possibly several in one header. */
const warnings = (header: string | readonly string[] | undefined): readonly string[] =>
  [header ?? []]
    .flat()
    .flatMap((line) => [...line.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text]) => (text ?? '').replace(/\\(.)/g, '$1')))

const openSocket = async (
  transport: Transport,
  path: string,
  subprotocols: readonly string[],
  signal?: AbortSignal,
): Promise<WebSocket> => {
  const {headers, tls, agent} = await transport.socketOptions().catch((error: unknown) => {
    throw new ConnectionError(`no credentials for ${transport.server}: ${inPlainWords(error)}`, {cause: error})
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
