import {PODS} from '../api/core.ts'
import type {KubeClient} from './client.ts'
import {failureOf} from './failure.ts'
import {lines} from './lines.ts'
import {objectPath, query} from './paths.ts'

export interface LogOptions {
  readonly namespace: string
  readonly name: string
  /** Must be given where the pod has several. */
  readonly container?: string
  readonly follow?: boolean
  readonly tailLines?: number
  readonly sinceSeconds?: number
  readonly previous?: boolean
  /** Each line begins with its time (RFC 3339, nanoseconds) and a space. */
  readonly timestamps?: boolean
  readonly signal?: AbortSignal
}

/**
 * The lines of a container's log, without their newline; with `follow` until the container ends.
 * Rejects with a KubeError when the server refuses, with a ConnectionError when the stream breaks off.
 */
export async function* streamLogs(client: KubeClient, options: LogOptions): AsyncGenerator<string> {
  const {namespace, name, signal, container, follow, previous, timestamps, tailLines, sinceSeconds} = options
  const path =
    objectPath(PODS, {namespace, name}, 'log') +
    query({
      container,
      tailLines,
      sinceSeconds,
      follow: follow || undefined,
      previous: previous || undefined,
      timestamps: timestamps || undefined,
    })
  const response = await client.raw({path, headers: {accept: '*/*'}, ...(signal && {signal})})
  if (response.status >= 400) throw failureOf(response, await response.body.text())
  yield* lines(response.body)
}
