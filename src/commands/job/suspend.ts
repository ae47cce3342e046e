import {DASK_JOBS} from '../../api/dask.ts'
import {DaskCommand} from '../../cli/command.ts'
import {dryRunFlag, dryRunOf, nameArg} from '../../cli/flags.ts'
import {answer} from '../../cli/output.ts'
import {setSuspend} from '../../cli/suspend.ts'
import {doneText} from '../../cli/write.ts'

export default class JobSuspend extends DaskCommand {
  static override summary = "End a job's program and keep the job."
  static override description = 'The pods of its own cluster go too. "job resume" begins the program anew.\n'
  static override examples = [{description: 'Make room for something else', command: 'job suspend train-x7k2p'}]
  static override args = {name: nameArg('job')}
  static override flags = {'dry-run': dryRunFlag}

  async run(): Promise<void> {
    const {args, flags} = await this.parse(JobSuspend)
    const {client, namespace} = await this.connect(flags)
    const dryRun = dryRunOf(flags)
    const call = {client, kind: DASK_JOBS, namespace, name: args.name, dryRun: dryRun !== undefined, signal: this.signal}
    const hasChanged = await setSuspend(true, call)
    answer(`daskjob.kubernetes.dask.org/${args.name} ${hasChanged ? doneText('suspended', dryRun) : 'is suspended already'}\n`)
  }
}
