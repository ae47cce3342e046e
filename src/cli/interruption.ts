import {EXIT} from './user-error.ts'

/** How long a command may take to end in order after Ctrl-C; a second Ctrl-C ends it at once. */
const PATIENCE_MS = 10_000
/** A wrapper and the terminal may both deliver the same Ctrl-C. */
const SAME_MS = 300

export interface Interruption {
  /** Aborted by SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  readonly stop: () => void
}

/** What ends in order those who do not want to be cut off when whoever read their output has gone. */
const holders = new Set<(exitCode: number) => void>()

/** Tells them, each once; `false` where nobody has anything to put in order. */
export const readerHasGone = (): boolean => {
  for (const end of holders) end(EXIT.brokenPipe)
  return holders.size > 0
}

/**
 * Turns SIGINT, SIGTERM and SIGHUP into an AbortSignal, so that a command can put things in order before it ends.
 * `heedsReader`: a reader of its output that goes (`| head`) is an interruption too.
 */
export function watchInterruption(heedsReader = false): Interruption {
  const controller = new AbortController()
  let exitCode: number | undefined
  let since = 0
  let deadline: NodeJS.Timeout | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    const code = signal === 'SIGINT' ? EXIT.interrupted : signal === 'SIGHUP' ? 129 : EXIT.terminated
    if (exitCode !== undefined) {
      if (performance.now() - since > SAME_MS) process.exit(code)
      return
    }
    since = performance.now()
    end(code)
  }
  const end = (code: number): void => {
    if (exitCode !== undefined) return
    exitCode = code
    deadline = setTimeout(() => process.exit(code), PATIENCE_MS)
    deadline.unref()
    controller.abort(new Interrupted(code))
  }
  if (heedsReader) holders.add(end)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)
  return {
    signal: controller.signal,
    stop: () => {
      clearTimeout(deadline)
      holders.delete(end)
      for (const signal of signals) process.off(signal, onSignal)
    },
  }
}

/** The reason of the abort, with the exit code that the signal asks for. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'

  readonly exitCode: number

  constructor(exitCode: number) {
    super('interrupted')
    this.exitCode = exitCode
  }
}
