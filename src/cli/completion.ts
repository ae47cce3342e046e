import {canonicalArgv} from './argv.ts'
import type {GlobalFlags} from './flags.ts'

/** The parts of oclif's manifest that completion reads. */
export interface Manifest {
  readonly commands: Readonly<Record<string, ManifestCommand>>
}

interface ManifestCommand {
  readonly id: string
  readonly summary?: string
  readonly hidden?: boolean
  readonly args: Readonly<Record<string, {readonly name: string; readonly multiple?: boolean; readonly options?: readonly string[]}>>
  readonly flags: Readonly<Record<string, ManifestFlag>>
}

interface ManifestFlag {
  readonly name: string
  readonly char?: string
  readonly type: 'option' | 'boolean'
  readonly summary?: string
  readonly hidden?: boolean
  readonly helpValue?: string
  readonly options?: readonly string[]
}

/** What has been typed so far, as far as it matters for names. */
export interface CommandLine {
  readonly words: readonly string[]
  readonly globals: GlobalFlags
}

/** Names that only a server or a file can tell. */
export interface Wanted {
  readonly objects: 'cluster' | 'workergroup' | 'job' | 'autoscaler' | 'namespace' | 'context'
  readonly prefix: string
  readonly line: CommandLine
}

export interface Completion {
  readonly candidates: readonly string[]
  readonly wanted?: Wanted
  /** cobra's ShellCompDirective: 0 lets the shell complete files, 4 does not. */
  readonly directive: 0 | 4
}

const FILES = {candidates: [], directive: 0} as const

/** What may stand in the last word of the line; the words come without `kubectl dask`, the last one may be empty. */
export function complete(manifest: Manifest, argv: readonly string[]): Completion {
  const typed = argv.slice(0, -1)
  const last = argv.at(-1) ?? ''
  if (typed.includes('--')) return FILES
  const [noun, verb, ...rest] = canonicalArgv(typed)
  const commands = Object.values(manifest.commands).filter(({hidden}) => !hidden)
  if (noun === undefined || noun.startsWith('-')) return words(nouns(commands), last)
  // Somebody may type "constructor": what the object has of itself is no command.
  const own = (id: string): ManifestCommand | undefined => (Object.hasOwn(manifest.commands, id) ? manifest.commands[id] : undefined)
  const command = own(`${noun}:${verb}`) ?? own(noun)
  if (!command) return words(verbsOf(commands, noun), last)
  return completeCall(command, noun, own(noun) ? [verb, ...rest].filter((word) => word !== undefined) : rest, last)
}

const words = (candidates: readonly (readonly [string, string])[], prefix: string): Completion => ({
  candidates: candidates.filter(([word]) => word.startsWith(prefix)).map(([word, summary]) => (summary ? `${word}\t${summary}` : word)),
  directive: 4,
})

const nouns = (commands: readonly ManifestCommand[]): readonly (readonly [string, string])[] =>
  [...new Set(commands.map(({id}) => id.split(':')[0] ?? id))].map((noun) => [noun, ''])

const verbsOf = (commands: readonly ManifestCommand[], noun: string): readonly (readonly [string, string])[] =>
  commands.filter(({id}) => id.startsWith(`${noun}:`)).map(({id, summary}) => [id.slice(noun.length + 1), summary ?? ''])

const completeCall = (command: ManifestCommand, noun: string, rest: readonly string[], last: string): Completion => {
  const flags = Object.values(command.flags).filter(({hidden}) => !hidden)
  const {positionals, globals, open} = readLine(flags, rest)
  const line = {words: positionals, globals}
  const inline = /^(--[^=]+)=(.*)$/.exec(last)
  const flag = inline ? flagOf(flags, inline[1] ?? '') : open
  if (flag) return completeValue(flag, inline ? (inline[2] ?? '') : last, inline ? `${inline[1]}=` : '', line)
  if (last.startsWith('-'))
    return words(
      flags.map(({name, summary}) => [`--${name}`, summary ?? '']),
      last,
    )
  const args = Object.values(command.args)
  const options = args[positionals.length]?.options
  if (options)
    return words(
      options.map((option) => [option, '']),
      last,
    )
  if (noun !== 'cluster' && noun !== 'workergroup' && noun !== 'job' && noun !== 'autoscaler') return {candidates: [], directive: 4}
  const isNew = command.id.endsWith(':create') || command.id.endsWith(':run')
  const takesName = args.some((arg, index) => arg.name === 'name' && (arg.multiple || index >= positionals.length))
  return isNew || !takesName ? {candidates: [], directive: 4} : {candidates: [], wanted: {objects: noun, prefix: last, line}, directive: 4}
}

const completeValue = (flag: ManifestFlag, prefix: string, before: string, line: CommandLine): Completion => {
  if (flag.options)
    return words(
      flag.options.map((option) => [`${before}${option}`, '']),
      `${before}${prefix}`,
    )
  if (flag.name === 'output' && flag.helpValue === 'FORMAT')
    return words(
      ['json', 'yaml', 'name', 'wide', 'jsonpath=', 'custom-columns='].map((format) => [`${before}${format}`, '']),
      `${before}${prefix}`,
    )
  const objects = FLAG_OBJECTS[flag.name]
  if (objects) return {candidates: [], wanted: {objects, prefix, line}, directive: 4}
  return FILE_FLAGS.has(flag.name) ? FILES : {candidates: [], directive: 4}
}

const FLAG_OBJECTS: Readonly<Record<string, Wanted['objects']>> = {
  namespace: 'namespace',
  context: 'context',
  'dask-cluster': 'cluster',
  group: 'workergroup',
}
const FILE_FLAGS = new Set(['certificate-authority', 'client-certificate', 'client-key', 'kubeconfig', 'filename', 'file'])

const flagOf = (flags: readonly ManifestFlag[], word: string): ManifestFlag | undefined =>
  flags.find(({name, char, type}) => type === 'option' && (word === `--${name}` || (char !== undefined && word === `-${char}`)))

/** Splits what was typed into flags and names; `open` is a flag that still waits for its value. */
const readLine = (
  flags: readonly ManifestFlag[],
  typed: readonly string[],
): {readonly positionals: readonly string[]; readonly globals: GlobalFlags; readonly open: ManifestFlag | undefined} => {
  const positionals: string[] = []
  const globals: Record<string, string> = {}
  let open: ManifestFlag | undefined
  for (const word of typed) {
    if (open) {
      globals[open.name] = word
      open = undefined
    } else if (word.startsWith('-')) {
      const [, name, value] = /^(--[^=]+)=(.*)$/.exec(word) ?? []
      const flag = flagOf(flags, name ?? word)
      if (flag && value !== undefined) globals[flag.name] = value
      else open = flag
    } else positionals.push(word)
  }
  const {namespace, context, kubeconfig, cluster, user, token, server} = globals
  return {positionals, globals: {namespace, context, kubeconfig, cluster, user, token, server}, open}
}
