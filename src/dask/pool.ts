/** Connections to the schedulers of many clusters: bounded, kept for a while, and apart from whoever waits for an answer. */

import type {Ref} from '../api/object.ts'
import {keyOf} from '../api/ref.ts'
import {LostConnection} from './comm.ts'
import type {Dial} from './dial.ts'
import {connectScheduler, type Scheduler} from './scheduler.ts'

export interface SchedulerPoolOptions {
  readonly dialFor: (cluster: Ref) => Dial
  readonly portFor: (cluster: Ref) => number
  /** Calls at once, over all clusters. */
  readonly concurrency: number
  /** For a connection and for each answer. */
  readonly timeoutMs: number
}

export interface SchedulerPool {
  /**
   * Runs `work` with a connection of its own; a connection on which something failed is not used again. `work` is run a second time only when
   * a kept connection turned out to be broken before anything was answered on it, and nothing that changes the cluster was asked.
   */
  use<T>(cluster: Ref, work: (scheduler: Scheduler) => Promise<T>): Promise<T>
  /** Ends the kept connection of a cluster: its scheduler has moved. */
  forget(cluster: Ref): void
  close(): void
}

/** At rest nothing is sent, so an unused connection is only in the way. */
const IDLE_MS = 30_000

export function createSchedulerPool({dialFor, portFor, concurrency, timeoutMs}: SchedulerPoolOptions): SchedulerPool {
  const idle = new Map<string, {readonly scheduler: Scheduler; readonly dial: Dial; readonly timer: NodeJS.Timeout}>()
  const waiting: (() => void)[] = []
  let running = 0
  let closed = false

  const take = (key: string, dial?: Dial): Scheduler | undefined => {
    const kept = idle.get(key)
    clearTimeout(kept?.timer)
    idle.delete(key)
    if (!kept || dial === undefined || kept.dial === dial) return kept?.scheduler
    // It was in use while the scheduler moved, and leads to where that was.
    kept.scheduler.close()
    return undefined
  }
  const keep = (key: string, scheduler: Scheduler, dial: Dial): void => {
    take(key)?.close()
    if (closed) {
      scheduler.close()
      return
    }
    idle.set(key, {scheduler, dial, timer: setTimeout(() => take(key)?.close(), IDLE_MS)})
  }

  const run = async <T>(cluster: Ref, work: (scheduler: Scheduler) => Promise<T>): Promise<T> => {
    const key = keyOf(cluster)
    const dial = dialFor(cluster)
    const kept = take(key, dial)
    if (kept) {
      const before = kept.answered()
      try {
        const result = await work(kept)
        keep(key, kept, dial)
        return result
      } catch (error) {
        kept.close()
        // It died while it was idle: asked once more on a fresh one, whose failure counts.
        if (!(error instanceof LostConnection) || kept.answered() > before) throw error
      }
    }
    const scheduler = await connectScheduler(dial, {port: portFor(cluster), timeoutMs})
    try {
      const result = await work(scheduler)
      keep(key, scheduler, dial)
      return result
    } catch (error) {
      scheduler.close()
      throw error
    }
  }

  return {
    use: async (cluster, work) => {
      if (running >= concurrency) await new Promise<void>((resolve) => waiting.push(resolve))
      else running += 1
      try {
        return await run(cluster, work)
      } finally {
        const next = waiting.shift()
        if (next) next()
        else running -= 1
      }
    },
    forget: (cluster) => take(keyOf(cluster))?.close(),
    close: () => {
      closed = true
      for (const key of [...idle.keys()]) take(key)?.close()
    },
  }
}
