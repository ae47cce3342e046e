/** A local HTTP server that plays a script: each request must be the next one expected, and gets its answer. */
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import {text} from 'node:stream/consumers'
import {KubeConfig} from '@kubernetes/client-node/dist/config.js'
import {expect} from 'vitest'
import type {KubeClient} from '../../../src/kube/client.ts'
import type {ClientConfig} from '../../../src/kube/config.ts'
import {connect} from '../../../src/kube/connect.ts'

export interface Asked {
  /** `METHOD /path?query`, without the random `timeoutSeconds` of a watch. */
  readonly line: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Step {
  readonly asked: string
  readonly answer: (response: ServerResponse, asked: Asked) => void | Promise<void>
}

export interface ScriptedServer {
  readonly url: string
  readonly client: KubeClient
  readonly asked: readonly Asked[]
  clientWith(config: Partial<ClientConfig>): KubeClient
  /** Resolves when the whole script has been played; rejects at the first request that it did not expect. */
  readonly played: Promise<void>
  /** Ends the server and everything connected to it. */
  [Symbol.asyncDispose](): Promise<void>
}

export async function play(...steps: readonly Step[]): Promise<ScriptedServer> {
  const asked: Asked[] = []
  const clients: KubeClient[] = []
  const played = Promise.withResolvers<void>()
  played.promise.catch(() => undefined)
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://server')
    url.searchParams.delete('timeoutSeconds')
    const now = {
      line: `${request.method} ${url.pathname}${decodeURIComponent(url.search)}`,
      headers: request.headers,
      body: await text(request),
    }
    const step = steps[asked.push(now) - 1]
    try {
      expect(now.line).toBe(step?.asked)
      await step?.answer(response, now)
      if (asked.length === steps.length) played.resolve()
    } catch (error) {
      response.destroy()
      played.reject(error)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const clientWith = (config: Partial<ClientConfig>): KubeClient => {
    const client = connect({...configOf(url), ...config})
    clients.push(client)
    return client
  }
  return {
    url,
    client: clientWith({}),
    asked,
    clientWith,
    played: played.promise,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.close()))
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export const configOf = (server: string, user: object = {}): ClientConfig => {
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromOptions({
    clusters: [{name: 'c', server, skipTLSVerify: true}],
    users: [{name: 'u', ...user}],
    contexts: [{name: 'x', cluster: 'c', user: 'u'}],
    currentContext: 'x',
  })
  return {kubeConfig, context: 'x', namespace: 'default'}
}

export const json = (status: number, body: unknown, headers: Readonly<Record<string, string | readonly string[]>> = {}): Step['answer'] => {
  return (response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    response.writeHead(status, {'content-type': 'application/json'})
    response.end(JSON.stringify(body))
  }
}

export const statusBody = (code: number, reason: string, message: string, details: object = {}): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code,
  reason,
  message,
  details,
})
