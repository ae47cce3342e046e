import {Duplex, PassThrough} from 'node:stream'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {decodeFrames, encodeFrames, openComm} from '../../../src/dask/comm.ts'
import {packMessage, unpackMessage, unwrapReply} from '../../../src/dask/message.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('frames', () => {
  it('come out as they went in, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({maxLength: 200}), {minLength: 1, maxLength: 5}), fc.nat(), (frames, cut) => {
        const bytes = encodeFrames(frames)
        const part = cut % bytes.length
        expect(decodeFrames(bytes.subarray(0, part))).toBeUndefined()
        const decoded = decodeFrames(Buffer.concat([bytes, Buffer.from('more')]))
        expect(decoded?.frames.map((frame) => new Uint8Array(frame))).toEqual(frames.map((frame) => new Uint8Array(frame)))
        expect(decoded?.rest.toString()).toBe('more')
      }),
    )
  })

  it('never hang or run away on what is not Dask', () => {
    fc.assert(
      fc.property(fc.uint8Array({minLength: 16, maxLength: 300}), (bytes) => {
        try {
          decodeFrames(Buffer.from(bytes))
        } catch (error) {
          expect(String(error)).toContain('does not speak the Dask protocol')
        }
      }),
    )
  })

  it('carry the bytes that a real scheduler was sent (contract 4.4)', () => {
    const [request] = [encodeFrames([packMessage({op: 'identity', reply: true})])]
    expect(request?.subarray(24).toString('hex')).toBe('82a26f70a86964656e74697479a57265706c79c3')
    expect(request?.length).toBe(44)
  })

  it('read the answer of a real scheduler: an integer (contract 4.4)', () => {
    const decoded = decodeFrames(hex('1100000000000000 0100000000000000 0100000000000000 00'))
    expect(unpackMessage(decoded?.frames[0] ?? Buffer.alloc(0))).toBe(0)
  })
})

describe('messages', () => {
  it('may have lists as keys of maps (since distributed 2023.4.0)', () => {
    expect(unpackMessage(hex('81 92 a1 61 a1 62 01'))).toEqual({'["a","b"]': 1})
  })

  it('hold what travels in other frames as msgpack (contract 4.6)', () => {
    const header = {serializer: 'msgpack', 'split-num-sub-frames': [1], 'split-offsets': [0], compression: [null], 'num-sub-frames': 1}
    const frames = (about: object) => [{status: 'OK', result: {__Serialized__: 1}}, about, '[false, 8]'].map(packMessage)
    const read = ([first = new Uint8Array(), ...others]: readonly Uint8Array[]) => unpackMessage(first, ...others)
    expect(read(frames(header))).toEqual({status: 'OK', result: '[false, 8]'})
    for (const other of [{...header, serializer: 'pickle'}, {...header, compression: ['lz4']}, {}])
      expect(read(frames(other))).toEqual({status: 'OK', result: {__Serialized__: 1}})
  })

  it('keep their markers whatever the other frames hold', () => {
    fc.assert(
      fc.property(fc.integer({min: -1, max: 5}), fc.array(fc.uint8Array({maxLength: 20}), {maxLength: 3}), (index, others) => {
        expect(unpackMessage(packMessage({status: 'OK', result: {__Serialized__: index}}), ...others)).toMatchObject({status: 'OK'})
      }),
    )
  })

  it('tell what a handler raised in Python’s own words', () => {
    const reply = {status: 'uncaught-error', exception_text: "TypeError('bogus')"}
    expect(() => unwrapReply('workers_to_close', reply)).toThrow("the scheduler refused workers_to_close: TypeError('bogus')")
  })
})

/** One end of a connection: what is pushed comes in, what is written is kept. */
const wire = (): Duplex & {readonly written: Buffer[]} => {
  const written: Buffer[] = []
  const write = (chunk: Buffer, _: BufferEncoding, done: () => void): void => {
    written.push(chunk)
    done()
  }
  return Object.assign(new Duplex({read: () => undefined, write}), {written})
}

/** What a scheduler says first (contract 4.3). */
const HELLO =
  '3d00000000000000 0100000000000000 2d00000000000000 83 ab636f6d7072657373696f6e a36c7a34 a6707974686f6e 93030b02 ' +
  'af7069636b6c652d70726f746f636f6c 05'

describe('a comm', () => {
  it('says hello in the bytes that a real scheduler has taken (contract 4.3)', async () => {
    const stream = wire()
    const opened = openComm(stream, {timeoutMs: 1_000})
    stream.push(hex(HELLO))
    const comm = await opened
    expect(Buffer.concat(stream.written)).toEqual(
      hex(
        '3a00000000000000 0100000000000000 2a00000000000000 83 ab636f6d7072657373696f6e c0 a6707974686f6e 93030b00 ' +
          'af7069636b6c652d70726f746f636f6c 05',
      ),
    )
    comm.close()
  })

  it('reads the error of a handler from its five frames (contract 4.4)', async () => {
    const stream = wire()
    const opened = openComm(stream, {timeoutMs: 1_000})
    const error = {
      status: 'uncaught-error',
      exception: {__Serialized__: 1},
      traceback: {__Serialized__: 3},
      exception_text: "TypeError('bogus')",
      traceback_text: '',
    }
    const pickle = {serializer: 'pickle', 'num-sub-frames': 1, compression: [null]}
    const frames = [packMessage(error), packMessage(pickle), hex('80 04 4e 2e'), packMessage(pickle), hex('80 04 4e 2e')]
    stream.push(Buffer.concat([hex(HELLO), encodeFrames(frames)]))
    const comm = await opened
    const reply = await comm.receive()
    expect(() => unwrapReply('workers_to_close', reply)).toThrow("the scheduler refused workers_to_close: TypeError('bogus')")
    comm.close()
  })

  it('hands on the same messages however their bytes are cut, with frames that nobody asked for', async () => {
    const message = fc.record({value: fc.integer(), text: fc.string(), frames: fc.array(fc.uint8Array({maxLength: 50}), {maxLength: 3})})
    await fc.assert(
      fc.asyncProperty(fc.array(message, {minLength: 1, maxLength: 6}), fc.array(fc.integer({min: 1, max: 40})), async (sent, cuts) => {
        const stream = wire()
        const opened = openComm(stream, {timeoutMs: 5_000})
        const bytes = Buffer.concat([
          hex(HELLO),
          ...sent.map(({value, text, frames}) => encodeFrames([packMessage({value, text}), ...frames])),
        ])
        let at = 0
        for (const cut of cuts) {
          if (at < bytes.length) stream.push(bytes.subarray(at, at + cut))
          at += cut
        }
        if (at < bytes.length) stream.push(bytes.subarray(at))
        const comm = await opened
        for (const {value, text} of sent) expect(await comm.receive()).toEqual({value, text})
        comm.close()
      }),
    )
  })

  it('puts a large message together once, not with each chunk', async () => {
    const stream = wire()
    const opened = openComm(stream, {timeoutMs: 20_000})
    const bytes = Buffer.concat([hex(HELLO), encodeFrames([packMessage({data: Buffer.alloc(48 * 2 ** 20)})])])
    // Put together with each of its chunks, 48 MB in 1 kB would be copied more than a million MB.
    for (let at = 0; at < bytes.length; at += 1024) stream.push(bytes.subarray(at, at + 1024))
    const comm = await opened
    expect(((await comm.receive()) as {readonly data: Uint8Array}).data).toHaveLength(48 * 2 ** 20)
    comm.close()
  })

  it('rejects what is waited for when the other side closes', async () => {
    const stream = wire()
    const opened = openComm(stream, {timeoutMs: 1_000})
    stream.push(hex(HELLO))
    const comm = await opened
    const answer = comm.receive()
    stream.push(null)
    await expect(answer).rejects.toThrow('closed the connection')
  })

  it('rejects after silence and leaves nothing open', async () => {
    const stream = new PassThrough()
    stream.resume()
    const silent = Object.assign(new PassThrough(), {write: () => true})
    await expect(openComm(silent, {timeoutMs: 50})).rejects.toThrow('does not say hello')
    expect(silent.destroyed).toBe(true)
  })
})
