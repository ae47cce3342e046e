import type {Pod} from '../api/core.ts'
import type {KubeClient} from '../kube/client.ts'
import {isNotFound, KubeError} from '../kube/errors.ts'

const LAST_LINES = 3
/** Reached back when a dropped stream is taken up again: lines that come twice are left out. */
const OVERLAP_SECONDS = 5
const RETRY_MS = 500
/** A container that has ended but may come again (a crash loop) is asked for less and less often. */
const MAX_RETRY_MS = 8_000

/** The last lines of a container that crashed; none where they cannot be had. */
export async function lastLogLines(client: KubeClient, pod: Pod, signal: AbortSignal, tailLines = LAST_LINES): Promise<readonly string[]> {
  const {namespace, name} = pod.metadata
  const {streamLogs} = await import('../kube/logs.ts')
  const container = pod.spec.containers[0]?.name
  for (const previous of [true, false]) {
    const options = {
      namespace: namespace ?? 'default',
      name,
      tailLines,
      previous,
      signal,
      ...(container !== undefined && {container}),
    }
    const lines = await Array.fromAsync(streamLogs(client, options)).catch((error: unknown): string[] => {
      // The log is an extra to a failure that is told anyway; it may be gone with its container.
      if (error instanceof KubeError) return []
      throw error
    })
    if (lines.length > 0) return lines
  }
  return []
}

export interface FollowOptions {
  readonly namespace: string
  readonly name: string
  readonly container?: string
  /** Where the first look begins; from the start of the log where neither is given. */
  readonly tailLines?: number
  readonly sinceSeconds?: number
  /** Each line with its time before it. */
  readonly timestamps?: boolean
  readonly signal: AbortSignal
  /** Whether the container has ended: then what is left of its log is read, and that is the end. */
  readonly isOver: () => boolean
  /** Resolves when `isOver` may have changed, or after the time given. */
  readonly change: (atMostMs: number) => Promise<void>
}

/** Every line of a container's log exactly once, until the container has ended; a connection that drops is taken up where it was lost. */
export async function* followLogs(client: KubeClient, options: FollowOptions): AsyncGenerator<string> {
  const {namespace, name, container, signal, isOver, change} = options
  const {streamLogs} = await import('../kube/logs.ts')
  const {tailLines, sinceSeconds} = options
  const begin = {...(tailLines !== undefined && {tailLines}), ...(sinceSeconds !== undefined && {sinceSeconds})}
  const seen = new Seen()
  let lastLineAt: number | undefined
  let retryMs = RETRY_MS
  for (;;) {
    const wasOver = isOver()
    const from = lastLineAt === undefined ? begin : {sinceSeconds: Math.ceil((performance.now() - lastLineAt) / 1000) + OVERLAP_SECONDS}
    const request = {namespace, name, follow: !wasOver, timestamps: true, signal, ...from, ...(container !== undefined && {container})}
    try {
      seen.rewind()
      for await (const line of streamLogs(client, request)) {
        lastLineAt = performance.now()
        const text = seen.fresh(line)
        if (text === undefined) continue
        retryMs = RETRY_MS
        yield options.timestamps ? line : text
      }
    } catch (error) {
      signal.throwIfAborted()
      if (isNotFound(error) && wasOver) return
      if (error instanceof KubeError && (error.status === 401 || error.status === 403)) throw error
    }
    if (wasOver) return
    await change(retryMs)
    retryMs = Math.min(2 * retryMs, MAX_RETRY_MS)
  }
}

/** Knows which lines have been told, by their time and their number within it. */
export class Seen {
  #last = ''
  #atLast = 0
  #skip = 0

  /** The stream starts again at some earlier line. */
  rewind(): void {
    this.#skip = this.#atLast
  }

  /** The line without its time, or `undefined` if it has been told already. */
  fresh(line: string): string | undefined {
    const space = line.indexOf(' ')
    const stamp = comparable(space < 0 ? line : line.slice(0, space))
    const text = space < 0 ? '' : line.slice(space + 1)
    if (stamp === undefined) return line
    if (stamp < this.#last) return undefined
    if (stamp === this.#last && this.#skip > 0) {
      this.#skip -= 1
      return undefined
    }
    this.#atLast = stamp === this.#last ? this.#atLast + 1 : 1
    this.#last = stamp
    this.#skip = 0
    return text
  }
}

/** A time by RFC 3339 with nanoseconds, whose trailing zeros are left out on the wire, so that text order is the order of time. */
const comparable = (stamp: string): string | undefined => {
  const [, seconds, fraction = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|[+-]\d\d:\d\d)$/.exec(stamp) ?? []
  return seconds === undefined ? undefined : `${seconds}.${fraction.padEnd(9, '0')}`
}
