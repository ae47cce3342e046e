import {Flags} from '@oclif/core'
import {parseDuration} from './duration.ts'
import {usageError} from './user-error.ts'

/** The flags of every `logs`, named as in kubectl. */
export const logFlags = {
  follow: Flags.boolean({char: 'f', summary: 'Go on with new lines as they come.'}),
  tail: Flags.integer({min: -1, helpValue: 'N', summary: 'Only the last lines of each pod; -1 is all.'}),
  since: Flags.custom<number>({parse: async (text) => parseDuration(text)})({
    helpValue: 'TIME',
    summary: 'Only lines newer than this, like 5m.',
  }),
  previous: Flags.boolean({char: 'p', exclusive: ['follow'], summary: 'Of the container before, which has crashed or been restarted.'}),
  timestamps: Flags.boolean({exclusive: ['follow'], summary: 'With the time of each line.'}),
}

/** The further flags where the logs of several pods are read. */
export const manyLogFlags = {
  ...logFlags,
  timestamps: Flags.boolean({summary: 'With the time of each line.'}),
  grep: Flags.custom<RegExp>({parse: async (text) => parsePattern(text)})({
    helpValue: 'PATTERN',
    summary: 'Only lines that match this regular expression.',
  }),
  download: Flags.string({
    helpValue: 'DIR',
    exclusive: ['follow'],
    summary: 'Into a file for each pod in this folder, made where it is not there.',
  }),
}

const parsePattern = (text: string): RegExp => {
  try {
    return new RegExp(text, 'u')
  } catch (error) {
    throw usageError(
      `"${text}" is no regular expression: ${error instanceof Error ? error.message : error}`,
      'put a \\ before a sign that is meant as itself',
    )
  }
}

export interface LogFlags {
  readonly follow: boolean
  readonly tail?: number | undefined
  readonly since?: number | undefined
  readonly previous: boolean
  readonly timestamps: boolean
  readonly grep?: RegExp | undefined
  /** A folder. */
  readonly download?: string | undefined
}

/** Where a log begins, as the API takes it. */
export const beginOf = ({tail, since}: LogFlags): {readonly tailLines?: number; readonly sinceSeconds?: number} => ({
  ...(tail !== undefined && tail >= 0 && {tailLines: tail}),
  ...(since !== undefined && {sinceSeconds: Math.max(1, Math.ceil(since / 1000))}),
})
