/** It passes when somebody makes room: a sandbox lives through it. */
export const isDiskFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(String((error as NodeJS.ErrnoException | null)?.code))

/** A sandbox that cannot start or end as things are: the fact and its place in one sentence, and what to do next. */
export class SandboxFailure extends Error {
  override readonly name = 'SandboxFailure'
  readonly next: readonly string[]

  constructor(message: string, {next = [], cause}: {readonly next?: readonly string[]; readonly cause?: unknown} = {}) {
    super(message, cause === undefined ? {} : {cause})
    this.next = next
  }
}
