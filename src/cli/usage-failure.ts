import {didYouMean} from './did-you-mean.ts'
import {EXIT, UserError} from './user-error.ts'

/** Whatever oclif's parser threw, as a usage error in one sentence; `command` is the call without its flags, `known` are the flags that it has. */
export function usageFailure(error: unknown, command: string, known: readonly string[] = []): UserError {
  const message = plain(error instanceof Error ? error.message : String(error))
  const wrongFlags = /^Nonexistent flags?: (.*)$/.exec(message)?.[1]?.split(', ') ?? []
  const near = wrongFlags.flatMap((flag) => didYouMean(flag.replace(/=.*/s, ''), known))
  const next = error instanceof UserError ? error.next : near
  return new UserError(inOurWords(message, error), {
    next: [...next, `"${command} --help" shows how it is called`],
    exitCode: EXIT.usage,
    cause: error,
  })
}

const inOurWords = (message: string, error: unknown): string => {
  const missing = /^Missing \d+ required args?/.test(message) && names(error).map((name) => name.toUpperCase())
  if (missing) return `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing`
  const unexpected = /^Unexpected arguments?: (.*)$/.exec(message)?.[1]
  if (unexpected !== undefined) return `nothing is expected at "${unexpected}"`
  const flags = /^Nonexistent flags?: (.*)$/.exec(message)?.[1]
  if (flags !== undefined) return `there is no flag ${flags}`
  return message.replace(/^Parsing (--\S+)\s+/, '$1: ')
}

/** The arguments that a parser's error tells of. */
const names = (error: unknown): readonly string[] =>
  error instanceof Error && 'args' in error && Array.isArray(error.args)
    ? error.args.map((arg: unknown) => (typeof arg === 'object' && arg !== null && 'name' in arg ? String(arg.name) : String(arg)))
    : []

/** oclif's own words without its line breaks, its advice and its colours. */
const plain = (message: string): string =>
  message
    .replaceAll(/\u001B\[[\d;]*m/g, '')
    .replace(/^The following errors? occurred:\s*/, '')
    .replace(/\s*See more help with --help\s*$/, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
