import {expect, it} from 'vitest'
import {tlsDial} from '../../../src/dask/tls.ts'

it('a certificate that is none is told of before anything is dialled, which nobody would close', async () => {
  const dialled: number[] = []
  const dial = async (port: number): Promise<never> => {
    dialled.push(port)
    throw new Error('it was dialled')
  }
  const secured = tlsDial(dial, async () => ({ca: 'no', cert: 'no', key: 'no'}))
  await expect(secured(8786)).rejects.toThrow(/^the certificate cannot be used: /)
  expect(dialled).toEqual([])
})
