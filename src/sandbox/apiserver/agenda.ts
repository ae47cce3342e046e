/** Work that follows from writes, done soon after them and never twice for one key; a long list leaves room for requests. */

const AT_ONCE = 64

export interface Agenda {
  add(key: string): void
  stop(): void
}

/** `work` is called once for each key that was added since its last turn. */
export function makeAgenda(work: (key: string) => void, onError: (error: unknown) => void): Agenda {
  const keys = new Set<string>()
  let isStopped = false
  let turn: NodeJS.Immediate | undefined
  const run = (): void => {
    turn = undefined
    let done = 0
    for (const key of keys) {
      if (done === AT_ONCE) break
      keys.delete(key)
      done += 1
      try {
        work(key)
      } catch (error) {
        onError(error)
      }
    }
    if (keys.size > 0) schedule()
  }
  const schedule = (): void => {
    if (!isStopped) turn ??= setImmediate(run)
  }
  return {
    add: (key) => {
      keys.add(key)
      schedule()
    },
    stop: () => {
      isStopped = true
      clearImmediate(turn)
    },
  }
}
