import type {KubeClient, RequestOptions} from '../../kube/client.ts'
import {ConnectionError} from '../../kube/errors.ts'

/**
 * The same client, whose requests reject with a ConnectionError when their answer takes longer than `ms`: a connection that died without a word
 * must not hold up its key for ever. What goes through `raw` (watches) has its own watchdog.
 */
export function withTimeLimit(client: KubeClient, ms: number): KubeClient {
  const inTime = async <T, O extends RequestOptions>(options: O, send: (options: O) => Promise<T>): Promise<T> => {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(new ConnectionError(`${client.server} did not answer within ${ms / 1000} s`)), ms)
    const signal = options.signal ? AbortSignal.any([options.signal, late.signal]) : late.signal
    try {
      return await send({...options, signal})
    } finally {
      clearTimeout(timer)
    }
  }
  return {
    ...client,
    get: (kind, ref, options = {}) => inTime(options, (limited) => client.get(kind, ref, limited)),
    create: (kind, object, options = {}) => inTime(options, (limited) => client.create(kind, object, limited)),
    replace: (kind, object, options = {}) => inTime(options, (limited) => client.replace(kind, object, limited)),
    patch: (kind, ref, patch, options) => inTime(options, (limited) => client.patch(kind, ref, patch, limited)),
    apply: (kind, object, options) => inTime(options, (limited) => client.apply(kind, object, limited)),
    delete: (kind, ref, options = {}) => inTime(options, (limited) => client.delete(kind, ref, limited)),
  }
}
