/** Connections to one API server, and the credentials that go with each request. */
import type {Agent as HttpAgent} from 'node:http'
import {Agent as HttpsAgent, type RequestOptions as HttpsOptions} from 'node:https'
import {KubeConfig} from '@kubernetes/client-node/dist/config.js'
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
  /** TLS material, headers and (where there is a proxy) the agent for a WebSocket. */
  socketOptions(): Promise<Credentials>
  /** Forgets what it knows of the credentials, after a 401. False where no others can be had. */
  refresh(): boolean
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
  /** Leads WebSockets through the proxy. */
  readonly agent?: HttpAgent
}

/** Connections made with one set of TLS credentials. */
interface Pools {
  readonly key: string
  readonly requests: Dispatcher
  readonly streams: Dispatcher
}

/** Token files and plugins are asked at most this often: a thousand requests a second need not read a file each. */
const FRESH_MS = 1_000

export function openTransport(config: ClientConfig): Transport {
  let {kubeConfig} = config
  const cluster = kubeConfig.getCurrentCluster()
  const user = kubeConfig.getCurrentUser()
  const server = (cluster?.server ?? '').replace(/\/+$/, '')
  const proxy = {url: cluster?.proxyUrl, fromEnv: isProxiedByEnv(server)}
  /** Plugins and token files change under a running client; client-node keeps what they gave until it expires. */
  const changes = Boolean(user?.exec || user?.authProvider)
  let known: {readonly credentials: Credentials; readonly at: number} | undefined
  let asking: Promise<Credentials> | undefined
  let pools: Pools | undefined
  const open = new Set<Dispatcher>()

  /** One question at a time, however many requests wait for the answer: a plugin may be a slow program. */
  const ask = async (): Promise<Credentials> => {
    try {
      const credentials = await readCredentials(kubeConfig, config.impersonate, proxy)
      known = {credentials, at: Date.now()}
      return credentials
    } finally {
      asking = undefined
    }
  }
  const credentials = async (): Promise<Credentials> => {
    if (known && !(changes && Date.now() - known.at > FRESH_MS)) return known.credentials
    asking ??= ask()
    return asking
  }

  const openPool = (tls: TlsOptions, connections: number | null): Dispatcher => {
    const pool = dispatcher(proxy, tls, connections)
    open.add(pool)
    return pool
  }
  /** What runs on connections with an old certificate (a watch runs for minutes) may end first. */
  const retire = async (pool: Dispatcher): Promise<void> => {
    await pool.close().catch(() => undefined)
    open.delete(pool)
  }

  const connected = async (): Promise<{readonly pools: Pools; readonly headers: Readonly<Record<string, string>>}> => {
    const {tls, headers} = await credentials()
    const key = `${tls.cert ?? ''}${tls.key ?? ''}`
    if (pools && pools.key !== key) {
      void retire(pools.requests)
      void retire(pools.streams)
      pools = undefined
    }
    pools ??= {key, requests: openPool(tls, CONNECTIONS), streams: openPool(tls, null)}
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
      if (!changes) return false
      known = undefined
      // client-node offers no way to drop what a plugin gave before it expires; a new object has not asked yet.
      const fresh = new KubeConfig()
      const {clusters, users, contexts, currentContext} = kubeConfig
      fresh.loadFromOptions({clusters, users, contexts, currentContext})
      kubeConfig = fresh
      return true
    },
    close: async () => {
      pools = undefined
      await Promise.all([...open].map((pool) => pool.destroy()))
      open.clear()
    },
  }
}

interface Proxy {
  /** `proxy-url` of the kubeconfig's cluster. */
  readonly url: string | undefined
  readonly fromEnv: boolean
}

const readCredentials = async (kubeConfig: KubeConfig, impersonate: ClientConfig['impersonate'], proxy: Proxy): Promise<Credentials> => {
  const options: HttpsOptions = {}
  await kubeConfig.applyToHTTPSOptions(options)
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.headers ?? {})) if (typeof value === 'string') headers[name.toLowerCase()] = value
  if (options.auth) headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`
  if (impersonate?.user) headers['impersonate-user'] = impersonate.user
  if (impersonate?.uid) headers['impersonate-uid'] = impersonate.uid
  // More than one group would be one header a group, which a record cannot hold: they are joined where they are sent.
  if (impersonate?.groups?.length) headers['impersonate-group'] = impersonate.groups.join('\n')
  const tls = {
    ...(options.ca !== undefined && {ca: options.ca as Buffer}),
    ...(options.cert !== undefined && {cert: options.cert as Buffer}),
    ...(options.key !== undefined && {key: options.key as Buffer}),
    ...(options.servername !== undefined && {servername: options.servername}),
    ...(options.rejectUnauthorized !== undefined && {rejectUnauthorized: options.rejectUnauthorized}),
  }
  if (proxy.url) return {headers, tls, ...(options.agent && {agent: options.agent as HttpAgent})}
  return {headers, tls, ...(proxy.fromEnv && {agent: new HttpsAgent({...tls, proxyEnv: process.env})})}
}

const dispatcher = ({url, fromEnv}: Proxy, tls: TlsOptions, connections: number | null): Dispatcher => {
  const common = {connections, allowH2: false, keepAliveTimeout: 60_000, headersTimeout: 0, bodyTimeout: 0} as const
  const connect = {...tls, keepAlive: true, keepAliveInitialDelay: 30_000, timeout: 10_000}
  if (url?.startsWith('socks')) return new Socks5ProxyAgent(url, {...common, requestTls: connect})
  if (url) return new ProxyAgent({...common, uri: url, requestTls: connect})
  if (fromEnv) return new EnvHttpProxyAgent({...common, connect, requestTls: connect})
  return new Agent({...common, connect})
}

/** As Go has it for kubectl: a server on this machine is never asked through a proxy. */
const isProxiedByEnv = (server: string): boolean => {
  const {protocol, hostname} = URL.parse(server) ?? {protocol: '', hostname: ''}
  if (hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')) return false
  const name = protocol === 'http:' ? 'http_proxy' : 'https_proxy'
  return Boolean(process.env[name] || process.env[name.toUpperCase()])
}
