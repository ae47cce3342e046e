import {Flags} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {answer} from '../../cli/output.ts'
import {sandboxName} from '../../cli/sandbox-flags.ts'
import {sandboxDown} from '../../sandbox/life.ts'
import {inUsersWords} from './up.ts'

export default class SandboxDown extends DaskCommand {
  static override summary = 'End a sandbox with all of its pods.'
  static override description =
    'Nothing of its pods and objects is left (its folder has its log still), unless it is to be kept: then the next "sandbox up" begins with its objects and with what its claims hold, and its pods start anew.\n'
  static override examples = [
    {description: 'End it', command: 'sandbox down'},
    {description: 'And go on with it another day', command: 'sandbox down --keep'},
  ]
  static override flags = {
    name: sandboxName,
    keep: Flags.boolean({summary: 'Keep what it holds for the next "sandbox up".'}),
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(SandboxDown)
    const {ran, kept} = await inUsersWords(sandboxDown(flags))
    const end = ran ? 'is down' : 'was not running'
    const fate = flags.keep ? '; what it held is kept' : ran ? '' : '; what was kept of it is gone'
    answer(`sandbox "${flags.name}" ${end}${kept ? fate : ''}\n`)
  }
}
