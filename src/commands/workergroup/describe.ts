import {DaskCommand} from '../../cli/command.ts'
import {readGroup, renderGroup} from '../../cli/describe-group.ts'
import {nameArg, outputFlag} from '../../cli/flags.ts'
import {answer, formatDocument, qualifiedName} from '../../cli/output.ts'

export default class WorkerGroupDescribe extends DaskCommand {
  static override summary = 'Show a group of workers on one screen: conditions, pods with what they wait for, events, next step.'
  static override examples = [
    {description: 'Why are its workers not ready?', command: 'workergroup describe demo-highmem'},
    {description: "A cluster's own workers", command: 'workergroup describe demo-default'},
  ]
  static override args = {name: nameArg('group')}
  static override flags = {output: outputFlag}

  async run(): Promise<void> {
    const {args, flags} = await this.parse(WorkerGroupDescribe)
    const {client, namespace} = await this.connect(flags)
    const view = await readGroup(client, namespace, args.name, this.signal)
    if (flags.output === 'json' || flags.output === 'yaml') return answer(await formatDocument(view, flags.output))
    answer(flags.output === 'name' ? `${qualifiedName(view.group)}\n` : renderGroup(view, this.binAnywhere, Date.now()))
  }
}
