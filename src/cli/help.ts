import type {Command} from '@oclif/core'
import {alignCells} from './table.ts'

/** The group of kubectl's own global flags: the help names them in one line. */
export const GLOBAL = 'GLOBAL'

/** What of a command the help reads: all of it stands in the manifest, so no command is loaded for it. */
export type HelpCommand = Pick<Command.Cached, 'id' | 'summary' | 'description' | 'examples' | 'args' | 'flags' | 'hidden' | 'usage'>

/** What of a command the lists of commands read. */
type ListedCommand = {readonly id: string; readonly summary?: string | undefined; readonly hidden?: boolean | undefined}

interface Noun {
  readonly name: string
  readonly summary: string
}

const NOUNS: readonly Noun[] = [
  {name: 'cluster', summary: 'Dask clusters: a scheduler and its workers'},
  {name: 'workergroup', summary: 'Further groups of workers for a cluster'},
  {name: 'job', summary: 'Programs that run on a cluster of their own'},
  {name: 'autoscaler', summary: 'Clusters whose number of workers follows the load'},
  {name: 'operator', summary: 'What makes pods of all these'},
  {name: 'sandbox', summary: 'All of it on this machine, without Kubernetes'},
  {name: 'generate', summary: 'Manifests to start from'},
]

export const ROOT_EXAMPLES = [
  {description: 'A cluster of four workers, and wait until it is ready', command: 'cluster create demo --workers 4 --wait'},
  {description: 'Run a script of yours on a cluster that lives as long as it does', command: 'job run --workers 4 -- python train.py'},
  {description: 'No Kubernetes at hand? Run the script in a sandbox on this machine', command: 'sandbox run -- python train.py'},
] as const

const WIDTH = 100

const NOUN_WIDTH = Math.max(...NOUNS.map(({name}) => name.length)) + 3
/** The narrowest terminal that people work in. */
const NARROW = 80

/** Verbs below their noun, in as many lines as a narrow terminal needs. */
const verbLines = (verbs: readonly string[]): string => {
  const indent = ' '.repeat(2 + NOUN_WIDTH)
  const lines: string[] = []
  for (const verb of verbs) {
    const last = lines.at(-1)
    if (last !== undefined && indent.length + last.length + verb.length + 1 <= NARROW) lines.splice(-1, 1, `${last} ${verb}`)
    else lines.push(verb)
  }
  return lines.map((line) => `${indent}${line}\n`).join('')
}

/** `kubectl dask --help`. */
export function renderRoot(bin: string, commands: readonly ListedCommand[]): string {
  const shown = commands.filter((command) => !command.hidden)
  const nouns = NOUNS.map(
    ({name, summary}) =>
      [name, summary, shown.filter(({id}) => id.startsWith(`${name}:`)).map(({id}) => id.slice(name.length + 1))] as const,
  )
  const alone = shown.filter(({id}) => !id.includes(':'))
  return [
    'Dask clusters on Kubernetes: create them, watch them, run jobs on them.\n',
    section('Usage', `  ${bin} NOUN VERB [flags]\n`),
    section(
      'Nouns and their verbs',
      nouns.map(([name, summary, verbs]) => `  ${name.padEnd(NOUN_WIDTH)}${summary}\n${verbLines(verbs)}`).join(''),
    ),
    ...(alone.length > 0
      ? [
          section(
            'Others',
            alignCells(
              alone.map(({id, summary}) => [id, summary ?? '']),
              '  ',
            ),
          ),
        ]
      : []),
    section('Examples', examples(bin, ROOT_EXAMPLES)),
    `"${bin} NOUN --help" lists the verbs of a noun, "${bin} NOUN VERB --help" the flags of a verb.\n`,
  ].join('\n')
}

/** `kubectl dask cluster --help`. */
export function renderNoun(bin: string, noun: string, commands: readonly ListedCommand[]): string {
  const verbs = commands.filter((command) => !command.hidden && command.id.startsWith(`${noun}:`))
  return [
    `${NOUNS.find(({name}) => name === noun)?.summary ?? noun}.\n`,
    section('Usage', `  ${bin} ${noun} VERB [flags]\n`),
    section(
      'Verbs',
      alignCells(
        verbs.map(({id, summary}) => [id.slice(noun.length + 1), summary ?? '']),
        '  ',
      ),
    ),
    `"${bin} ${noun} VERB --help" shows the flags of a verb, with examples.\n`,
  ].join('\n')
}

/** `kubectl dask cluster create --help`. */
export function renderCommand(bin: string, command: HelpCommand): string {
  const flags = Object.values(command.flags).filter((flag) => !flag.hidden)
  const own = flags.filter((flag) => flag.helpGroup !== GLOBAL)
  const global = flags.filter((flag) => flag.helpGroup === GLOBAL)
  return [
    `${command.summary ?? ''}\n`,
    ...(command.description ? [wrap(command.description)] : []),
    section('Usage', `  ${bin} ${usage(command)}\n`),
    ...(command.examples?.length ? [section('Examples', examples(bin, command.examples))] : []),
    ...(own.length > 0 ? [section('Flags', flagLines(own))] : []),
    ...(global.length > 0 ? [section('Global flags, as in kubectl', wrap(global.map(flagName).join(', '), '  '))] : []),
  ].join('\n')
}

type Flag = HelpCommand['flags'][string]

const section = (title: string, body: string): string => `${title}:\n${body}`

const usage = (command: HelpCommand): string => {
  const words = command.id.replaceAll(':', ' ')
  if (typeof command.usage === 'string') return `${words} ${command.usage}`
  const args = Object.values(command.args).map((arg) => {
    const name = `${arg.options?.join('|') ?? arg.name.toUpperCase()}${arg.multiple ? '...' : ''}`
    return arg.required ? name : `[${name}]`
  })
  return [words, ...args, '[flags]'].join(' ')
}

const examples = (bin: string, list: readonly Command.Example[]): string =>
  list
    .map((example) => (typeof example === 'string' ? {description: '', command: example} : example))
    .map(({description, command}) => `${description ? `  # ${description}\n` : ''}  ${bin} ${command}\n`)
    .join('\n')

const flagName = (flag: Flag): string => `${flag.char ? `-${flag.char}/` : ''}--${flag.name}`

const flagLines = (flags: readonly Flag[]): string => {
  const rows = flags.map((flag) => {
    const value = flag.type === 'option' ? `=${flag.helpValue ?? 'VALUE'}` : ''
    const name = flag.type === 'boolean' && flag.allowNo ? `[no-]${flag.name}` : flag.name
    const standard = flag.default === undefined || flag.default === false ? '' : ` (default ${defaultText(flag)})`
    return [
      `${flag.char ? `-${flag.char}, ` : '    '}--${name}${value}`,
      `${flag.summary ?? flag.description ?? ''}${standard}${flag.required ? ' (required)' : ''}`,
    ]
  })
  return alignCells(rows, '  ')
}

const defaultText = (flag: Flag): string => (typeof flag.default === 'string' ? `"${flag.default}"` : String(flag.default))

/** Text in lines of at most 100 characters. */
const wrap = (text: string, indent = ''): string => {
  const lines: string[] = []
  for (const paragraph of text.trim().split('\n')) {
    let line = indent
    for (const word of paragraph.split(' ')) {
      if (line.length > indent.length && line.length + 1 + word.length > WIDTH) {
        lines.push(line)
        line = indent
      }
      line += line.length > indent.length ? ` ${word}` : word
    }
    lines.push(line.trimEnd())
  }
  return `${lines.join('\n')}\n`
}
