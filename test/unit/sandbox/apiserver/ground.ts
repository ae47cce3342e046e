/** A server of its own for a test, and the shortest client for it. */
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {request} from 'node:https'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {startApiServer} from '../../../../src/sandbox/apiserver/server.ts'
import type {Kept} from '../../../../src/sandbox/apiserver/store.ts'
import {makeCertificates} from '../../../../src/sandbox/tls.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into, not typed
type Body = any

export interface Answer {
  readonly code: number
  readonly body: Body
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface Ground {
  readonly url: string
  readonly port: number
  readonly ca: string
  readonly kubeconfig: string
  readonly log: string[]
  ask(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
  /** Events until `isDone` says so; the watch is ended then. */
  watch(path: string, isDone: (events: readonly Body[]) => boolean, headers?: Readonly<Record<string, string>>): Promise<readonly Body[]>
  holds(): Kept
  stop(): Promise<void>
}

export const TOKEN = 'only-for-this-test'
export const MERGE = {'content-type': 'application/merge-patch+json'}

export async function startGround(kept?: Kept): Promise<Ground> {
  const directory = await mkdtemp(join(tmpdir(), 'apiserver-'))
  const certificates = await makeCertificates(join(directory, 'tls'))
  const log: string[] = []
  const server = await startApiServer({
    directory,
    address: '127.0.0.1',
    tls: {...certificates.server, ca: certificates.ca},
    tokens: [{token: TOKEN, user: 'tester', groups: ['system:masters']}],
    serviceCidr: '127.96.0.0/16',
    kubeletClient: certificates.kubeletClient,
    log: (line) => log.push(line),
    ...(kept && {kept}),
  })
  const {ca} = certificates
  const kubeconfig = join(directory, 'kubeconfig')
  const entry = {server: server.url, 'certificate-authority-data': Buffer.from(ca).toString('base64')}
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{name: 't', cluster: entry}],
    users: [{name: 't', user: {token: TOKEN}}],
    contexts: [{name: 't', context: {cluster: 't', user: 't'}}],
    'current-context': 't',
  }
  await writeFile(kubeconfig, JSON.stringify(config))

  const send = (method: string, path: string, headers: Readonly<Record<string, string>>) =>
    request(`${server.url}${path}`, {
      method,
      ca,
      agent: false,
      headers: {authorization: `Bearer ${TOKEN}`, 'user-agent': 'tester/1.0', ...headers},
    })

  return {
    url: server.url,
    port: server.port,
    ca,
    kubeconfig,
    log,
    ask: (method, path, body, headers = {}) =>
      new Promise((resolve, reject) => {
        const text = body === undefined ? undefined : JSON.stringify(body)
        const about = text !== undefined && {'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text))}
        const sent = send(method, path, {...about, ...headers})
        sent.once('error', reject)
        sent.once('response', async (response) => {
          const answer = Buffer.concat(await response.toArray()).toString()
          const isJson = response.headers['content-type']?.startsWith('application/json')
          resolve({code: response.statusCode ?? 0, body: isJson ? JSON.parse(answer) : answer, headers: response.headers})
        })
        sent.end(text)
      }),
    watch: (path, isDone, headers = {}) =>
      new Promise((resolve, reject) => {
        const sent = send('GET', path, headers)
        const events: Body[] = []
        let rest = ''
        sent.once('error', reject)
        sent.once('response', (response) => {
          response.setEncoding('utf8')
          const done = (): void => {
            resolve(events)
            sent.destroy()
          }
          response.on('data', (chunk: string) => {
            const lines = (rest + chunk).split('\n')
            rest = lines.pop() ?? ''
            events.push(...lines.map((line) => JSON.parse(line)))
            if (isDone(events)) done()
          })
          response.once('end', done)
        })
        sent.end()
      }),
    holds: server.holds,
    stop: async () => {
      await server.stop()
      await rm(directory, {recursive: true})
    },
  }
}

export const pod = (name: string, extra: {readonly metadata?: object; readonly spec?: object} = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {name, ...extra.metadata},
  spec: {containers: [{name: 'main', image: 'busybox'}], ...extra.spec},
})

export const GADGETS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {name: 'gadgets.example.org'},
  spec: {
    group: 'example.org',
    scope: 'Namespaced',
    names: {kind: 'Gadget', plural: 'gadgets', shortNames: ['gd']},
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {replicas: {type: 'integer', default: 1}, any: {type: 'object', 'x-kubernetes-preserve-unknown-fields': true}},
              },
              status: {type: 'object', properties: {replicas: {type: 'integer'}, selector: {type: 'string'}, phase: {type: 'string'}}},
            },
          },
        },
        subresources: {
          status: {},
          scale: {specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector'},
        },
        additionalPrinterColumns: [
          {name: 'Wanted', type: 'integer', jsonPath: '.spec.replicas'},
          {name: 'Phase', type: 'string', jsonPath: '.status.phase'},
        ],
      },
    ],
  },
}
