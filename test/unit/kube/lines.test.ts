import fc from 'fast-check'
import {expect, it} from 'vitest'
import {lines} from '../../../src/kube/lines.ts'

const cut = async function* (bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0
  for (const size of sizes) {
    yield bytes.subarray(start, start + size)
    start += size
  }
  if (start < bytes.length) yield bytes.subarray(start)
}

it('gives the same lines however the chunks are cut', async () => {
  const line = fc.string({unit: 'grapheme'}).map((text) => text.replaceAll('\n', ''))
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat(7)), async (texts, sizes) => {
      const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''))
      expect(await Array.fromAsync(lines(cut(bytes, sizes)))).toEqual(texts)
    }),
  )
})

it('gives a last line without a newline', async () => {
  expect(await Array.fromAsync(lines(cut(Buffer.from('one\ntwo'), [2])))).toEqual(['one', 'two'])
})

it('keeps no memory that its sender uses again', async () => {
  const shared = Buffer.alloc(3)
  const reuse = async function* (): AsyncGenerator<Uint8Array> {
    for (const part of ['abc', 'def', '\n\n\n']) {
      shared.write(part)
      yield shared
    }
  }
  expect((await Array.fromAsync(lines(reuse())))[0]).toBe('abcdef')
})
