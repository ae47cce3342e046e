import {Flags} from '@oclif/core'
import {DASK_CLUSTERS} from '../../api/dask.ts'
import {DaskCommand} from '../../cli/command.ts'
import {dryRunFlag, dryRunOf, nameArg, timeoutFlag} from '../../cli/flags.ts'
import {answer} from '../../cli/output.ts'
import {refuseForItsJob, setSuspend} from '../../cli/suspend.ts'
import {waitForCluster} from '../../cli/wait-cluster.ts'
import {withProgress} from '../../cli/with-progress.ts'
import {doneText} from '../../cli/write.ts'

export default class ClusterResume extends DaskCommand {
  static override summary = 'Bring the pods of a suspended cluster back.'
  static override examples = [{description: 'And wait until it is ready', command: 'cluster resume demo --wait'}]
  static override args = {name: nameArg('cluster')}
  static override flags = {
    wait: Flags.boolean({summary: 'Wait until it is ready.'}),
    timeout: timeoutFlag('5m'),
    'dry-run': dryRunFlag,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterResume)
    const {client, namespace} = await this.connect(flags)
    const dryRun = dryRunOf(flags)
    const call = {client, namespace, name: args.name, signal: this.signal}
    await refuseForItsJob(false, {...call, bin: this.bin})
    const hasChanged = await setSuspend(false, {...call, kind: DASK_CLUSTERS, dryRun: dryRun !== undefined})
    answer(`daskcluster.kubernetes.dask.org/${args.name} ${hasChanged ? doneText('resumed', dryRun) : 'is not suspended'}\n`)
    if (!flags.wait || dryRun !== undefined) return
    const title = `DaskCluster "${args.name}" in namespace "${namespace}"`
    await withProgress(title, (report) => waitForCluster({...call, timeoutMs: flags.timeout, report, bin: this.bin}))
  }
}
