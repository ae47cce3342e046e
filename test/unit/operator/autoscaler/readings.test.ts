import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {neededWithin, type Readings, targetAt, withAnswer, withFailure} from '../../../../src/operator/autoscaler/readings.ts'
import {createSteps} from '../../../../src/operator/autoscaler/steps.ts'

const answer = (target: number) => ({target, unrunnable: 0, isWhole: true})
/** One answer a second. */
const readings = (...targets: readonly number[]): Readings => {
  const all = targets.reduce<Readings | undefined>(
    (before, target, second) => withAnswer(before, {scheduler: 'a', answer: answer(target), leaving: 0, windowMs: 60_000}, second * 1000),
    undefined,
  )
  if (!all) throw new Error('no targets')
  return all
}

describe('what a scheduler has asked for', () => {
  it('is kept as spans of one target', () => {
    expect(readings(1, 1, 3, 3, 3, 1).spans).toEqual([
      {from: 0, until: 1000, target: 1, needed: 1},
      {from: 2000, until: 4000, target: 3, needed: 3},
      {from: 5000, until: 5000, target: 1, needed: 1},
    ])
  })

  it('within a window is all that was asked for in it, and always the latest', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), {minLength: 1, maxLength: 40}), fc.nat(40), (targets, seconds) => {
        const now = (targets.length - 1) * 1000
        const wanted = new Set([...targets.filter((_, second) => second * 1000 > now - seconds * 1000), targets.at(-1)])
        expect(new Set(neededWithin(readings(...targets), seconds * 1000, now))).toEqual(wanted)
      }),
    )
  })

  it.each([
    [3, 1, 2],
    [3, 0, 3],
    // A worker that stays is needed for what comes, also where those that leave do all there is to do.
    [2, 3, 1],
    [0, 3, 0],
  ])('as %i of which %i leave means that %i that stay are needed', (target, leaving, needed) => {
    expect(withAnswer(undefined, {scheduler: 'a', answer: answer(target), leaving, windowMs: 0}, 0).spans).toMatchObject([{target, needed}])
  })

  it('at a time is what was asked for last before it', () => {
    expect([0, 1500, 2500, 9000].map((time) => targetAt(readings(1, 1, 3), time))).toEqual([1, 1, 3, 3])
  })

  it('begins anew with another scheduler', () => {
    const after = withAnswer(readings(4, 4), {scheduler: 'b', answer: answer(0), leaving: 0, windowMs: 60_000}, 9000)
    expect(after).toMatchObject({scheduler: 'b', since: 9000, spans: [{from: 9000, until: 9000, target: 0, needed: 0}]})
  })

  it('stands while the scheduler does not answer, and how often it has not is counted', () => {
    const lost = withFailure(withFailure(readings(4), 'a', 'x', 1000), 'a', 'y', 2000)
    expect(lost).toMatchObject({latest: {target: 4}, failure: {message: 'y', count: 2}})
    expect(withAnswer(lost, {scheduler: 'a', answer: answer(4), leaving: 0, windowMs: 60_000}, 3000).failure).toBeUndefined()
    expect(withFailure(undefined, 'a', 'x', 5)).toMatchObject({since: 5, latest: undefined, failure: {count: 1}})
  })
})

describe('how the number of a group has changed', () => {
  it('is known since the first look', () => {
    let now = 1000
    const steps = createSteps(() => now)
    expect(steps.of('a', 3)).toMatchObject({since: 1000, steps: []})
    now = 5000
    expect(steps.of('a', 5)).toMatchObject({since: 1000, steps: [{at: 5000, by: 2}]})
    now = 6000
    // A group that is away for a moment has not gone to zero.
    expect(steps.of('a', undefined).steps).toHaveLength(1)
    expect(steps.of('a', 4).steps).toEqual([
      {at: 5000, by: 2},
      {at: 6000, by: -1},
    ])
    now = 6000 + 1800_000
    expect(steps.of('a', 4).steps).toEqual([])
  })
})
