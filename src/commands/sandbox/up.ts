import {Flags} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {outputFlag} from '../../cli/flags.ts'
import {answer, formatDocument, tell} from '../../cli/output.ts'
import {ownProgram} from '../../cli/own-program.ts'
import {ownOperator, sandboxName} from '../../cli/sandbox-flags.ts'
import {UserError} from '../../cli/user-error.ts'
import {SandboxFailure} from '../../sandbox/failure.ts'
import {sandboxStatus, sandboxUp, type Up} from '../../sandbox/life.ts'
import {ensurePython} from '../../sandbox/python/find.ts'
import {DEFAULT_SANDBOX} from '../../sandbox/state.ts'

export default class SandboxUp extends DaskCommand {
  static override summary = 'Start a sandbox: a Kubernetes-compatible API server, a node that runs pods as processes, and the operator.'
  static override description =
    'It goes on in the background. Its context is put beside those of the kubeconfig; the current context stays what it is.\n'
  static override examples = [
    {description: 'Start it, and use it', command: 'sandbox up'},
    {description: 'With a Python of your own', command: 'sandbox up --python ~/venv/bin/python'},
    {description: 'An empty one, to install the operator in', command: 'sandbox up --no-operator'},
  ]
  static override flags = {
    name: sandboxName,
    python: Flags.string({
      helpValue: 'PATH',
      summary: 'Python that has dask and distributed, for all pods; found or made where none is named.',
    }),
    operator: ownOperator,
    output: outputFlag,
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(SandboxUp)
    const {name} = flags
    const up = await startUp({name, python: flags.python, hasOperator: flags.operator, signal: this.signal})
    if (flags.output === 'json' || flags.output === 'yaml') return answer(await formatDocument(up, flags.output))
    if (flags.output === 'name') answer(`${up.context}\n`)
    else answer(`sandbox "${name}" ${howItIs(up)}: context "${up.context}"\n`)
    if (up.hasOperator !== flags.operator) tell(otherwise(up, this.config.bin))
    if (flags.output !== undefined) return
    const next = up.hasOperator ? 'cluster create demo --wait' : 'operator install'
    tell(`next: ${this.config.bin} ${next} --context ${up.context}`)
  }
}

const howItIs = ({already, hasKept, hasOperator}: Up): string => {
  const how = already ? 'runs already' : hasKept ? 'is up, with what was kept of it' : 'is up'
  return hasOperator ? how : `${how}, without an operator of its own`
}

/** It runs already, and not as it was asked for: who has which operator is settled when it starts. */
const otherwise = ({name, hasOperator}: Up, bin: string): string => {
  const named = name === DEFAULT_SANDBOX ? '' : ` --name ${name}`
  const other = hasOperator ? ' --no-operator' : ''
  return `it has ${hasOperator ? 'an' : 'no'} operator of its own: "${bin} sandbox down${named}", then "${bin} sandbox up${named}${other}" starts it ${hasOperator ? 'without' : 'with'} one`
}

/**
 * For memory: with 10,000 pods a sandbox took 220 to 234 MB when only the space for young objects was bounded (4 or 8 MB). With a heap that
 * may grow by 40 % before it is swept it takes 184 to 203 MB (docs/benchmarks.md).
 */
const SMALL_HEAP = ['--max-semi-space-size=8', '--heap-growing-percent=40']

export interface StartUp {
  readonly name: string
  readonly python: string | undefined
  readonly hasOperator: boolean
  readonly signal: AbortSignal
}

/** Starts a sandbox in the background with a Python that has Dask: the one named, else one that is found, else one that is made. */
export async function startUp({name, python: named, hasOperator, signal}: StartUp): Promise<Up> {
  const start = async (): Promise<Up> => {
    const {python} = (await sandboxStatus({name})) ?? (await ensurePython(named, tell, signal))
    const flags = ['--name', name, '--python', python, ...(hasOperator ? [] : ['--no-operator'])]
    return sandboxUp({name, serve: [...ownProgram(...SMALL_HEAP), 'sandbox', 'serve', ...flags], signal})
  }
  return inUsersWords(start())
}

/** What the sandbox cannot do, as a command tells it. */
export async function inUsersWords<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof SandboxFailure ? new UserError(error.message, {next: error.next, cause: error}) : error
  }
}
