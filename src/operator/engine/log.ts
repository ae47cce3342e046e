/**
 * The operator's log: a line of JSON for each thing that it does. `info` tells every act, `debug` also what came of each run of one object,
 * `trace` also what was planned in it; `run` is the same in all lines of one run.
 */
import {type Logger, pino, stdTimeFunctions} from 'pino'
import type {LogLevel} from '../../api/log-levels.ts'
import type {Kind, KubeObject, Ref} from '../../api/object.ts'
import type {Action} from './contract.ts'

export type Log = Logger

/** `write` is handed whole lines. */
export const createLog = (level: LogLevel, write: (line: string) => void): Log =>
  pino({level, base: null, timestamp: stdTimeFunctions.isoTime, formatters: {level: (label) => ({level: label})}}, {write})

/**
 * Lines go to `write` in one piece for each turn of the event loop: a hundred acts at once are one write to a pipe, which blocks.
 * What is left goes when the process ends.
 */
export function gathered(write: (lines: string) => void): (line: string) => void {
  let pending = ''
  const flush = (): void => {
    if (pending !== '') write(pending)
    pending = ''
  }
  process.on('exit', flush)
  return (line) => {
    if (pending === '') setImmediate(flush)
    pending += line
  }
}

/** The object that a line is about. */
export const about = (
  {kind}: {readonly kind: string},
  {namespace, name}: Ref,
): {readonly kind: string; readonly namespace?: string; readonly name: string} => ({
  kind,
  ...(namespace !== undefined && {namespace}),
  name,
})

/** An act that has been carried out; what people are told of in Events is logged there. */
export function logAct(log: Log, action: Action | {readonly do: string}, ms: number): void {
  const words = wordsOf(action as Action)
  if (words !== undefined) log.info({ms: Math.round(ms)}, words)
}

/** A plan as short as it can be read. */
export const outlineOf = (stages: readonly (readonly (Action | {readonly do: string})[])[]): readonly (readonly string[])[] =>
  stages.filter(({length}) => length > 0).map((stage) => stage.map((action) => `${action.do} ${targetOf(action as Action)}`.trimEnd()))

const DONE = {create: 'created', patch: 'patched', delete: 'deleted'} as const

const wordsOf = (action: Action): string | undefined => {
  if (!(action.do in DONE)) return undefined
  const words = `${DONE[action.do as keyof typeof DONE]} ${targetOf(action)}`
  return action.do === 'delete' ? `${words}: ${action.why}` : words
}

const targetOf = (action: Action): string => {
  if ('object' in action) return named(action.kind, action.object)
  if ('ref' in action) return `${action.kind.kind} ${action.ref.name}`
  return 'reason' in action ? action.reason : ''
}

const named = ({kind}: Kind, {metadata}: KubeObject): string => `${kind} ${metadata.name}`
