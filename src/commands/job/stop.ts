import {Flags} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {dryRunFlag, dryRunOf, nameArg, timeoutFlag} from '../../cli/flags.ts'
import {answer, tell} from '../../cli/output.ts'
import {askStop, waitForEnd} from '../../cli/stop-job.ts'
import {UserError} from '../../cli/user-error.ts'
import {doneText} from '../../cli/write.ts'

export default class JobStop extends DaskCommand {
  static override summary = 'End a job before its time and keep it as a failed one.'
  static override description =
    'Its program ends as a deleted pod does (SIGTERM first), is not tried again, and its own cluster goes as after any failure ' +
    '(--keep-cluster keeps it). The job stays with its log, Failed with the reason Stopped, until it is deleted; "job retry" runs it once more. ' +
    '"job suspend" is for a pause, "job delete" takes the job itself away too.\n'
  static override examples = [
    {description: 'End it, and wait until it has ended', command: 'job stop train-x7k2p'},
    {description: 'Only ask for it', command: 'job stop train-x7k2p --no-wait'},
  ]
  static override args = {name: nameArg('job')}
  static override flags = {
    wait: Flags.boolean({allowNo: true, default: true, summary: 'Wait until it has ended (that is the default).'}),
    timeout: timeoutFlag('2m'),
    'dry-run': dryRunFlag,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(JobStop)
    const {client, namespace} = await this.connect(flags)
    const {name} = args
    const dryRun = dryRunOf(flags)
    const subject = `daskjob.kubernetes.dask.org/${name}`
    const call = {client, namespace, name, signal: this.signal}
    if (!(await askStop(call, dryRun !== undefined))) return answer(`${subject} has ended already\n`)
    if (flags.wait && dryRun === undefined) {
      const {status} = await waitForEnd({...call, timeoutMs: flags.timeout})
      if (status?.jobStatus === 'Successful') throw new UserError(`job "${name}" was done before it could be stopped`)
    }
    answer(`${subject} ${doneText('stopped', dryRun)}\n`)
    if (dryRun === undefined) tell(`"${this.bin} job retry ${name}" runs it once more, "${this.bin} job delete ${name}" takes it away`)
  }
}
