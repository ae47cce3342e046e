import {Args} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {dryRunFlag, dryRunOf, nameArg, timeoutFlag} from '../../cli/flags.ts'
import {answer, tell} from '../../cli/output.ts'
import {waitForRollout} from '../../cli/rollout.ts'
import {askRestart} from '../../cli/suspend.ts'
import {undoRollout} from '../../cli/undo-rollout.ts'
import {usageError} from '../../cli/user-error.ts'
import {withProgress} from '../../cli/with-progress.ts'
import {doneText} from '../../cli/write.ts'

export default class ClusterRollout extends DaskCommand {
  static override summary = 'Follow a change of a cluster until all of its workers are new, make them new, or take the change back.'
  static override description =
    'undo goes back to the pod templates of before the last change, of scheduler and workers; numbers, services and strategies stay, ' +
    'and another undo takes the first one back. A scheduler that has run with the changed template waits for "cluster rollout restart".\n'
  static override examples = [
    {description: 'After an edit: wait until it has been carried out', command: 'cluster rollout status demo'},
    {description: 'Another scheduler and other workers, of the same spec', command: 'cluster rollout restart demo'},
    {description: 'The new image was a mistake', command: 'cluster rollout undo demo'},
  ]
  static override args = {
    action: Args.string({
      description: 'status, restart or undo.',
      options: ['status', 'restart', 'undo'],
      required: true,
      ignoreStdin: true,
    }),
    name: nameArg('cluster'),
  }
  static override flags = {timeout: timeoutFlag('10m'), 'dry-run': dryRunFlag}

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterRollout)
    const {client, namespace} = await this.connect(flags)
    const {action, name} = args
    const subject = `daskcluster.kubernetes.dask.org/${name}`
    const dryRun = dryRunOf(flags)
    const call = {client, namespace, name, signal: this.signal}
    if (action === 'restart') {
      await askRestart({...call, dryRun: dryRun !== undefined})
      return answer(`${subject} ${doneText('restarted', dryRun)}\n`)
    }
    if (action === 'undo') {
      const parts = await undoRollout({...call, dryRun: dryRun !== undefined})
      answer(`${subject} ${doneText('rolled back', dryRun)}\n`)
      return tell(`the template of its ${parts.join(' and ')} went back; "${this.bin} cluster rollout status ${name}" follows it`)
    }
    if (dryRun !== undefined) throw usageError('"rollout status" writes nothing that --dry-run could leave out')
    const title = `DaskCluster "${name}" in namespace "${namespace}"`
    await withProgress(title, (report) => waitForRollout({...call, timeoutMs: flags.timeout, report}))
    answer(`${subject} successfully rolled out\n`)
  }
}
