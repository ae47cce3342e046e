/** Dask's messages in msgpack (contract 4.2). */
import {decode, encode} from '@msgpack/msgpack'

/** As Python's msgpack with `use_bin_type`: strings as str, bytes as bin, integers as integers. */
export const packMessage = (message: unknown): Uint8Array => encode(message, {ignoreUndefined: true})

/**
 * Arrays stand for Python's lists and tuples alike. Map keys may be arrays (metrics, since 2023.4.0): they become JSON text.
 * `{"__Serialized__": k}` and `{"__Pickled__": k}` stand for what travels in other frames: of the first, at the top of a message, what is
 * msgpack is put in its place; all else stays a marker and is not read.
 */
export const unpackMessage = (frame: Uint8Array, ...others: readonly Uint8Array[]): unknown => {
  const message = unpack(frame)
  if (others.length === 0 || typeof message !== 'object' || message === null || Array.isArray(message)) return message
  return Object.fromEntries(Object.entries(message).map(([name, value]) => [name, inPlace(value, [frame, ...others])]))
}

const unpack = (frame: Uint8Array): unknown =>
  decode(frame, {mapKeyConverter: (key) => (typeof key === 'string' || typeof key === 'number' ? key : JSON.stringify(key))})

/** The value that a marker stands for, where it is one frame of plain msgpack behind a header that says so. */
const inPlace = (value: unknown, frames: readonly Uint8Array[]): unknown => {
  const index = (value as {readonly __Serialized__?: unknown} | null)?.__Serialized__
  const [header, payload] = typeof index === 'number' ? frames.slice(index, index + 2) : []
  if (!header || !payload) return value
  try {
    return isPlainMsgpack(unpack(header)) ? unpack(payload) : value
  } catch {
    // Bytes that are no msgpack: the marker stays, and whoever needed the value says that it is missing.
    return value
  }
}

const isPlainMsgpack = (header: unknown): boolean => {
  const {serializer, compression, 'num-sub-frames': count} = (header ?? {}) as Readonly<Record<string, unknown>>
  return serializer === 'msgpack' && count === 1 && (!Array.isArray(compression) || compression.every((each) => each === null))
}

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
