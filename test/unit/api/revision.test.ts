import fc from 'fast-check'
import {expect, it} from 'vitest'
import {isOfEarlierSpec, isRestartDue, revisionOf} from '../../../src/api/revision.ts'
import {makeCluster, makePod} from '../operator/objects.ts'

const podWith = (annotations: Readonly<Record<string, string>>) => makePod('p', makeCluster(), undefined, {annotations})

it('is the same for the same JSON in any order of its keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const turned = Object.fromEntries(Object.entries(value).toReversed())
      expect(revisionOf(turned)).toBe(revisionOf(value))
      expect(revisionOf(value)).toMatch(/^[0-9a-f]{16}$/)
    }),
  )
})

it('is another one when any value is another one', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      fc.pre(JSON.stringify(one) !== JSON.stringify(other))
      expect(revisionOf([one])).not.toBe(revisionOf([one, other]))
      expect(revisionOf({a: one, b: 1})).not.toBe(revisionOf({a: one, b: 2}))
    }),
  )
})

it('takes no two of a hundred thousand small specs for the same', () => {
  const seen = new Set(Array.from({length: 100_000}, (_, index) => revisionOf({containers: [{name: 'worker', image: `dask:${index}`}]})))
  expect(seen.size).toBe(100_000)
})

it('takes a pod that does not tell its revision as it is, unless a restart was asked for', () => {
  const target = {revision: 'new', restartedAt: undefined}
  expect(isOfEarlierSpec(podWith({}), target)).toBe(false)
  expect(isOfEarlierSpec(podWith({'kubernetes.dask.org/revision': 'old'}), target)).toBe(true)
  expect(isRestartDue(podWith({'kubernetes.dask.org/restarted-at': 'then'}), target)).toBe(false)
  expect(isRestartDue(podWith({}), {...target, restartedAt: 'now'})).toBe(true)
  expect(isRestartDue(podWith({'kubernetes.dask.org/restarted-at': 'now'}), {...target, restartedAt: 'now'})).toBe(false)
})
