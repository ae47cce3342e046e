/**
 * SPDY/3.1 as far as kubectl's port-forward uses it: streams with headers, data, ends and pings; no flow control, which
 * its library (moby/spdystream) has not either. Frames arrive as bytes from a WebSocket tunnel or a bare connection.
 */
import {constants, createInflate} from 'node:zlib'
import {DICTIONARY} from './spdy-dictionary.ts'

export interface SpdyStream {
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  onData(listener: (bytes: Buffer) => void): void
  /** The other side sends no more on this stream, or broke it off. */
  onEnd(listener: () => void): void
  /** `sent` is called when the bytes have left. */
  write(bytes: Buffer, sent?: () => void): void
  end(): void
}

export interface Transport {
  write(bytes: Buffer, sent?: () => void): void
  close(): void
}

export interface SpdySession {
  receive(bytes: Buffer): void
  /** Ends every stream; nothing is written any more. */
  close(): void
}

const TYPE = {synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7} as const
const CONTROL = 0x8003
const FIN = 1
/** Larger frames than these are no port-forward's. */
const MOST_FRAME_BYTES = 4 * 1024 * 1024

/**
 * A header block without headers, as a stored block of the one compressed stream that all our headers make: it needs no state.
 * The empty stored block after it is a flush; without one Go's decoder waits for more.
 */
const NO_HEADERS = Buffer.from([0, 4, 0, 0xfb, 0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff])
/** The stream begins with zlib's own head and the checksum of the dictionary. */
const FIRST_NO_HEADERS = Buffer.concat([Buffer.from('78bbe3c6a7c2', 'hex'), NO_HEADERS])

interface Open {
  readonly data: ((bytes: Buffer) => void)[]
  readonly end: (() => void)[]
}

/** `onStream` is called for each stream that the client opens, after the client has been told that it is open. */
export function startSpdySession(transport: Transport, onStream: (stream: SpdyStream) => void): SpdySession {
  const streams = new Map<number, Open>()
  const inflate = createInflate({dictionary: DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH})
  let buffered: Buffer = Buffer.alloc(0)
  let isReading = false
  let hasReplied = false
  let isClosed = false

  const fail = (): void => {
    session.close()
    transport.close()
  }
  inflate.on('error', fail)

  const send = (bytes: Buffer, sent?: () => void): void => {
    if (!isClosed) transport.write(bytes, sent)
  }
  const control = (type: number, flags: number, body: Buffer): Buffer => {
    const head = Buffer.alloc(8)
    head.writeUInt16BE(CONTROL, 0)
    head.writeUInt16BE(type, 2)
    head.writeUInt32BE(flags * 2 ** 24 + body.length, 4)
    return Buffer.concat([head, body])
  }
  const sendData = (id: number, flags: number, bytes: Buffer, sent?: () => void): void => {
    const head = Buffer.alloc(8)
    head.writeUInt32BE(id, 0)
    head.writeUInt32BE(flags * 2 ** 24 + bytes.length, 4)
    send(Buffer.concat([head, bytes]), sent)
  }
  const unpacked = (block: Buffer): Promise<Buffer> =>
    new Promise((resolve) => inflate.write(block, () => resolve((inflate.read() as Buffer | null) ?? Buffer.alloc(0))))
  const end = (id: number): void => {
    const stream = streams.get(id)
    streams.delete(id)
    for (const listener of stream?.end ?? []) listener()
  }

  const open = async (flags: number, body: Buffer): Promise<void> => {
    const id = body.readUInt32BE(0) % 2 ** 31
    const headers = readHeaders(await unpacked(body.subarray(10)))
    const stream: Open = {data: [], end: []}
    streams.set(id, stream)
    const reply = Buffer.alloc(4)
    reply.writeUInt32BE(id, 0)
    send(control(TYPE.synReply, 0, Buffer.concat([reply, hasReplied ? NO_HEADERS : FIRST_NO_HEADERS])))
    hasReplied = true
    let isEnded = false
    onStream({
      headers,
      onData: (listener) => stream.data.push(listener),
      onEnd: (listener) => stream.end.push(listener),
      write: (bytes, sent) => {
        if (!isEnded) sendData(id, 0, bytes, sent)
      },
      end: () => {
        if (!isEnded) sendData(id, FIN, Buffer.alloc(0))
        isEnded = true
      },
    })
    if (flags & FIN) end(id)
  }

  const handle = async (frame: Buffer): Promise<void> => {
    const flags = frame.readUInt8(4)
    const body = frame.subarray(8)
    if (frame.readUInt8(0) < 0x80) {
      const id = frame.readUInt32BE(0)
      if (body.length > 0) for (const listener of streams.get(id)?.data ?? []) listener(body)
      if (flags & FIN) end(id)
      return
    }
    const type = frame.readUInt16BE(2)
    if (type === TYPE.synStream) await open(flags, body)
    else if (type === TYPE.rstStream) end(body.readUInt32BE(0) % 2 ** 31)
    else if (type === TYPE.ping) send(control(TYPE.ping, 0, body))
    else if (type === TYPE.goAway) fail()
  }

  /** One frame after the other: headers are packed as one stream, so their order counts. */
  const read = async (): Promise<void> => {
    if (isReading) return
    isReading = true
    while (buffered.length >= 8 && !isClosed) {
      const length = buffered.readUInt32BE(4) % 2 ** 24
      if (length > MOST_FRAME_BYTES) return fail()
      if (buffered.length < 8 + length) break
      const frame = buffered.subarray(0, 8 + length)
      buffered = buffered.subarray(8 + length)
      await handle(frame)
    }
    isReading = false
  }

  const session: SpdySession = {
    receive: (bytes) => {
      buffered = buffered.length === 0 ? bytes : Buffer.concat([buffered, bytes])
      read().catch(fail)
    },
    close: () => {
      if (isClosed) return
      isClosed = true
      for (const id of [...streams.keys()]) end(id)
      inflate.close()
    },
  }
  return session
}

/** A count, then names and values, each with its length before it. */
const readHeaders = (block: Buffer): ReadonlyMap<string, string> => {
  let at = 4
  const text = (): string => {
    const length = block.readUInt32BE(at)
    at += 4 + length
    return block.toString('utf8', at - length, at)
  }
  const count = block.readUInt32BE(0)
  return new Map(Array.from({length: count}, () => [text().toLowerCase(), text()] as const))
}
