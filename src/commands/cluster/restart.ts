import {Flags} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {dryRunFlag, dryRunOf, nameArg, timeoutFlag} from '../../cli/flags.ts'
import {answer} from '../../cli/output.ts'
import {askRestart, waitForFreshPods} from '../../cli/suspend.ts'
import {waitForCluster} from '../../cli/wait-cluster.ts'
import {withProgress} from '../../cli/with-progress.ts'
import {doneText} from '../../cli/write.ts'

export default class ClusterRestart extends DaskCommand {
  static override summary = "Replace a cluster's scheduler and all its workers."
  static override description =
    'Tasks and results that the scheduler knows go with it. A change of the scheduler in the spec, which waits for a restart, is carried out.\n'
  static override examples = [{description: 'And wait until it is ready again', command: 'cluster restart demo --wait'}]
  static override args = {name: nameArg('cluster')}
  static override flags = {
    wait: Flags.boolean({summary: 'Wait until every pod is new and the cluster is ready.'}),
    timeout: timeoutFlag('5m'),
    'dry-run': dryRunFlag,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterRestart)
    const {client, namespace} = await this.connect(flags)
    const dryRun = dryRunOf(flags)
    const call = {client, namespace, name: args.name, signal: this.signal}
    const at = await askRestart({...call, dryRun: dryRun !== undefined})
    answer(`daskcluster.kubernetes.dask.org/${args.name} ${doneText('restarted', dryRun)}\n`)
    if (!flags.wait || dryRun !== undefined) return
    const title = `DaskCluster "${args.name}" in namespace "${namespace}"`
    await withProgress(title, async (report) => {
      const wait = {...call, timeoutMs: flags.timeout, report}
      await waitForFreshPods(at, wait)
      await waitForCluster({...wait, bin: this.bin})
    })
  }
}
