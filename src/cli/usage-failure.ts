import {didYouMean} from './did-you-mean.ts'
import {EXIT, UserError} from './user-error.ts'

interface Call {
  /** Without its flags. */
  readonly command: string
  /** The flags that the command has. */
  readonly known: readonly string[]
  readonly argv: readonly string[]
}

/** Whatever oclif's parser threw, as a usage error in one sentence. */
export function usageFailure(error: unknown, {command, known, argv}: Call): UserError {
  const message = plain(error instanceof Error ? error.message : String(error))
  const wrongFlags = /^Nonexistent flags?: (.*)$/.exec(message)?.[1]?.split(', ') ?? []
  const {word, options} = wrongOption(message)
  const near = [...wrongFlags.flatMap((flag) => didYouMean(flag.replace(/=.*/s, ''), known)), ...didYouMean(word, options)]
  const {flag: without, values} = flagWithout(message)
  const choice = without === undefined ? [] : [`say ${values.map((value) => `${without}=${value}`).join(' or ')}`]
  const next = error instanceof UserError ? error.next : [...near, ...choice, ...otherCluster(message, argv)]
  return new UserError(inOurWords(message, error), {
    next: [...next, `"${command} --help" shows how it is called`],
    exitCode: EXIT.usage,
    cause: error,
  })
}

/** Who means the Dask cluster may type what kubectl calls a cluster. */
const otherCluster = (message: string, argv: readonly string[]): readonly string[] =>
  /^Missing required flag -*dask-cluster$/.test(message) && argv.some((word) => /^--cluster(=|$)/.test(word))
    ? ["--cluster is kubectl's flag, for a cluster of the kubeconfig: say --dask-cluster or -c"]
    : []

const inOurWords = (message: string, error: unknown): string => {
  const missing = /^Missing \d+ required args?/.test(message) && names(error).map((name) => name.toUpperCase())
  if (missing) return `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing`
  const unexpected = /^Unexpected arguments?: (.*)$/.exec(message)?.[1]
  if (unexpected !== undefined) return `nothing is expected at "${unexpected}"`
  const flags = /^Nonexistent flags?: (.*)$/.exec(message)?.[1]
  if (flags !== undefined) return `there is no flag ${flags}`
  const required = /^Missing required flag (\S+)$/.exec(message)?.[1]
  if (required !== undefined) return `--${required.replace(/^-+/, '')} is missing`
  const empty = /^Flag (\S+) expects a value$/.exec(message)?.[1]
  if (empty !== undefined) return `${empty} has no value`
  const {flag: choosing} = flagWithout(message)
  if (choosing !== undefined) return `${choosing} has no value`
  const [, one, other] = /^(--[^=\s]+)(?:=.*)? cannot also be provided when using (--[^=\s]+)$/s.exec(message) ?? []
  if (one !== undefined) return `${one} and ${other} exclude each other`
  const {flag, word, options} = wrongOption(message)
  if (options.length > 0) return `${flag}"${word}" is none of ${options.join(', ')}`
  return message
    .replace(/^Parsing (--\S+)\s+/, '$1: ')
    .replace(/Expected an integer but received: (.*)$/s, '"$1" is no whole number')
    .replace(/Expected an integer greater than or equal to (\S+) but received: (.*)$/s, '$2 is too small, the least is $1')
    .replace(/Expected an integer less than or equal to (\S+) but received: (.*)$/s, '$2 is too large, the most is $1')
}

/** A flag that came without one of its values. */
const flagWithout = (message: string): {readonly flag?: string | undefined; readonly values: readonly string[]} => {
  const [, flag, values = ''] = /^Flag (\S+) expects one of these values: (.*)$/.exec(message) ?? []
  return {flag, values: values.split(', ').filter((value) => value !== 'none')}
}

/** A word that is none of those that a flag or an argument takes; no options where the message is of something else. */
const wrongOption = (message: string): {readonly flag: string; readonly word: string; readonly options: readonly string[]} => {
  const [, flag, word = '', options] = /^Expected (?:(--[^=\s]+)=)?(.*) to be one of: (.*)$/s.exec(message) ?? []
  return {flag: flag === undefined ? '' : `${flag}: `, word, options: options?.split(', ') ?? []}
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
