/** The API server's own words: requests as they go over the wire, and what is compared of its answers on both grounds. */
import {expect} from 'vitest'
import type {KubeClient} from '../../src/kube/client.ts'
import {until} from './ground.ts'

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into, not typed
export type Body = any

export interface Answer {
  readonly code: number
  readonly body: Body
  readonly warnings: readonly string[]
  readonly contentType: string
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Ask = (method: Method, path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<Answer>

export const MERGE = {'content-type': 'application/merge-patch+json'}
export const JSON_PATCH = {'content-type': 'application/json-patch+json'}
export const STRATEGIC = {'content-type': 'application/strategic-merge-patch+json'}
export const APPLY = {'content-type': 'application/apply-patch+yaml'}

export const asking =
  (client: KubeClient): Ask =>
  async (method, path, body, headers = {}) => {
    const text = body === undefined ? {} : {body: JSON.stringify(body)}
    const about = body === undefined ? {} : {'content-type': 'application/json'}
    const answer = await client.raw({method, path, ...text, headers: {'user-agent': 'wire/1.0', ...about, ...headers}})
    const told = await answer.body.text()
    const contentType = String(answer.headers['content-type'] ?? '')
    const warnings = [answer.headers['warning'] ?? []].flat().map((each) => each.replace(/^299 - "(.*)"$/, '$1').replaceAll(/\\(.)/g, '$1'))
    return {code: answer.status, body: told.startsWith('{') ? parsed(told) : told, warnings, contentType}
  }

/** One object, or the events of a watch, one a line. */
const parsed = (text: string): Body => {
  const lines = text.trim().split('\n')
  return lines.length > 1 && lines.every((line) => line.startsWith('{"type"')) ? lines.map((line) => JSON.parse(line)) : JSON.parse(text)
}

/** Code, reason and message of a refusal: what the two grounds must have in common. */
export const refusal = ({code, body}: Answer): readonly unknown[] => [code, body.reason, body.message]

/** The events of a watch that ends by itself after a second. */
export const events = async (ask: Ask, path: string, headers?: Readonly<Record<string, string>>): Promise<readonly Body[]> => {
  const timeout = path.includes('timeoutSeconds') ? '' : '&timeoutSeconds=1'
  const {code, body} = await ask('GET', `${path}${path.includes('?') ? '&' : '?'}watch=1${timeout}`, undefined, headers)
  expect(code).toBe(200)
  return body === '' ? [] : Array.isArray(body) ? body : [body]
}

export const gone = (ask: Ask, ...paths: readonly string[]): Promise<void> =>
  until(async () => (await Promise.all(paths.map((path) => ask('GET', path)))).every(({code}) => code === 404), `${paths.join(', ')} go`)

export const pod = (name: string, extra: {readonly metadata?: object; readonly spec?: object} = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {name, ...extra.metadata},
  // Held back, so that no node takes it.
  spec: {schedulerName: 'nobody', containers: [{name: 'main', image: 'busybox'}], ...extra.spec},
})

export const map = (name: string, data: object = {}, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {name, ...metadata},
  data,
})
