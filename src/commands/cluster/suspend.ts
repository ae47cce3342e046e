import {Flags} from '@oclif/core'
import {DASK_CLUSTERS} from '../../api/dask.ts'
import {DaskCommand} from '../../cli/command.ts'
import {dryRunFlag, dryRunOf, nameArg, timeoutFlag} from '../../cli/flags.ts'
import {answer} from '../../cli/output.ts'
import {refuseForItsJob, setSuspend, waitForSuspended} from '../../cli/suspend.ts'
import {withProgress} from '../../cli/with-progress.ts'
import {doneText} from '../../cli/write.ts'

export default class ClusterSuspend extends DaskCommand {
  static override summary = "Take a cluster's pods away and keep the cluster."
  static override description =
    'Workers finish what they run; results and queued tasks go with the scheduler. "cluster resume" brings the pods back. ' +
    'The own cluster of a job that has not ended is suspended with it: "job suspend".\n'
  static override examples = [
    {description: 'Over the weekend', command: 'cluster suspend demo'},
    {description: 'And wait until no pod is left', command: 'cluster suspend demo --wait'},
  ]
  static override args = {name: nameArg('cluster')}
  static override flags = {
    wait: Flags.boolean({summary: 'Wait until no pod is left.'}),
    timeout: timeoutFlag('5m'),
    'dry-run': dryRunFlag,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterSuspend)
    const {client, namespace} = await this.connect(flags)
    const dryRun = dryRunOf(flags)
    const call = {client, namespace, name: args.name, signal: this.signal}
    await refuseForItsJob(true, {...call, bin: this.bin})
    const hasChanged = await setSuspend(true, {...call, kind: DASK_CLUSTERS, dryRun: dryRun !== undefined})
    answer(`daskcluster.kubernetes.dask.org/${args.name} ${hasChanged ? doneText('suspended', dryRun) : 'is suspended already'}\n`)
    if (!flags.wait || dryRun !== undefined) return
    const title = `DaskCluster "${args.name}" in namespace "${namespace}"`
    await withProgress(title, (report) => waitForSuspended({...call, timeoutMs: flags.timeout, report}))
  }
}
