import {Flags} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {outputFlag} from '../../cli/flags.ts'
import {answer, formatDocument, tell} from '../../cli/output.ts'
import {sandboxName} from '../../cli/sandbox-flags.ts'
import {sandboxUp} from '../../sandbox/life.ts'

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
    python: Flags.string({helpValue: 'PATH', summary: 'Python that has dask and distributed, for all pods.'}),
    output: outputFlag,
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(SandboxUp)
    const {name, python} = flags
    const serve = [
      process.execPath,
      process.argv[1] ?? '',
      'sandbox',
      'serve',
      '--name',
      name,
      ...(python === undefined ? [] : ['--python', python]),
    ] as const
    const up = await sandboxUp({name, serve: [...serve], signal: this.signal})
    if (flags.output === 'json' || flags.output === 'yaml') return answer(await formatDocument(up, flags.output))
    answer(
      flags.output === 'name' ? `${up.context}\n` : `sandbox "${name}" ${up.already ? 'runs already' : 'is up'}: context "${up.context}"\n`,
    )
    if (flags.output === undefined) tell(`next: ${this.bin} cluster create demo --wait --context ${up.context}`)
  }
}
