import {Flags} from '@oclif/core'
import {DASK_JOBS} from '../../api/dask.ts'
import {DaskCommand} from '../../cli/command.ts'
import {parseDuration} from '../../cli/duration.ts'
import {nameArg, outputFlag} from '../../cli/flags.ts'
import {showJob} from '../../cli/show-job.ts'
import {EXIT} from '../../cli/user-error.ts'

export default class JobAttach extends DaskCommand {
  static override summary = "Show a job's output as it comes, to its end, and end with its exit code."
  static override description = 'As "job run" does without --detach. Ctrl-C leaves the job running.\n'
  static override examples = [
    {description: 'From its beginning', command: 'job attach train-x7k2p'},
    {description: 'From the last lines on', command: 'job attach train-x7k2p --tail 20'},
  ]
  static override args = {name: nameArg('job')}
  static override flags = {
    tail: Flags.integer({min: 0, helpValue: 'N', summary: 'Begin with the last lines.'}),
    timeout: Flags.custom<number>({parse: async (text) => parseDuration(text)})({
      helpValue: 'TIME',
      summary: 'Stop waiting after this long, with exit code 124; the job goes on.',
    }),
    output: outputFlag,
  }

  protected override readonly failedWith = EXIT.ownFailure

  async run(): Promise<void> {
    const {args, flags} = await this.parse(JobAttach)
    const {client, namespace} = await this.connect(flags)
    await client.get(DASK_JOBS, {namespace, name: args.name}, {signal: this.signal})
    await showJob({
      ...{client, namespace, name: args.name, signal: this.signal, bin: this.bin, output: flags.output, tailLines: flags.tail},
      timeoutMs: flags.timeout ?? Number.POSITIVE_INFINITY,
    })
  }
}
