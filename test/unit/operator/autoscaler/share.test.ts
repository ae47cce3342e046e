import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {shareOut, type Taker} from '../../../../src/operator/autoscaler/share.ts'

const takers = fc
  .uniqueArray(
    fc.record({
      name: fc.string({minLength: 1, maxLength: 3}),
      minimum: fc.nat(20),
      room: fc.nat(30),
      processes: fc.integer({min: 1, max: 3}),
    }),
    {selector: ({name}) => name, minLength: 1, maxLength: 6},
  )
  .map((all): readonly Taker[] => all.map(({room, ...each}) => ({...each, maximum: each.minimum + room})))
const single = (all: readonly Taker[]): readonly Taker[] => all.map((each) => ({...each, processes: 1}))
const sum = (numbers: Iterable<number>): number => [...numbers].reduce((all, each) => all + each, 0)

describe('a target that is shared', () => {
  it('keeps every group within its bounds', () => {
    fc.assert(
      fc.property(takers, fc.integer({min: -50, max: 500}), (all, demand) => {
        const shares = shareOut(demand, all)
        for (const {name, minimum, maximum} of all) {
          expect(shares.get(name)).toBeGreaterThanOrEqual(minimum)
          expect(shares.get(name)).toBeLessThanOrEqual(maximum)
        }
      }),
    )
  })

  it('is met exactly where the bounds let it be', () => {
    fc.assert(
      fc.property(takers.map(single), fc.integer({min: -50, max: 500}), (all, demand) => {
        const least = sum(all.map(({minimum}) => minimum))
        const most = sum(all.map(({maximum}) => maximum))
        expect(sum(shareOut(demand, all).values())).toBe(Math.min(most, Math.max(least, demand)))
      }),
    )
  })

  it('takes from no group when it grows', () => {
    fc.assert(
      fc.property(takers, fc.nat(300), (all, demand) => {
        const [before, after] = [shareOut(demand, all), shareOut(demand + 1, all)]
        for (const {name} of all) expect(after.get(name)).toBeGreaterThanOrEqual(before.get(name) ?? 0)
      }),
    )
  })

  it('does not depend on the order of the groups, and ties go by name', () => {
    const one = {name: 'a', minimum: 0, maximum: 4, processes: 1}
    const other = {...one, name: 'b'}
    expect(Object.fromEntries(shareOut(3, [other, one]))).toEqual({a: 2, b: 1})
    expect(Object.fromEntries(shareOut(3, [one, other]))).toEqual({a: 2, b: 1})
  })
})
