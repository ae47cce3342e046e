import fc from 'fast-check'
import {expect, it} from 'vitest'
import {canonicalQuantity} from '../../../../src/sandbox/apiserver/quantity.ts'

it.each([
  [1, '1'],
  ['1000m', '1'],
  [0.5, '500m'],
  ['0.1', '100m'],
  [2e9, '2G'],
  ['1024Mi', '1Gi'],
  ['1.5Gi', '1536Mi'],
  ['100Ki', '100Ki'],
  ['0.5Ki', '512'],
  ['0', '0'],
  ['1e3', '1e3'],
  ['12E6', '12e6'],
  ['-2k', '-2k'],
  ['1500', '1500'],
  ['.5G', '500M'],
])('%s is stored as %s', (given, stored) => {
  expect(canonicalQuantity(given)).toBe(stored)
})

it.each(['1 GiB', '', 'a', '1Gib', '--1', '1.2.3', '1mi', 'Gi'])('%s is no quantity', (given) => {
  expect(canonicalQuantity(given)).toBeUndefined()
})

it('changes a canonical quantity no more', () => {
  const suffix = fc.constantFrom('', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3')
  fc.assert(
    fc.property(fc.nat(1e9), fc.nat(999), suffix, (whole, fraction, unit) => {
      const once = canonicalQuantity(`${whole}.${fraction}${unit}`) ?? ''
      expect(canonicalQuantity(once)).toBe(once)
    }),
  )
})
