import {DaskCommand} from '../../cli/command.ts'
import {readCluster, renderCluster} from '../../cli/describe-cluster.ts'
import {nameArg, outputFlag} from '../../cli/flags.ts'
import {answer, formatDocument, qualifiedName} from '../../cli/output.ts'

export default class ClusterDescribe extends DaskCommand {
  static override summary = 'Show a cluster on one screen: conditions, pods with what they wait for, events, next step.'
  static override examples = [
    {description: 'Why is it not ready?', command: 'cluster describe demo'},
    {description: 'All of it for a script', command: 'cluster describe demo -o json'},
  ]
  static override args = {name: nameArg('cluster')}
  static override flags = {output: outputFlag}

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterDescribe)
    const {client, namespace} = await this.connect(flags)
    const view = await readCluster(client, namespace, args.name, this.signal)
    if (flags.output === 'json' || flags.output === 'yaml') return answer(await formatDocument(view, flags.output))
    answer(flags.output === 'name' ? `${qualifiedName(view.cluster)}\n` : renderCluster(view, this.binAnywhere, Date.now()))
  }
}
