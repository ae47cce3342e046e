import {Flags} from '@oclif/core'
import {workerFlags} from '../../cli/choices.ts'
import {DaskCommand} from '../../cli/command.ts'
import {packFiles} from '../../cli/job-files.ts'
import {tell} from '../../cli/output.ts'
import {sandboxName} from '../../cli/sandbox-flags.ts'
import {EXIT, usageError} from '../../cli/user-error.ts'
import {sandboxDown} from '../../sandbox/life.ts'
import JobRun from '../job/run.ts'
import {inUsersWords, startUp} from './up.ts'

export default class SandboxRun extends DaskCommand {
  static override summary = 'Run a program on a Dask cluster on this machine, without Kubernetes.'
  static override description =
    'As "job run", in a sandbox that is started for it and ended after it, unless it runs already. Its exit code is that of the program.\n'
  static override usage = '[flags] -- COMMAND [ARGS...]'
  static override takesCommand = true
  static override examples = [
    {description: 'A script of this folder, on two workers', command: 'sandbox run -w 2 -- python train.py'},
    {description: 'And leave the sandbox running for the next time', command: 'sandbox run --keep -- python train.py'},
  ]
  static override flags = {
    sandbox: sandboxName,
    workers: workerFlags.workers,
    env: workerFlags.env,
    file: Flags.string({
      helpValue: 'PATH',
      multiple: true,
      multipleNonGreedy: true,
      summary: 'A further file that travels along; may be repeated.',
    }),
    python: Flags.string({helpValue: 'PATH', summary: 'Python that has dask and distributed, for all pods.'}),
    keep: Flags.boolean({summary: 'Leave the sandbox running.'}),
  }

  protected override readonly failedWith = EXIT.ownFailure

  async run(): Promise<void> {
    const {flags} = await this.parse(SandboxRun)
    const command = this.tail ?? []
    if (command.length === 0)
      throw usageError('there is no command', `write it behind "--", like "${this.config.bin} sandbox run -- python train.py"`)
    // A script that is not there is told before anything is started.
    await packFiles(command, flags.file ?? [], process.cwd())
    const name = flags.sandbox
    const up = await startUp({name, python: flags.python, hasOperator: true, signal: this.signal})
    if (!up.already) tell(`sandbox "${name}" is up`)
    if (!up.hasOperator) tell(`sandbox "${name}" has no operator of its own: the program waits for one that is installed in it`)
    try {
      const given = [
        ...(flags.workers === undefined ? [] : ['--workers', String(flags.workers)]),
        ...(flags.env ?? []).flatMap((variable) => ['--env', `${variable.name}=${variable.value}`]),
        ...(flags.file ?? []).flatMap((path) => ['--file', path]),
      ]
      await new JobRun(['--kubeconfig', up.kubeconfig, '--rm', '--image', 'local', ...given, '--', ...command], this.config).execute()
    } finally {
      // What was kept before stays kept.
      if (!up.already && !flags.keep) await inUsersWords(sandboxDown({name, keep: up.hasKept}))
    }
  }
}
