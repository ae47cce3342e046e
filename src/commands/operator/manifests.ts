import {Flags} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {readCrds} from '../../cli/crds.ts'
import {operatorManifests} from '../../cli/install/manifests.ts'
import {installFlags, installOptions} from '../../cli/install/options.ts'
import {answerManifests} from '../../cli/output.ts'

export default class OperatorManifests extends DaskCommand {
  static override summary = 'Print what "operator install" would apply, for Git or another tool.'
  static override description = 'No server is asked. Apply it server-side: client-side apply refuses a ConfigMap of this size.\n'
  static override examples = [
    {description: 'Into a file', command: 'operator manifests > operator.yaml'},
    {description: 'Without the resource definitions', command: 'operator manifests --no-crds --replicas 2'},
  ]
  static override flags = {
    ...installFlags,
    crds: Flags.boolean({allowNo: true, default: true, summary: 'With the resource definitions (that is the default).'}),
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(OperatorManifests)
    const options = await installOptions(flags, this.config.version)
    await answerManifests([...(flags.crds ? await readCrds() : []), ...operatorManifests(options)])
  }
}
