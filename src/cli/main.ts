import {readFileSync} from 'node:fs'
import {canonicalArgv, splitAtDashes} from './argv.ts'
import {didYouMean} from './did-you-mean.ts'
import {explain, sentence} from './failure.ts'
import {type HelpCommand, renderCommand, renderNoun, renderRoot} from './help.ts'
import {readerHasGone} from './interruption.ts'
import {answer, tell} from './output.ts'
import type {Everyday, TreeCommand} from './run-command.ts'
import {EXIT, usageError} from './user-error.ts'

/** What the build wrote down of every command: enough to find one, and to name them all. */
interface Tree {
  readonly version: string
  readonly commands: Readonly<Record<string, TreeCommand>>
}

/** All of a command but its code, in oclif's format. */
interface Manifest {
  readonly commands: Readonly<Record<string, HelpCommand>>
}

/** The whole program; `bin` is how it was called. Sets the exit code and never rejects. */
export async function start(bin: string, everyday: Everyday): Promise<void> {
  process.stdout.on('error', endWithReader(EXIT.done))
  process.stderr.on('error', endWithReader(EXIT.brokenPipe))
  process.exitCode = await main(bin, process.argv.slice(2), everyday)
  // After sockets that were reset Node.js 26.10 can spin for ever in closing its own handles; what is left to do here is to be seen.
  const flushed = (stream: NodeJS.WriteStream): Promise<void> => new Promise((resolve) => stream.write('', () => resolve()))
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  process.exit()
}

/** Runs one call; resolves with its exit code, after any failure has been told in one sentence. */
const main = async (bin: string, argv: readonly string[], everyday: Everyday): Promise<number> => {
  try {
    await dispatch(bin, canonicalArgv(argv), everyday)
    return EXIT.done
  } catch (error) {
    const failure = explain(error, {bin})
    if (failure.message !== '') tell(sentence(failure))
    if (process.env['DEBUG']) tell((await import('node:util')).inspect(error))
    return failure.exitCode
  }
}

const dispatch = async (bin: string, argv: readonly string[], everyday: Everyday): Promise<void> => {
  const {version, commands} = readJson<Tree>('tree.json')
  const all = Object.values(commands)
  const {before} = splitAtDashes(argv)
  const wantsHelp = before.some((word) => word === '--help' || word === '-h') || before[0] === 'help'
  const words = before[0] === 'help' ? before.slice(1) : before
  const [noun, verb] = words.filter((word) => !word.startsWith('-'))

  if (noun === undefined) return before.includes('--version') ? answer(`Client Version: v${version}\n`) : answer(renderRoot(bin, all))
  // Asked for as often as help, and as little in need of a parser.
  if (argv.length === 2 && noun === 'version' && argv[1] === '--client') return answer(`Client Version: v${version}\n`)
  const verbs = all.filter(({id}) => id.startsWith(`${noun}:`))
  // Somebody may type "constructor": what the object has of itself is no command.
  const command = [`${noun}:${verb}`, noun].map((id) => (Object.hasOwn(commands, id) ? commands[id] : undefined)).find(Boolean)
  if (command) {
    if (wantsHelp) return answer(renderCommand(bin, readJson<Manifest>('oclif.manifest.json').commands[command.id] ?? missing(command.id)))
    // oclif and the command are loaded here and not before: help and mistakes need neither.
    const {runCommand} = await import('./run-command.ts')
    return await runCommand(command, argv.slice(command.id.split(':').length), {
      bin,
      version,
      everyday,
      root: new URL('.', import.meta.url),
    })
  }
  if (verbs.length > 0) {
    if (verb === undefined) return answer(renderNoun(bin, noun, all))
    const names = verbs.filter(({hidden}) => !hidden).map(({id}) => id.slice(noun.length + 1))
    throw usageError(
      `"${verb}" is no verb of ${noun}`,
      ...didYouMean(verb, names),
      `there are ${names.join(', ')}: "${bin} ${noun} --help" says what they do`,
    )
  }
  const nouns = [...new Set(all.filter(({hidden}) => !hidden).map(({id}) => id.split(':')[0] ?? id))]
  throw usageError(`"${noun}" is no noun of ${bin}`, ...didYouMean(noun, nouns), `"${bin} --help" shows those that there are`)
}

const readJson = <T>(file: string): T => JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as T

const missing = (id: string): never => {
  throw new Error(`the bundle knows nothing of "${id}": it is damaged, build or install it anew`)
}

/**
 * Whoever read our output has gone (`| head`): that is no failure, but may leave something to be put in order. Without the story that goes
 * with it the end is not known to be a good one (`exitCode`). A full disk is a failure.
 */
const endWithReader =
  (exitCode: number) =>
  (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE') {
      if (readerHasGone()) return
      process.exit(process.exitCode ?? exitCode)
    }
    tell(sentence({message: `the answer cannot be written: ${error.message}`, next: [], exitCode: EXIT.failed}))
    process.exit(EXIT.failed)
  }
