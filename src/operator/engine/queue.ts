import {KubeError} from '../../kube/errors.ts'

export interface QueueOptions {
  /** Handles one key; resolves with milliseconds after which to look again, or nothing. A rejection backs off. */
  readonly work: (key: string) => Promise<number | undefined>
  readonly concurrency: number
  readonly onError: (key: string, error: unknown, retryMs: number) => void
}

/** Keys to look at: never the reason why (law 1). */
export interface Queue {
  /** Looks at a key now, or after a time; the earliest time wins, and a change beats a pending wake-up. */
  add(key: string, afterMs?: number): void
  /** Keys that are due or being handled. */
  depth(): number
  /** Milliseconds that the longest due key has waited. */
  latency(): number
  /** Takes no more keys and resolves when those under way have ended. */
  stop(): Promise<void>
}

/** As client-go's: quick for a passing conflict, a minute for what stays broken. */
const BACKOFF = {firstMs: 50, mostMs: 60_000} as const
/** A timer can wait no longer, it would come at once; whoever is woken early looks and waits again. */
const LONGEST_MS = 2 ** 31 - 1

/**
 * Never two runs of one key at a time; a key that is added while it runs, runs once more. At most `concurrency` keys at once.
 * A failing key is tried again with exponential backoff and jitter, or when the server's `Retry-After` says.
 */
export function createQueue({work, concurrency, onError}: QueueOptions): Queue {
  const due = new Map<string, number>()
  const waiting = new Map<string, {readonly at: number; readonly timer: NodeJS.Timeout}>()
  const running = new Set<string>()
  const failures = new Map<string, number>()
  let stopped = false
  let drained = (): void => {}

  const promote = (key: string): void => {
    clearTimeout(waiting.get(key)?.timer)
    waiting.delete(key)
    if (!due.has(key)) due.set(key, performance.now())
    pump()
  }

  const add = (key: string, afterMs = 0): void => {
    if (stopped || due.has(key)) return
    if (afterMs <= 0) {
      promote(key)
      return
    }
    const waitMs = Math.min(afterMs, LONGEST_MS)
    const at = performance.now() + waitMs
    const earlier = waiting.get(key)
    if (earlier && earlier.at <= at) return
    clearTimeout(earlier?.timer)
    waiting.set(key, {at, timer: setTimeout(() => promote(key), waitMs)})
  }

  const run = async (key: string): Promise<void> => {
    try {
      const wakeAfter = await work(key)
      failures.delete(key)
      if (wakeAfter !== undefined) add(key, Math.max(1, wakeAfter))
    } catch (error) {
      const count = (failures.get(key) ?? 0) + 1
      failures.set(key, count)
      const retryMs = backoffOf(count, error)
      onError(key, error, retryMs)
      add(key, retryMs)
    } finally {
      running.delete(key)
      if (stopped && running.size === 0) drained()
      pump()
    }
  }

  const pump = (): void => {
    if (stopped) return
    for (const key of due.keys()) {
      if (running.size >= concurrency) return
      if (running.has(key)) continue
      due.delete(key)
      running.add(key)
      void run(key)
    }
  }

  return {
    add,
    depth: () => due.size + running.size,
    latency: () => Math.max(0, ...[...due.values()].map((since) => performance.now() - since)),
    stop: () => {
      stopped = true
      due.clear()
      for (const {timer} of waiting.values()) clearTimeout(timer)
      waiting.clear()
      return running.size === 0 ? Promise.resolve() : new Promise((resolve) => (drained = resolve))
    },
  }
}

const backoffOf = (failures: number, error: unknown): number => {
  const asked = error instanceof KubeError && error.retryAfter !== undefined ? error.retryAfter * 1000 : 0
  const exponential = Math.min(BACKOFF.mostMs, BACKOFF.firstMs * 2 ** Math.min(failures - 1, 20))
  return Math.max(asked, exponential) * (1 + Math.random() / 4)
}
