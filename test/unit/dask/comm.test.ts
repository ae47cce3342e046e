import {PassThrough} from 'node:stream'
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

describe('a comm', () => {
  it('rejects after silence and leaves nothing open', async () => {
    const stream = new PassThrough()
    stream.resume()
    const silent = Object.assign(new PassThrough(), {write: () => true})
    await expect(openComm(silent, {timeoutMs: 50})).rejects.toThrow('does not say hello')
    expect(silent.destroyed).toBe(true)
  })
})
