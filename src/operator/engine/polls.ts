import {setTimeout as pause} from 'node:timers/promises'

/** Questions that are asked again and again, beside the reconcile workers (law 9) and only for as long as somebody needs the answer (law 10). */
export interface Polls<Question> {
  /** Lets asking begin; it ends with `signal`. */
  start(signal: AbortSignal): void
  /**
   * Asks at once, and then every `everyMs` until `need` gives no question any more. A key that is followed already goes on with its own.
   * `need` reads caches only.
   */
  follow(key: string, need: () => Question | undefined): void
}

export interface PollsOptions<Question> {
  /** Asks and keeps the answer, or that there is none: must not reject. */
  readonly ask: (question: Question, signal: AbortSignal) => Promise<void>
  readonly everyMs: (question: Question) => number
  /** Nobody needs an answer for this key any more. */
  readonly onEnd: (key: string) => void
}

export function createPolls<Question>({ask, everyMs, onEnd}: PollsOptions<Question>): Polls<Question> {
  const followed = new Set<string>()
  let life: AbortSignal | undefined

  const run = async (key: string, need: () => Question | undefined, signal: AbortSignal): Promise<void> => {
    for (let question = need(); question !== undefined && !signal.aborted; question = need()) {
      await ask(question, signal)
      // The end of the pause and the end of all are told apart by the loop itself.
      await pause(everyMs(question), undefined, {signal}).catch(() => undefined)
    }
    followed.delete(key)
    onEnd(key)
  }

  return {
    start: (signal) => {
      life = signal
    },
    follow: (key, need) => {
      if (!life || life.aborted || followed.has(key)) return
      followed.add(key)
      void run(key, need, life)
    },
  }
}
