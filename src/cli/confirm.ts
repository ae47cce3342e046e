import {Interrupted} from './interruption.ts'
import {tell} from './output.ts'
import {EXIT} from './user-error.ts'

/** Whether somebody sits at a terminal. */
export const canBeAsked = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true

/** Asks on a terminal; where nobody can answer the call itself is the answer. Ctrl-D is a no. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  if (!canBeAsked()) return true
  const {createInterface} = await import('node:readline/promises')
  const terminal = createInterface({input: process.stdin, output: process.stderr})
  // The terminal hands Ctrl-C over as a key while it is being read.
  const typed = new AbortController()
  terminal.once('SIGINT', () => typed.abort(new Interrupted(EXIT.interrupted)))
  const ended = AbortSignal.any([signal, typed.signal])
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, {signal: ended})).trim())
  } catch (error) {
    // What comes next begins on a line of its own.
    tell('')
    ended.throwIfAborted()
    if (error instanceof Error && error.name === 'AbortError') return false
    throw error
  } finally {
    terminal.close()
  }
}
