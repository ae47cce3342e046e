import {Flags} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {outputFlag} from '../../cli/flags.ts'
import {answer, formatDocument, tell} from '../../cli/output.ts'
import {ownProgram} from '../../cli/own-program.ts'
import {sandboxName} from '../../cli/sandbox-flags.ts'
import {UserError} from '../../cli/user-error.ts'
import {SandboxFailure} from '../../sandbox/failure.ts'
import {sandboxStatus, sandboxUp, type Up} from '../../sandbox/life.ts'
import {ensurePython} from '../../sandbox/python/find.ts'

export default class SandboxUp extends DaskCommand {
  static override summary = 'Start a sandbox: a Kubernetes-compatible API server, a node that runs pods as processes, and the operator.'
  static override description =
    'It goes on in the background. Its context is put beside those of the kubeconfig; the current context stays what it is.\n'
  static override examples = [
    {description: 'Start it, and use it', command: 'sandbox up'},
    {description: 'With a Python of your own', command: 'sandbox up --python ~/venv/bin/python'},
  ]
  static override flags = {
    name: sandboxName,
    python: Flags.string({
      helpValue: 'PATH',
      summary: 'Python that has dask and distributed, for all pods; found or made where none is named.',
    }),
    output: outputFlag,
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(SandboxUp)
    const {name} = flags
    const up = await startUp(name, flags.python, this.signal)
    if (flags.output === 'json' || flags.output === 'yaml') return answer(await formatDocument(up, flags.output))
    const how = up.already ? 'runs already' : up.hasKept ? 'is up, with what was kept of it' : 'is up'
    answer(flags.output === 'name' ? `${up.context}\n` : `sandbox "${name}" ${how}: context "${up.context}"\n`)
    if (flags.output === undefined) tell(`next: ${this.bin} cluster create demo --wait --context ${up.context}`)
  }
}

/** What Node.js takes by itself for young objects is more than ten thousand pods need: with 4 MB it is 50 MB less, for a tenth more of CPU. */
const YOUNG_GENERATION = '--max-semi-space-size=4'

/** Starts a sandbox in the background with a Python that has Dask: the one named, else one that is found, else one that is made. */
export async function startUp(name: string, named: string | undefined, signal: AbortSignal): Promise<Up> {
  const start = async (): Promise<Up> => {
    const {python} = (await sandboxStatus({name})) ?? (await ensurePython(named, tell, signal))
    return sandboxUp({name, serve: [...ownProgram(YOUNG_GENERATION), 'sandbox', 'serve', '--name', name, '--python', python], signal})
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
