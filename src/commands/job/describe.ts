import {DaskCommand} from '../../cli/command.ts'
import {readJob, renderJob} from '../../cli/describe-job.ts'
import {nameArg, outputFlag} from '../../cli/flags.ts'
import {answer, formatDocument, qualifiedName} from '../../cli/output.ts'

export default class JobDescribe extends DaskCommand {
  static override summary = 'Show a job on one screen: how it ended or what it waits for, its cluster, its pods, events, next step.'
  static override examples = [
    {description: 'Why does it not begin, or why has it failed?', command: 'job describe train-x7k2p'},
    {description: 'All of it for a script', command: 'job describe train-x7k2p -o json'},
  ]
  static override args = {name: nameArg('job')}
  static override flags = {output: outputFlag}

  async run(): Promise<void> {
    const {args, flags} = await this.parse(JobDescribe)
    const {client, namespace} = await this.connect(flags)
    const view = await readJob(client, namespace, args.name, this.signal)
    if (flags.output === 'json' || flags.output === 'yaml') return answer(await formatDocument(view, flags.output))
    answer(flags.output === 'name' ? `${qualifiedName(view.job)}\n` : renderJob(view, this.binAnywhere, Date.now()))
  }
}
