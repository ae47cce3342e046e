import type {Kind, KubeObject, Ref} from '../api/object.ts'

/**
 * A client over wire JSON. Every method rejects with a `KubeError` when the server answers with an error and with a
 * `ConnectionError` when no answer came; requests are never repeated here: the caller knows what is safe to repeat.
 */
export interface KubeClient {
  /** Where the server is, for messages. */
  readonly server: string
  /** Name of the kubeconfig context, or `in-cluster`. */
  readonly context: string
  /** Namespace of the context (`default` where it names none). */
  readonly namespace: string

  get<T extends KubeObject>(kind: Kind<T>, ref: Ref, options?: RequestOptions): Promise<T>
  /** One page; all objects unless `limit` is given. Without `namespace`: of all namespaces. */
  list<T extends KubeObject>(kind: Kind<T>, options?: ListOptions): Promise<KubeList<T>>
  create<T extends KubeObject>(kind: Kind<T>, object: Omit<T, 'status'>, options?: WriteOptions): Promise<T>
  /** PUT of the whole object; give `metadata.resourceVersion` for optimistic concurrency. */
  replace<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions & Subresource): Promise<T>
  patch<T extends KubeObject>(kind: Kind<T>, ref: Ref, patch: unknown, options: PatchOptions): Promise<T>
  /** Server-side apply; `fieldManager` is required by the server. */
  apply<T extends KubeObject>(kind: Kind<T>, object: Omit<T, 'status'>, options: ApplyOptions): Promise<T>
  delete(kind: Kind, ref: Ref, options?: DeleteOptions): Promise<void>
  /** Anything else: discovery, tables, logs, proxies. Resolves with the raw answer whatever its status. */
  raw(request: RawRequest): Promise<RawResponse>
  /** A WebSocket to the API server (exec, port-forward) with this client's credentials. `path` begins with `/`. */
  webSocket(path: string, subprotocols: readonly string[], options?: {readonly signal?: AbortSignal}): Promise<import('ws').WebSocket>
  /** Ends kept-alive connections; requests under way are aborted. */
  close(): Promise<void>
}

export interface RequestOptions {
  readonly signal?: AbortSignal
  /** Asked when the request is about to leave, which may be long after the call where it waits for a connection; `false`: it rejects with NotSent. */
  readonly maySend?: () => boolean
}

export interface Subresource {
  readonly subresource?: 'status' | 'scale'
}

export interface ListOptions extends RequestOptions {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly limit?: number
  readonly continue?: string
  readonly resourceVersion?: string
}

export interface KubeList<T> {
  readonly items: readonly T[]
  readonly metadata: {readonly resourceVersion?: string; readonly continue?: string; readonly remainingItemCount?: number}
}

export interface WriteOptions extends RequestOptions {
  readonly dryRun?: boolean
  readonly fieldManager?: string
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict'
  /** Called once for each `Warning` header of the answer, with its text. */
  readonly onWarning?: (text: string) => void
}

export interface PatchOptions extends WriteOptions, Subresource {
  readonly type: 'merge' | 'json' | 'strategic'
}

export interface ApplyOptions extends WriteOptions, Subresource {
  readonly fieldManager: string
  readonly force?: boolean
}

export interface DeleteOptions extends RequestOptions {
  readonly uid?: string
  readonly resourceVersion?: string
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan'
  readonly gracePeriodSeconds?: number
  readonly dryRun?: boolean
}

export interface RawRequest extends RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Begins with `/`, query included. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface RawResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: AsyncIterable<Uint8Array> & {text(): Promise<string>}
}
