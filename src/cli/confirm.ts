/** Whether somebody sits at a terminal. */
export const canBeAsked = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true

/** Asks on a terminal; where nobody can answer the call itself is the answer. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  if (!canBeAsked()) return true
  const {createInterface} = await import('node:readline/promises')
  const terminal = createInterface({input: process.stdin, output: process.stderr})
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, {signal})).trim())
  } finally {
    terminal.close()
  }
}
