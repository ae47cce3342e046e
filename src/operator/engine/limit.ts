/** Runs at most so many at once. Those of one key come in their order, the keys take turns. */
export interface Limit {
  <T>(key: string, work: () => Promise<T>): Promise<T>
  /** Whether some wait for their turn. */
  isCrowded(): boolean
}

/**
 * A key that asks for ten thousand does not keep the others waiting: each that waits gets every n-th place, where n of them wait.
 * A place is passed on the moment that its work has ended.
 */
export function createLimit(most: number): Limit {
  let running = 0
  /** In the order of their turns: the first key is served next, and goes to the end while it has more. */
  const waiting = new Map<string, (() => void)[]>()

  const passOn = (): void => {
    const next = waiting.entries().next()
    if (next.done) {
      running -= 1
      return
    }
    const [key, starts] = next.value
    const start = starts.shift()
    waiting.delete(key)
    if (starts.length > 0) waiting.set(key, starts)
    start?.()
  }

  const wait = (key: string): Promise<void> =>
    new Promise((resolve) => {
      const starts = waiting.get(key)
      if (starts) starts.push(resolve)
      else waiting.set(key, [resolve])
    })

  const run = async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    if (running >= most) await wait(key)
    else running += 1
    try {
      return await work()
    } finally {
      passOn()
    }
  }
  return Object.assign(run, {isCrowded: () => waiting.size > 0})
}

export const mapLimited = async <T>(limit: Limit, key: string, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  await Promise.all(items.map((item) => limit(key, () => work(item))))
}
