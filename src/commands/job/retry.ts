import {DASK_JOBS} from '../../api/dask.ts'
import {DaskCommand} from '../../cli/command.ts'
import {dryRunFlag, dryRunOf, nameArg, timeoutFlag} from '../../cli/flags.ts'
import {answer, tell} from '../../cli/output.ts'
import {retryJob} from '../../cli/retry-job.ts'
import {UserError} from '../../cli/user-error.ts'
import {doneText} from '../../cli/write.ts'

export default class JobRetry extends DaskCommand {
  static override summary = 'Run a job that has ended once more, under its own name.'
  static override description = 'Its log and its status go; files that travelled with it travel again.\n'
  static override examples = [{description: 'And look at it', command: 'job retry train-x7k2p'}]
  static override args = {name: nameArg('job')}
  static override flags = {timeout: timeoutFlag('2m'), 'dry-run': dryRunFlag}

  async run(): Promise<void> {
    const {args, flags} = await this.parse(JobRetry)
    const {client, namespace} = await this.connect(flags)
    const {name} = args
    const before = await client.get(DASK_JOBS, {namespace, name}, {signal: this.signal})
    const {jobStatus} = before.status ?? {}
    if (jobStatus !== 'Successful' && jobStatus !== 'Failed')
      throw new UserError(`job "${name}" has not ended yet`, {
        next: [`"${this.bin} job attach ${name}" waits for it`, `"${this.bin} job stop ${name}" ends it`],
      })
    const dryRun = dryRunOf(flags)
    if (dryRun === 'server') await client.delete(DASK_JOBS, {namespace, name}, {dryRun: true, signal: this.signal})
    if (dryRun !== undefined) return answer(`daskjob.kubernetes.dask.org/${name} ${doneText('replaced', dryRun)}\n`)
    await retryJob(before, {client, namespace, timeoutMs: flags.timeout, signal: this.signal})
    answer(`daskjob.kubernetes.dask.org/${name} replaced\n`)
    tell(`"${this.bin} job attach ${name}" follows it`)
  }
}
