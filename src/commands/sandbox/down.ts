import {DaskCommand} from '../../cli/command.ts'
import {answer} from '../../cli/output.ts'
import {sandboxName} from '../../cli/sandbox-flags.ts'
import {sandboxDown} from '../../sandbox/life.ts'

export default class SandboxDown extends DaskCommand {
  static override summary = 'End a sandbox with all of its pods.'
  static override examples = [{description: 'End it', command: 'sandbox down'}]
  static override flags = {name: sandboxName}

  async run(): Promise<void> {
    const {flags} = await this.parse(SandboxDown)
    const ran = await sandboxDown({name: flags.name})
    answer(`sandbox "${flags.name}" ${ran ? 'is down' : 'was not running'}\n`)
  }
}
