import {DASK_JOBS} from '../../api/dask.ts'
import {DaskCommand} from '../../cli/command.ts'
import {nameArg, outputFlag, timeoutFlag} from '../../cli/flags.ts'
import {showJob} from '../../cli/show-job.ts'
import {EXIT} from '../../cli/user-error.ts'

export default class JobWait extends DaskCommand {
  static override summary = 'Wait for the end of a job, and end with its exit code.'
  static override description = 'Exit code 125 is a failure of ours, 124 a time that is up; the job goes on then.\n'
  static override examples = [{description: 'In a script', command: 'job wait train-x7k2p --timeout 2h'}]
  static override args = {name: nameArg('job')}
  static override flags = {timeout: timeoutFlag('24h'), output: outputFlag}

  protected override readonly failedWith = EXIT.ownFailure

  async run(): Promise<void> {
    const {args, flags} = await this.parse(JobWait)
    const {client, namespace} = await this.connect(flags)
    await client.get(DASK_JOBS, {namespace, name: args.name}, {signal: this.signal})
    await showJob({
      ...{client, namespace, name: args.name, signal: this.signal, bin: this.bin, output: flags.output},
      ...{timeoutMs: flags.timeout, isQuiet: true},
    })
  }
}
