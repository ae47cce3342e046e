import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {formatAge, formatDuration, parseDuration} from '../../../src/cli/duration.ts'
import {UserError} from '../../../src/cli/user-error.ts'

const S = 1000
const M = 60 * S
const H = 60 * M
const D = 24 * H

describe('an age', () => {
  // Each line as k8s.io/apimachinery/pkg/util/duration.HumanDuration writes it.
  it.each([
    [-2 * S, '<invalid>'],
    [-0.5 * S, '0s'],
    [0, '0s'],
    [119 * S, '119s'],
    [120 * S, '2m'],
    [125 * S, '2m5s'],
    [10 * M + 5 * S, '10m'],
    [179 * M, '179m'],
    [180 * M, '3h'],
    [3 * H + 5 * M, '3h5m'],
    [8 * H + 5 * M, '8h'],
    [47 * H, '47h'],
    [48 * H, '2d'],
    [2 * D + 3 * H, '2d3h'],
    [8 * D + 3 * H, '8d'],
    [729 * D, '729d'],
    [730 * D, '2y'],
    [800 * D, '2y70d'],
    [3000 * D, '8y'],
  ])('of %d ms reads %s, as in kubectl', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it('is unknown where the object has no time of creation', () => {
    expect(formatAge(undefined, 0)).toBe('<unknown>')
  })
})

describe('a duration on the command line', () => {
  it.each([
    ['90', 90 * S],
    ['90s', 90 * S],
    ['5m', 5 * M],
    ['1h30m', 90 * M],
    ['500ms', 500],
    ['1.5h', 90 * M],
    ['2d', 2 * D],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it('reads back what its parts say', () => {
    fc.assert(
      fc.property(fc.nat(99), fc.nat(59), fc.nat(59), (h, m, s) => {
        expect(parseDuration(`${h}h${m}m${s}s`)).toBe(h * H + m * M + s * S)
      }),
    )
  })

  it('is refused with exit code 2 when it is none', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/^\d+$|^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)),
        (text) => {
          expect(() => parseDuration(text)).toThrow(UserError)
        },
      ),
    )
  })
})
