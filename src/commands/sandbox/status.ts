import {DaskCommand} from '../../cli/command.ts'
import {formatAge} from '../../cli/duration.ts'
import {outputFlag} from '../../cli/flags.ts'
import {answer, formatDocument} from '../../cli/output.ts'
import {sandboxName} from '../../cli/sandbox-flags.ts'
import {alignCells} from '../../cli/table.ts'
import {EXIT, UserError} from '../../cli/user-error.ts'
import {sandboxLog, sandboxStatus} from '../../sandbox/life.ts'
import {hasVanished} from '../../sandbox/state.ts'

export default class SandboxStatus extends DaskCommand {
  static override summary = 'Tell whether a sandbox runs, and how to reach it.'
  static override examples = [
    {description: 'Does it run?', command: 'sandbox status'},
    {description: 'Its kubeconfig, for other tools', command: 'sandbox status -o json'},
  ]
  static override flags = {name: sandboxName, output: outputFlag}

  async run(): Promise<void> {
    const {flags} = await this.parse(SandboxStatus)
    const {name} = flags
    const info = await sandboxStatus({name})
    if (!info) {
      const next = [`"${this.config.bin} sandbox up" starts one`]
      const message = (await hasVanished(name))
        ? `sandbox "${name}" has ended unexpectedly; its last words are in ${sandboxLog(name)}`
        : `no sandbox "${name}" runs`
      throw new UserError(message, {next, exitCode: EXIT.notFound})
    }
    if (flags.output === 'json' || flags.output === 'yaml') return answer(await formatDocument(info, flags.output))
    if (flags.output === 'name') return answer(`${info.context}\n`)
    const rows = [
      ['Sandbox:', name],
      ['Context:', info.context],
      ['Server:', info.url],
      ['Kubeconfig:', info.kubeconfig],
      ['Python:', info.python],
      ['Operator:', info.hasOperator ? 'its own' : 'none of its own'],
      ['Log:', sandboxLog(name)],
      ['Age:', formatAge(info.startedAt, Date.now())],
    ]
    answer(alignCells(rows))
  }
}
