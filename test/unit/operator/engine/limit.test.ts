import {setImmediate as turn} from 'node:timers/promises'
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {createLimit} from '../../../../src/operator/engine/limit.ts'

it('never runs more at once than it may, and runs all', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({min: 1, max: 5}), fc.array(fc.constantFrom('a', 'b', 'c'), {maxLength: 40}), async (most, keys) => {
      const limit = createLimit(most)
      let [running, peak, done] = [0, 0, 0]
      await Promise.all(
        keys.map((key) =>
          limit(key, async () => {
            peak = Math.max(peak, ++running)
            await turn()
            running -= 1
            done += 1
          }),
        ),
      )
      expect(done).toBe(keys.length)
      expect(peak).toBeLessThanOrEqual(most)
    }),
    {numRuns: 50},
  )
})

it('lets the keys take turns: one that comes late does not wait for all that another has asked for', async () => {
  const limit = createLimit(2)
  const order: string[] = []
  const work = (key: string) =>
    limit(key, async () => {
      order.push(key)
      await turn()
    })
  const many = Array.from({length: 100}, () => work('large'))
  const few = Array.from({length: 3}, () => work('small'))
  await Promise.all([...many, ...few])
  expect(order.lastIndexOf('small')).toBeLessThan(10)
})

it('gives the place on when the work fails', async () => {
  const limit = createLimit(1)
  const failing = limit('a', () => Promise.reject(new Error('no')))
  const next = limit('b', () => Promise.resolve('yes'))
  await expect(failing).rejects.toThrow('no')
  await expect(next).resolves.toBe('yes')
})
