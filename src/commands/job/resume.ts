import {DASK_JOBS} from '../../api/dask.ts'
import {DaskCommand} from '../../cli/command.ts'
import {dryRunFlag, dryRunOf, nameArg} from '../../cli/flags.ts'
import {answer} from '../../cli/output.ts'
import {setSuspend} from '../../cli/suspend.ts'
import {doneText} from '../../cli/write.ts'

export default class JobResume extends DaskCommand {
  static override summary = 'Begin the program of a suspended job anew.'
  static override description = 'Its deadline begins anew as well.\n'
  static override examples = [{description: 'Go on', command: 'job resume train-x7k2p'}]
  static override args = {name: nameArg('job')}
  static override flags = {'dry-run': dryRunFlag}

  async run(): Promise<void> {
    const {args, flags} = await this.parse(JobResume)
    const {client, namespace} = await this.connect(flags)
    const dryRun = dryRunOf(flags)
    const call = {client, kind: DASK_JOBS, namespace, name: args.name, dryRun: dryRun !== undefined, signal: this.signal}
    const hasChanged = await setSuspend(false, call)
    answer(`daskjob.kubernetes.dask.org/${args.name} ${hasChanged ? doneText('resumed', dryRun) : 'is not suspended'}\n`)
  }
}
