import {readFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {inspect} from 'node:util'
import {Config, type Interfaces} from '@oclif/core'
import {canonicalArgv, splitAtDashes} from './argv.ts'
import {explain, sentence} from './failure.ts'
import {renderCommand, renderNoun, renderRoot} from './help.ts'
import {answer, tell} from './output.ts'
import {EXIT, usageError} from './user-error.ts'

/** The whole program; `bin` is how it was called. Sets the exit code and never rejects. */
export async function start(bin: string): Promise<void> {
  process.stdout.on('error', endWithReader)
  process.exitCode = await main(bin, process.argv.slice(2))
}

/** Runs one call; resolves with its exit code, after any failure has been told in one sentence. */
const main = async (bin: string, argv: readonly string[]): Promise<number> => {
  try {
    await dispatch(bin, canonicalArgv(argv))
    return EXIT.done
  } catch (error) {
    const failure = explain(error, {bin})
    if (failure.message !== '') tell(sentence(failure))
    if (process.env['DEBUG']) tell(inspect(error))
    return failure.exitCode
  }
}

const dispatch = async (bin: string, argv: readonly string[]): Promise<void> => {
  const config = await loadConfig(bin)
  const {before} = splitAtDashes(argv)
  const wantsHelp = before.some((word) => word === '--help' || word === '-h') || before[0] === 'help'
  const words = before[0] === 'help' ? before.slice(1) : before
  const [noun, verb] = words.filter((word) => !word.startsWith('-'))

  if (noun === undefined) {
    if (before.includes('--version')) return await config.runCommand('version', ['--client'])
    return answer(renderRoot(bin, config.commands))
  }
  const verbs = config.commandIDs.filter((id) => id.startsWith(`${noun}:`)).map((id) => id.slice(noun.length + 1))
  const id = verb !== undefined && verbs.includes(verb) ? `${noun}:${verb}` : noun
  const command = config.findCommand(id)
  if (command) {
    if (wantsHelp) return answer(renderCommand(bin, command))
    return await config.runCommand(id, argv.slice(id.split(':').length), command)
  }
  if (verbs.length > 0) {
    if (verb === undefined) return answer(renderNoun(bin, noun, config.commands))
    throw usageError(`"${verb}" is no verb of ${noun}`, `there are ${verbs.join(', ')}: "${bin} ${noun} --help" says what they do`)
  }
  throw usageError(`"${noun}" is no noun of ${bin}`, `"${bin} --help" shows those that there are`)
}

/** oclif's view of the program, from the two JSON files beside the bundle. */
const loadConfig = async (bin: string): Promise<Config> => {
  const root = dirname(fileURLToPath(import.meta.url))
  const pjson = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Interfaces.PJSON
  return await Config.load({root, pjson: {...pjson, oclif: {...pjson.oclif, bin}}})
}

/** Whoever read our output has gone (`| head`): that is no failure. */
const endWithReader = (error: NodeJS.ErrnoException): void => {
  if (error.code === 'EPIPE') process.exit(EXIT.done)
  throw error
}
