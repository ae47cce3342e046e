/** Exit codes of every command (design section 6); `job run|wait|attach` end with the job's own, or 125. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  timedOut: 124,
  ownFailure: 125,
  interrupted: 130,
  /** As of a program that writes to a pipe which nobody reads any more (SIGPIPE). */
  brokenPipe: 141,
  terminated: 143,
} as const

/** Something that the person at the terminal can mend: the fact and its place in one sentence, then what to do next. */
export class UserError extends Error {
  override readonly name = 'UserError'
  /** What to do next, the likeliest first; half sentences that go on after a semicolon. */
  readonly next: readonly string[]
  readonly exitCode: number

  constructor(message: string, options: {readonly next?: readonly string[]; readonly exitCode?: number; readonly cause?: unknown} = {}) {
    super(message, options.cause === undefined ? {} : {cause: options.cause})
    this.next = options.next ?? []
    this.exitCode = options.exitCode ?? EXIT.failed
  }
}

/** A call that can never work as it stands: exit code 2. */
export const usageError = (message: string, ...next: readonly string[]): UserError => new UserError(message, {next, exitCode: EXIT.usage})

/** What a command throws to end with an exit code that is no failure of its own: everything has been said already. */
export class Exit extends Error {
  override readonly name = 'Exit'
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`exit ${exitCode}`)
    this.exitCode = exitCode
  }
}
