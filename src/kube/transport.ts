/** Connections to one API server, and the credentials that go with each request. */
import type {RequestOptions as HttpsOptions} from 'node:https'
import {Agent, type Dispatcher, EnvHttpProxyAgent, ProxyAgent, Socks5ProxyAgent} from 'undici'
import type {ClientConfig} from './config.ts'

/** Enough for the operator's 64 writes in flight; see docs/decisions/0003-http-client.md. */
const CONNECTIONS = 64

export interface Transport {
  readonly server: string
  /** For requests with an answer that ends; at most 64 connections, kept alive. */
  requests(): Promise<Channel>
  /** For watches and followed logs, which hold their connection: never waits for one. */
  streams(): Promise<Channel>
  /** TLS material and headers for a WebSocket. */
  socketOptions(): Promise<{readonly headers: Readonly<Record<string, string>>; readonly tls: TlsOptions}>
  /** Forgets what it knows of the credentials, after a 401. */
  refresh(): void
  close(): Promise<void>
}

export interface Channel {
  readonly dispatcher: Dispatcher
  readonly headers: Readonly<Record<string, string>>
}

interface TlsOptions {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

interface Credentials {
  readonly headers: Readonly<Record<string, string>>
  readonly tls: TlsOptions
}

export function openTransport(config: ClientConfig): Transport {
  const cluster = config.kubeConfig.getCurrentCluster()
  const user = config.kubeConfig.getCurrentUser()
  const server = (cluster?.server ?? '').replace(/\/+$/, '')
  /** Plugins and token files change under a running client: client-node keeps them until they expire, so it is asked each time. */
  const changes = Boolean(user?.exec || user?.authProvider)
  let known: Credentials | undefined
  let pools: {readonly key: string; readonly requests: Dispatcher; readonly streams: Dispatcher} | undefined

  const credentials = async (): Promise<Credentials> => {
    if (known && !changes) return known
    known = await readCredentials(config)
    return known
  }

  const connected = async (): Promise<{readonly pools: NonNullable<typeof pools>; readonly headers: Readonly<Record<string, string>>}> => {
    const {tls, headers} = await credentials()
    const key = `${tls.cert ?? ''}${tls.key ?? ''}`
    if (pools?.key !== key) {
      const before = pools
      pools = {key, requests: dispatcher(cluster?.proxyUrl, tls, CONNECTIONS), streams: dispatcher(cluster?.proxyUrl, tls, null)}
      // A renewed client certificate: what runs on the old connections may end first.
      if (before) await Promise.all([before.requests.close(), before.streams.close()])
    }
    return {pools, headers}
  }

  return {
    server,
    requests: async () => {
      const {pools: now, headers} = await connected()
      return {dispatcher: now.requests, headers}
    },
    streams: async () => {
      const {pools: now, headers} = await connected()
      return {dispatcher: now.streams, headers}
    },
    socketOptions: credentials,
    refresh: () => {
      known = undefined
    },
    close: async () => {
      await Promise.all([pools?.requests.destroy(), pools?.streams.destroy()])
      pools = undefined
    },
  }
}

const readCredentials = async ({kubeConfig, impersonate}: ClientConfig): Promise<Credentials> => {
  const options: HttpsOptions = {}
  await kubeConfig.applyToHTTPSOptions(options)
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.headers ?? {})) if (typeof value === 'string') headers[name.toLowerCase()] = value
  if (options.auth) headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`
  if (impersonate?.user) headers['impersonate-user'] = impersonate.user
  if (impersonate?.uid) headers['impersonate-uid'] = impersonate.uid
  // More than one group would be one header a group, which a record cannot hold: they are joined where they are sent.
  if (impersonate?.groups?.length) headers['impersonate-group'] = impersonate.groups.join('\n')
  return {
    headers,
    tls: {
      ...(options.ca !== undefined && {ca: options.ca as Buffer}),
      ...(options.cert !== undefined && {cert: options.cert as Buffer}),
      ...(options.key !== undefined && {key: options.key as Buffer}),
      ...(options.servername !== undefined && {servername: options.servername}),
      ...(options.rejectUnauthorized !== undefined && {rejectUnauthorized: options.rejectUnauthorized}),
    },
  }
}

const dispatcher = (proxy: string | undefined, tls: TlsOptions, connections: number | null): Dispatcher => {
  const common = {connections, allowH2: false, keepAliveTimeout: 60_000, headersTimeout: 0, bodyTimeout: 0} as const
  const connect = {...tls, keepAlive: true, keepAliveInitialDelay: 30_000, timeout: 10_000}
  if (proxy?.startsWith('socks')) return new Socks5ProxyAgent(proxy, {...common, requestTls: connect})
  if (proxy) return new ProxyAgent({...common, uri: proxy, requestTls: connect})
  if (process.env['HTTPS_PROXY'] ?? process.env['https_proxy']) return new EnvHttpProxyAgent({...common, connect, requestTls: connect})
  return new Agent({...common, connect})
}
