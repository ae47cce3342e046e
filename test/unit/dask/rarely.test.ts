import {expect, it} from 'vitest'
import {rarely} from '../../../src/dask/rarely.ts'

it('an answer is everybody’s until it is old', async () => {
  let asked = 0
  const ask = async (): Promise<number> => ++asked
  const once = rarely(ask, Number.POSITIVE_INFINITY)
  expect(await Promise.all([once('a'), once('b')])).toEqual([1, 1])
  const always = rarely(ask, 0)
  expect([await always('a'), await always('a')]).toEqual([2, 3])
})

it('a failure is nobody’s answer but its own', async () => {
  let asked = 0
  const ask = rarely(() => (++asked === 1 ? Promise.reject(new Error('no')) : Promise.resolve(asked)), Number.POSITIVE_INFINITY)
  await expect(ask('a')).rejects.toThrow('no')
  expect(await ask('a')).toBe(2)
})
