/** Runs at most so many at once, first come, first served. */
export type Limit = <T>(work: () => Promise<T>) => Promise<T>

export function createLimit(most: number): Limit {
  let running = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}

export const mapLimited = async <T>(limit: Limit, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  await Promise.all(items.map((item) => limit(() => work(item))))
}
