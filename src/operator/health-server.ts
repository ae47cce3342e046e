import {createServer, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import type {Health} from './engine/health.ts'
import type {Metrics} from './metrics.ts'

export {createHealth} from './engine/health.ts'
export {createMetrics} from './metrics.ts'

export interface HealthAddress {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

/** `host:port`, `:port` or a port alone; `undefined` for what is none of them. */
export function parseAddress(text: string): HealthAddress | undefined {
  const [, host = '', port] = /^(?:(.*):)?(\d{1,5})$/.exec(text) ?? []
  return port === undefined || Number(port) > 65_535 ? undefined : {host: host.replace(/^\[|\]$/g, ''), port: Number(port)}
}

/**
 * Answers `/healthz` (alive: it makes progress), `/readyz` (its caches are filled), `/statusz` (the numbers behind both, as JSON) and
 * `/metrics` (for Prometheus) until `signal` aborts. Resolves with the port. Several operators may share one process: all of them must be well.
 */
export async function serveHealth(
  all: readonly Health[],
  metrics: Pick<Metrics, 'text' | 'contentType'>,
  {host, port}: HealthAddress,
  signal: AbortSignal,
): Promise<number> {
  const server = createServer(({url}, response) => {
    switch (url?.split('?')[0]) {
      case '/healthz':
      case '/livez':
        return verdict(
          response,
          all.flatMap((health) => health.stuck()),
        )
      case '/readyz':
        return verdict(response, all.some((health) => !health.isSynced()) ? ['the caches are not filled yet'] : [])
      case '/statusz':
        return document(response, {
          operators: all.map((health) => ({
            isLeading: health.isLeading(),
            isSynced: health.isSynced(),
            watches: health.watches(),
            queues: health.queues(),
          })),
        })
      case '/metrics':
        return void metrics.text().then(
          (text) => response.writeHead(200, {'content-type': metrics.contentType}).end(text),
          (error: unknown) => response.writeHead(500).end(`${String(error)}\n`),
        )
      default:
        response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host || undefined, resolve)
  })
  signal.addEventListener(
    'abort',
    () => {
      server.close()
      server.closeAllConnections()
    },
    {once: true},
  )
  return (server.address() as AddressInfo).port
}

const verdict = (response: ServerResponse, faults: readonly string[]): void => {
  response.writeHead(faults.length > 0 ? 503 : 200, {'content-type': 'text/plain; charset=utf-8'})
  response.end(faults.length > 0 ? `${faults.join('\n')}\n` : 'ok\n')
}

const document = (response: ServerResponse, body: object): void => {
  response.writeHead(200, {'content-type': 'application/json'})
  response.end(`${JSON.stringify(body)}\n`)
}
