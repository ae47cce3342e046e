import type {KubeObject} from '../api/object.ts'
import type {KubeClient, KubeList, RawRequest, RawResponse, RequestOptions, WriteOptions} from './client.ts'
import {failureOf} from './failure.ts'
import {objectPath, query, resourcePath, writeQuery} from './paths.ts'

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const

/** A request as it is sent; `stream` holds its connection (watch, followed log): no pool, no time limit. */
export interface Request extends RawRequest {
  readonly stream?: boolean
}

/** What carries the requests of a client. */
export interface Carrier extends Pick<KubeClient, 'server' | 'context' | 'namespace' | 'webSocket' | 'close'> {
  answer(request: Request): Promise<RawResponse>
}

/** The methods of a client over whatever carries its requests. */
export function clientOver({answer, server, context, namespace: ownNamespace, webSocket, close}: Carrier): KubeClient {
  const done = async (request: Request, onWarning?: WriteOptions['onWarning']): Promise<string> => {
    const response = await answer(request)
    const text = await response.body.text()
    if (response.status >= 400) throw failureOf(response, text)
    for (const warning of warnings(response.headers['warning'])) onWarning?.(warning)
    return text
  }

  const json = async <T>(...request: Parameters<typeof done>): Promise<T> => JSON.parse(await done(...request)) as T

  const write = <T>(
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    body: unknown,
    options: WriteOptions = {},
    type = 'application/json',
  ): Promise<T> =>
    json<T>({method, path, headers: {'content-type': type}, body: JSON.stringify(body), ...sending(options)}, options.onWarning)

  return {
    server,
    context,
    namespace: ownNamespace,
    get: (kind, ref, options) => json({path: objectPath(kind, ref), ...options}),
    list: async <T extends KubeObject>(
      kind: Parameters<KubeClient['list']>[0],
      {namespace, signal, maySend: _, ...rest}: Parameters<KubeClient['list']>[1] = {},
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
    delete: async (kind, ref, {uid, resourceVersion, propagationPolicy, gracePeriodSeconds, dryRun, ...options} = {}) => {
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
      await done({
        method: 'DELETE',
        path: objectPath(kind, ref),
        headers: {'content-type': 'application/json'},
        body: JSON.stringify(body),
        ...sending(options),
      })
    },
    raw: (request) => answer({...request, stream: /[?&](watch|follow)=/.test(request.path)}),
    webSocket,
    close,
  }
}

const sending = ({signal, maySend}: RequestOptions): RequestOptions => ({...(signal && {signal}), ...(maySend && {maySend})})

/** A body whose failures are told in our words, however it is read. */
export const told = (body: RawResponse['body'], fail: (error: unknown) => never): RawResponse['body'] => ({
  text: () => body.text().catch(fail),
  async *[Symbol.asyncIterator]() {
    try {
      yield* body
    } catch (error) {
      fail(error)
    }
  },
})

/** `299 - "text"` (RFC 7234, section 5.5), possibly several in one header. */
const warnings = (header: string | readonly string[] | undefined): readonly string[] =>
  [header ?? []]
    .flat()
    .flatMap((line) => [...line.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text]) => (text ?? '').replace(/\\(.)/g, '$1')))
