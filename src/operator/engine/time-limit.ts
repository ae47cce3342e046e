import type {KubeClient, RequestOptions} from '../../kube/client.ts'
import {ConnectionError} from '../../kube/errors.ts'

/** Does work whose signal aborts, with a ConnectionError of these words, when it takes longer than `ms`. */
export async function inTime<T>(
  words: string,
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new ConnectionError(`${words} within ${ms / 1000} s`)), ms)
  const unfollow = signal && follow(signal, late)
  try {
    return await work(late.signal)
  } finally {
    clearTimeout(timer)
    unfollow?.()
  }
}

const followed = new WeakMap<AbortSignal, Set<AbortController>>()

/** Has `late` abort with `signal`, until the function that it gives is called. `AbortSignal.any` would do, at three times the price, for each request. */
const follow = (signal: AbortSignal, late: AbortController): (() => void) => {
  if (signal.aborted) {
    late.abort(signal.reason)
    return () => undefined
  }
  const followers = followed.get(signal) ?? new Set()
  if (!followed.has(signal)) {
    followed.set(signal, followers)
    const abortAll = (): void => {
      for (const each of followers) each.abort(signal.reason)
    }
    signal.addEventListener('abort', abortAll, {once: true})
  }
  followers.add(late)
  return () => followers.delete(late)
}

/**
 * The same client, whose requests reject with a ConnectionError when their answer takes longer than `ms`: a connection that died without a word
 * must not hold up its key for ever. What goes through `raw` (watches) has its own watchdog.
 */
export function withTimeLimit(client: KubeClient, ms: number): KubeClient {
  const limited = <T, O extends RequestOptions>(options: O, send: (options: O) => Promise<T>): Promise<T> =>
    inTime(`${client.server} did not answer`, ms, options.signal, (signal) => send({...options, signal}))
  return {
    ...client,
    get: (kind, ref, options = {}) => limited(options, (each) => client.get(kind, ref, each)),
    create: (kind, object, options = {}) => limited(options, (each) => client.create(kind, object, each)),
    replace: (kind, object, options = {}) => limited(options, (each) => client.replace(kind, object, each)),
    patch: (kind, ref, patch, options) => limited(options, (each) => client.patch(kind, ref, patch, each)),
    apply: (kind, object, options) => limited(options, (each) => client.apply(kind, object, each)),
    delete: (kind, ref, options = {}) => limited(options, (each) => client.delete(kind, ref, each)),
  }
}
