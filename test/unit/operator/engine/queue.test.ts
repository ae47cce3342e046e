import fc from 'fast-check'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {KubeError} from '../../../../src/kube/errors.ts'
import {createQueue} from '../../../../src/operator/engine/queue.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('law 1: the queue', () => {
  it('never runs a key twice at a time, loses no wake-up, and keeps to its concurrency', async () => {
    const keys = fc.constantFrom('a', 'b', 'c', 'd')
    const steps = fc.array(fc.record({key: keys, afterMs: fc.constantFrom(0, 0, 5, 20), takesMs: fc.nat({max: 10}), fails: fc.boolean()}), {
      maxLength: 40,
    })
    await fc.assert(
      fc.asyncProperty(steps, async (adds) => {
        const running = new Set<string>()
        const begun = new Map<string, number>()
        let most = 0
        let overlaps = 0
        let version = 0
        const work = async (key: string): Promise<undefined> => {
          if (running.has(key)) overlaps += 1
          running.add(key)
          most = Math.max(most, running.size)
          begun.set(key, version)
          const step = adds[version % Math.max(1, adds.length)]
          await new Promise((resolve) => setTimeout(resolve, step?.takesMs ?? 0))
          running.delete(key)
          if (step?.fails && version < adds.length) throw new Error('not yet')
          return undefined
        }
        const queue = createQueue({work, concurrency: 2, onError: () => {}})
        const added = new Map<string, number>()
        for (const {key, afterMs} of adds) {
          version += 1
          added.set(key, version)
          queue.add(key, afterMs)
          await vi.advanceTimersByTimeAsync(3)
        }
        await vi.advanceTimersByTimeAsync(200_000)
        // Each key was run with all that was known when it was added last.
        for (const [key, at] of added) expect(begun.get(key) ?? -1).toBeGreaterThanOrEqual(at)
        expect(overlaps).toBe(0)
        expect(most).toBeLessThanOrEqual(2)
        expect(queue.depth()).toBe(0)
        await queue.stop()
      }),
      {numRuns: 50},
    )
  })

  it('waits longer each time a key fails, and as long as the server asks', async () => {
    const waits: number[] = []
    const errors = [new Error('one'), new Error('two'), new KubeError(429, 'TooManyRequests', 'slow', {retryAfter: 7})]
    const queue = createQueue({
      work: async () => {
        const error = errors.shift()
        if (error) throw error
        return undefined
      },
      concurrency: 1,
      onError: (_key, _error, retryMs) => void waits.push(retryMs),
    })
    queue.add('a')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(waits).toHaveLength(3)
    expect(waits[1]).toBeGreaterThan(waits[0] ?? 0)
    expect(waits[2]).toBeGreaterThanOrEqual(7_000)
    await queue.stop()
  })

  it('lets what runs end when it is stopped, and starts nothing more', async () => {
    let ended = 0
    const queue = createQueue({
      work: async () => {
        await new Promise((resolve) => setTimeout(resolve, 100))
        ended += 1
        return 1
      },
      concurrency: 1,
      onError: () => {},
    })
    queue.add('a')
    queue.add('b')
    const stopped = queue.stop()
    await vi.advanceTimersByTimeAsync(1_000)
    await stopped
    expect(ended).toBe(1)
  })

  it('does not take a wake-up in a month for one at once', async () => {
    let runs = 0
    const queue = createQueue({
      work: async () => {
        runs += 1
        return 30 * 24 * 3600_000
      },
      concurrency: 1,
      onError: () => {},
    })
    queue.add('a')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(runs).toBe(1)
    await queue.stop()
  })

  it('lets a change beat a backoff, and keeps the other keys going', async () => {
    const ran: string[] = []
    const queue = createQueue({
      work: async (key) => {
        ran.push(key)
        if (key === 'broken') throw new Error('as ever')
        return undefined
      },
      concurrency: 1,
      onError: () => {},
    })
    for (let times = 0; times < 8; times += 1) {
      queue.add('broken')
      queue.add('sound')
      await vi.advanceTimersByTimeAsync(0)
    }
    expect(ran.filter((key) => key === 'broken')).toHaveLength(8)
    expect(ran.filter((key) => key === 'sound')).toHaveLength(8)
    await queue.stop()
  })
})
