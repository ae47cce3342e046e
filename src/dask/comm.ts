/** Dask's TCP comm: frames, handshake, one message at a time (contract 4.2, 4.3). */
import type {Duplex} from 'node:stream'
import {packMessage, unpackMessage} from './message.ts'

/** Far above anything that a control message holds: what asks for more is not Dask. */
const MOST_FRAMES = 100_000
const MOST_BYTES = 2 ** 30
const WORD = 8
const FAREWELL_MS = 2_000

/** `[L][n][length × n][frames]`, all integers u64 little-endian. */
export function encodeFrames(frames: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(WORD * (2 + frames.length))
  const bytes = frames.reduce((sum, frame) => sum + frame.length, 0)
  head.writeBigUInt64LE(BigInt(WORD * (1 + frames.length) + bytes), 0)
  head.writeBigUInt64LE(BigInt(frames.length), WORD)
  for (const [index, frame] of frames.entries()) head.writeBigUInt64LE(BigInt(frame.length), WORD * (2 + index))
  return Buffer.concat([head, ...frames])
}

/** How many bytes must be there before `decodeFrames` can say more of what a buffer begins with. */
function bytesWanted(buffer: Buffer): number {
  if (buffer.length < 2 * WORD) return 2 * WORD
  const count = Number(buffer.readBigUInt64LE(WORD))
  const start = WORD * (2 + count)
  if (buffer.length < start) return start
  let end = start
  for (let index = 0; index < count; index += 1) end += Number(buffer.readBigUInt64LE(WORD * (2 + index)))
  return end
}

export interface Decoded {
  readonly frames: readonly Buffer[]
  /** What belongs to the next message. */
  readonly rest: Buffer
}

/**
 * The first message of a buffer, or `undefined` while it is not all there. Its size comes from the frame lengths: since distributed
 * 2023.11.0 the first word covers only a part of a message. Throws when the bytes cannot be Dask's.
 */
export function decodeFrames(buffer: Buffer): Decoded | undefined {
  if (buffer.length < 2 * WORD) return undefined
  const count = Number(buffer.readBigUInt64LE(WORD))
  if (count < 1 || count > MOST_FRAMES) throw new Error('what answers does not speak the Dask protocol')
  const start = WORD * (2 + count)
  if (buffer.length < start) return undefined
  const lengths = Array.from({length: count}, (_, index) => Number(buffer.readBigUInt64LE(WORD * (2 + index))))
  const end = lengths.reduce((sum, length) => sum + length, start)
  if (end > MOST_BYTES) throw new Error('what answers does not speak the Dask protocol')
  if (buffer.length < end) return undefined
  let offset = start
  const frames = lengths.map((length) => {
    offset += length
    return buffer.subarray(offset - length, offset)
  })
  return {frames, rest: buffer.subarray(end)}
}

/** The connection ended, by whichever side: what was asked on it may or may not have been done. */
export class LostConnection extends Error {
  override readonly name = 'LostConnection'
}

/** The other side has not answered in time. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered'
}

export interface Comm {
  send(message: unknown): void
  /** The next message; rejects when the other side has closed. */
  receive(): Promise<unknown>
  close(): void
}

/** Sent at once: up to 2023.7.1 the client reads first, from 2023.8.0 it writes first, and both accept this (contract 4.3). */
const HANDSHAKE = {compression: null, python: [3, 11, 0], 'pickle-protocol': 5} as const

/** Resolves when both sides have said hello. Rejects after `timeoutMs` of silence, or when what answers is no Dask. */
export async function openComm(stream: Duplex, {timeoutMs}: {readonly timeoutMs: number}): Promise<Comm> {
  // A large message comes in thousands of chunks: they are put together when it is whole, not each time.
  let chunks: Buffer[] = []
  let held = 0
  let wanted = 2 * WORD
  let failure: Error | undefined
  const messages: unknown[] = []
  const readers: {readonly resolve: (message: unknown) => void; readonly reject: (error: Error) => void}[] = []

  const fail = (error: Error): void => {
    failure ??= error
    for (const reader of readers.splice(0)) reader.reject(failure)
    stream.destroy()
  }
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    held += chunk.length
    if (held < wanted) return
    let buffered = chunks.length > 1 ? Buffer.concat(chunks, held) : chunk
    try {
      for (let decoded = decodeFrames(buffered); decoded; decoded = decodeFrames(buffered)) {
        buffered = decoded.rest
        const [first = Buffer.alloc(0), ...others] = decoded.frames
        const message = unpackMessage(first, ...others)
        const reader = readers.shift()
        if (reader) reader.resolve(message)
        else messages.push(message)
      }
      chunks = buffered.length > 0 ? [buffered] : []
      held = buffered.length
      wanted = bytesWanted(buffered)
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)))
    }
  })
  stream.on('error', (error) => fail(new LostConnection(error.message, {cause: error})))
  stream.on('end', () => fail(new LostConnection('the other side has closed the connection')))
  stream.on('close', () => fail(new LostConnection('the connection was closed')))

  const comm: Comm = {
    send: (message) => {
      if (failure) throw failure
      stream.write(encodeFrames([packMessage(message)]))
    },
    receive: () => {
      if (messages.length > 0) return Promise.resolve(messages.shift())
      if (failure) return Promise.reject(failure)
      return new Promise((resolve, reject) => readers.push({resolve, reject}))
    },
    close: () => {
      failure ??= new LostConnection('the connection was closed by us')
      // What was written is still sent; a peer that does not close its side is not waited for.
      stream.end()
      setTimeout(() => stream.destroy(), FAREWELL_MS).unref()
    },
  }
  comm.send(HANDSHAKE)
  try {
    await within(timeoutMs, comm.receive(), 'it does not say hello')
  } catch (error) {
    stream.destroy()
    throw error
  }
  return comm
}

/** Rejects with Unanswered, `silence` its message, when the promise takes longer. */
export async function within<T>(timeoutMs: number, promise: Promise<T>, silence: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Unanswered(`${silence} (for ${timeoutMs / 1000} s)`)), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
