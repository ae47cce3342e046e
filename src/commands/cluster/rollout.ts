import {Args} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {nameArg, timeoutFlag} from '../../cli/flags.ts'
import {answer} from '../../cli/output.ts'
import {waitForRollout} from '../../cli/rollout.ts'
import {askRestart} from '../../cli/suspend.ts'
import {withProgress} from '../../cli/with-progress.ts'

export default class ClusterRollout extends DaskCommand {
  static override summary = 'Follow a change of a cluster until all of its workers are new, or make them new.'
  static override examples = [
    {description: 'After an edit: wait until it has been carried out', command: 'cluster rollout status demo'},
    {description: 'Another scheduler and other workers, of the same spec', command: 'cluster rollout restart demo'},
  ]
  static override args = {
    action: Args.string({description: 'status or restart.', options: ['status', 'restart'], required: true, ignoreStdin: true}),
    name: nameArg('cluster'),
  }
  static override flags = {timeout: timeoutFlag('10m')}

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterRollout)
    const {client, namespace} = await this.connect(flags)
    const {action, name} = args
    const subject = `daskcluster.kubernetes.dask.org/${name}`
    const call = {client, namespace, name, signal: this.signal}
    if (action === 'restart') {
      await askRestart({...call, dryRun: false})
      return answer(`${subject} restarted\n`)
    }
    const title = `DaskCluster "${name}" in namespace "${namespace}"`
    await withProgress(title, (report) => waitForRollout({...call, timeoutMs: flags.timeout, report}))
    answer(`${subject} successfully rolled out\n`)
  }
}
