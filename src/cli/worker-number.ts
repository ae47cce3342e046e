import {Args, Flags} from '@oclif/core'
import {usageError} from './user-error.ts'

/** More than any cluster has; a slip of the hand would have the operator make pods without end. */
const MOST_WORKERS = 10_000

/** Throws a usage error that begins with `place`, where the number was said. */
export function parseWorkerNumber(text: string, place = ''): number {
  const number = Number(text)
  const at = place === '' ? '' : `${place}: `
  if (!/^-?\d+$/.test(text)) throw usageError(`${at}"${text}" is no whole number`)
  if (number < 0) throw usageError(`${at}${text} is too small, the least is 0`)
  if (number > MOST_WORKERS) throw usageError(`${at}${text} is too large, the most is ${MOST_WORKERS}`)
  return number
}

/** A number of workers; the parser tells the flag. */
export const workerNumberFlag = Flags.custom<number>({helpValue: 'N', parse: async (text) => parseWorkerNumber(text)})

/** WORKERS of `scale`. */
export const workerNumberArg = Args.custom<number>({
  description: 'Number of workers.',
  ignoreStdin: true,
  parse: async (text) => parseWorkerNumber(text, 'WORKERS'),
})
