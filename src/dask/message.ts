/** Dask's messages in msgpack (contract 4.2). */
import {decode, encode} from '@msgpack/msgpack'

/** As Python's msgpack with `use_bin_type`: strings as str, bytes as bin, integers as integers. */
export const packMessage = (message: unknown): Uint8Array => encode(message, {ignoreUndefined: true})

/**
 * Arrays stand for Python's lists and tuples alike. Map keys may be arrays (metrics, since 2023.4.0): they become JSON text.
 * `{"__Serialized__": k}` and `{"__Pickled__": k}` stay as markers: what they stand for travels in other frames and is not read here.
 */
export const unpackMessage = (frame: Uint8Array): unknown =>
  decode(frame, {mapKeyConverter: (key) => (typeof key === 'string' || typeof key === 'number' ? key : JSON.stringify(key))})

/** What a scheduler answers when a handler raised; `message` is Python's own text. */
export class SchedulerError extends Error {
  override readonly name = 'SchedulerError'
}

/** Throws the SchedulerError that a reply tells of; returns any other reply as it is. */
export function unwrapReply(op: string, reply: unknown): unknown {
  if (typeof reply !== 'object' || reply === null) return reply
  const {status, exception_text: text} = reply as {readonly status?: unknown; readonly exception_text?: unknown}
  if (status !== 'uncaught-error' && status !== 'error') return reply
  throw new SchedulerError(`the scheduler refused ${op}: ${typeof text === 'string' ? text : 'it gave no reason'}`)
}
