import {DaskCommand} from '../../cli/command.ts'
import {readAutoscaler, renderAutoscaler} from '../../cli/describe-autoscaler.ts'
import {nameArg, outputFlag} from '../../cli/flags.ts'
import {answer, formatDocument, qualifiedName} from '../../cli/output.ts'

export default class AutoscalerDescribe extends DaskCommand {
  static override summary = 'Show an autoscaler on one screen: bounds, last decision and its reason, events.'
  static override examples = [
    {description: 'Why are there so few workers?', command: 'autoscaler describe demo'},
    {description: 'All of it for a script', command: 'autoscaler describe demo -o json'},
  ]
  static override args = {name: nameArg('autoscaler')}
  static override flags = {output: outputFlag}

  async run(): Promise<void> {
    const {args, flags} = await this.parse(AutoscalerDescribe)
    const {client, namespace} = await this.connect(flags)
    const view = await readAutoscaler(client, namespace, args.name, this.signal)
    if (flags.output === 'json' || flags.output === 'yaml') return answer(await formatDocument(view, flags.output))
    answer(flags.output === 'name' ? `${qualifiedName(view.autoscaler)}\n` : renderAutoscaler(view, this.binAnywhere, Date.now()))
  }
}
