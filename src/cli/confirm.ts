/** Asks on a terminal; where nobody can answer the call itself is the answer. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return true
  const {createInterface} = await import('node:readline/promises')
  const terminal = createInterface({input: process.stdin, output: process.stderr})
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, {signal})).trim())
  } finally {
    terminal.close()
  }
}
