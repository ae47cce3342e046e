/** The sandbox's API server: one process, one store in memory, HTTPS on loopback. */
import {createSecureServer, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Session} from 'node:http2'
import type {AddressInfo, Socket} from 'node:net'
import {makeAccountTokens} from './account-tokens.ts'
import {startCascade} from './cascade.ts'
import {internal, Refusal, unauthorized} from './errors.ts'
import {type Exchange, parseTarget, refuse} from './exchange.ts'
import {startGarbageCollector} from './gc.ts'
import {BUILT_IN} from './kinds/built-in.ts'
import type {ClientTls} from './kubelet.ts'
import {makeLister} from './list.ts'
import {makeRegistry} from './resources.ts'
import type {User} from './reviews.ts'
import {HEALTH, type Routing, route} from './router.ts'
import {seed} from './seed.ts'
import {type Kept, makeStore} from './store.ts'
import {connectUpgrade} from './upgrade.ts'
import {makeWatches} from './watch.ts'
import {startWorkloads} from './workloads/workloads.ts'

export interface Token {
  readonly token: string
  readonly user: string
  readonly groups: readonly string[]
}

export interface ApiServerOptions {
  /** Where the server may keep files. Objects live in memory: a new start is empty but for what is kept. */
  readonly directory: string
  /** What an earlier server held. */
  readonly kept?: Kept
  /** 0 or absent: a free one; also where the one that is asked for is taken. */
  readonly port?: number
  readonly address: string
  /** `ca` is what clients in pods check the certificate by. */
  readonly tls: {readonly cert: string; readonly key: string; readonly ca: string}
  readonly tokens: readonly Token[]
  readonly serviceCidr: string
  /** Shown to kubelets. */
  readonly kubeletClient: ClientTls
  readonly log: (line: string) => void
  /** Writes what the server holds; asked for by `POST /sandbox/keep`, which no other API server has. */
  readonly keep?: () => Promise<void>
}

export interface ApiServer {
  readonly url: string
  readonly port: number
  /** Resolves when `/readyz` says ok; it does so already when `startApiServer` resolves. */
  readonly ready: Promise<void>
  /** For a later server to begin with; those who come with a revision of this one's life are told 410 there. */
  holds(): Kept
  /** Ends every watch and connection. */
  stop(): Promise<void>
}

/** Idle connections stay as long as the real server's: those of Node.js end after 5 s, just when a busy client sends on them again. */
const HTTP1 = {allowHTTP1: true, keepAliveTimeout: 90_000}

/** Resolves when the server answers. Rejects when it cannot listen. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const {address, tls, log, serviceCidr, kubeletClient, kept} = options
  const users = new Map<string, User>(
    options.tokens.map(({token, user, groups}) => [token, {name: user, groups: [...groups, 'system:authenticated']}]),
  )
  const store = makeStore(Math.max(Date.now(), (kept?.revision ?? 0) + 1))
  const registry = makeRegistry(BUILT_IN)
  const ground = {store, serviceCidr}
  const watches = makeWatches(store)
  const onError = (error: unknown): void => log(`the API server failed at its own work: ${error instanceof Error ? error.stack : error}`)
  const cascade = startCascade(ground, registry, watches, onError)
  const collector = startGarbageCollector(ground, registry, onError)
  const workloads = startWorkloads(ground, onError)
  for (const [storage, object] of kept?.objects ?? []) store.restore(storage, object)
  const seeded = seed(ground, tls.ca)
  const accountTokens = makeAccountTokens()

  const server = createSecureServer({...HTTP1, cert: tls.cert, key: tls.key, settings: {maxConcurrentStreams: 1000}})
  const sockets = new Set<Socket>()
  const sessions = new Set<ServerHttp2Session>()
  const port = await listen(server, address, options.port ?? 0, log)
  const served = {ground, registry, watches, list: makeLister(store), kubeletClient, accountTokens, address: `${address}:${port}`}
  const routing: Routing = {...served, ...(options.keep && {keep: options.keep})}

  const userOf = (authorization: string | undefined): User | undefined => {
    const [scheme = '', token = ''] = authorization?.split(' ') ?? []
    return scheme.toLowerCase() === 'bearer' ? (users.get(token) ?? accountTokens.userOf(token)) : undefined
  }
  server.on('request', (request: Http2ServerRequest, response: Http2ServerResponse) => {
    response.on('error', () => undefined)
    void serve(routing, request, response, userOf, onError)
  })
  server.on('upgrade', (request, socket, head) => {
    connectUpgrade(routing, request, socket as Socket, head, userOf(request.headers.authorization), onError)
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.on('error', () => undefined)
    session.once('close', () => sessions.delete(session))
  })
  server.on('sessionError', () => undefined)
  // A client that does not trust us, or speaks plain HTTP, is its own problem.
  server.on('tlsClientError', () => undefined)

  return {
    url: `https://${address}:${port}`,
    port,
    ready: Promise.resolve(),
    holds: store.holds,
    stop: async () => {
      cascade.stop()
      collector.stop()
      workloads.stop()
      seeded.stop()
      watches.close()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const session of sessions) session.close()
      // Watches have been told to end; what is still open after a moment is cut off.
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, 100)
      await closed
      clearTimeout(cut)
    },
  }
}

type Server = ReturnType<typeof createSecureServer>

/** The port that is asked for where it is free, else any. */
const listen = async (server: Server, address: string, port: number, log: (line: string) => void): Promise<number> => {
  const attempt = (wanted: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(wanted, address, () => {
        server.off('error', reject)
        resolve()
      })
    })
  try {
    await attempt(port)
  } catch (error) {
    if (port === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    log(`port ${port} is taken: the API server chooses another one`)
    await attempt(0)
  }
  return (server.address() as AddressInfo).port
}

const serve = async (
  routing: Routing,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  userOf: (authorization: string | undefined) => User | undefined,
  onError: (error: unknown) => void,
): Promise<void> => {
  const base = {method: request.method, request, response, segments: [], query: new URLSearchParams(), user: ANONYMOUS}
  let exchange: Exchange = base
  try {
    const target = parseTarget(request.url)
    const user = userOf(request.headers.authorization)
    exchange = {...base, ...target, user: user ?? ANONYMOUS}
    if (!user && !HEALTH.includes(target.segments[0] ?? '')) throw unauthorized()
    await route(routing, exchange)
  } catch (error) {
    if (error instanceof Refusal) refuse(exchange, error)
    else if (!response.writableEnded) {
      // A client that went away in the middle is no failure of ours.
      if (!request.destroyed) onError(error)
      refuse(exchange, internal(error instanceof Error ? error.message : String(error)))
    }
  }
}

const ANONYMOUS: User = {name: 'system:anonymous', groups: ['system:unauthenticated']}
