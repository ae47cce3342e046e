import {Args, Flags} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {dryRunFlag, dryRunOf, nameArg, timeoutFlag} from '../../cli/flags.ts'
import {answer, formatDocument, tell} from '../../cli/output.ts'
import {waitForRollout} from '../../cli/rollout.ts'
import {historyColumns, historyRows, readHistory} from '../../cli/rollout-history.ts'
import {askRestart} from '../../cli/suspend.ts'
import {renderTable} from '../../cli/table.ts'
import {revisionOf, undoRollout} from '../../cli/undo-rollout.ts'
import {usageError} from '../../cli/user-error.ts'
import {withProgress} from '../../cli/with-progress.ts'
import {doneText} from '../../cli/write.ts'

const ACTIONS = ['status', 'restart', 'history', 'undo']

/** Flags of one action, which mean nothing to the others. */
const OWN = {'to-revision': 'undo', revision: 'history', output: 'history'} as const

export default class ClusterRollout extends DaskCommand {
  static override summary = 'Follow a change of a cluster until all of its workers are new, make them new, or take the change back.'
  static override description =
    'undo goes back to the pod templates of before the last change (or those of --to-revision), of scheduler and workers; numbers, services and ' +
    'strategies stay, and another undo takes the first one back. A scheduler that has run with the changed template waits for "cluster rollout restart".\n'
  static override examples = [
    {description: 'After an edit: wait until it has been carried out', command: 'cluster rollout status demo'},
    {description: 'Another scheduler and other workers, of the same spec', command: 'cluster rollout restart demo'},
    {description: 'What has been changed, one revision after the other', command: 'cluster rollout history demo'},
    {description: 'The new image was a mistake', command: 'cluster rollout undo demo'},
  ]
  static override args = {
    action: Args.string({
      description: 'status, restart, history or undo.',
      options: ACTIONS,
      required: true,
      ignoreStdin: true,
    }),
    name: nameArg('cluster'),
  }
  static override flags = {
    timeout: timeoutFlag('10m'),
    'to-revision': Flags.integer({
      min: 1,
      helpValue: 'N',
      summary: 'undo: to this one of "cluster rollout history", and not to the last before.',
    }),
    revision: Flags.integer({min: 1, helpValue: 'N', summary: 'history: the templates of this one.'}),
    output: Flags.string({
      char: 'o',
      options: ['json', 'yaml'],
      helpValue: 'FORMAT',
      summary: 'history: with the templates, as json or yaml.',
    }),
    'dry-run': dryRunFlag,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterRollout)
    const {action, name} = args
    for (const [flag, owner] of Object.entries(OWN))
      if (flags[flag as keyof typeof OWN] !== undefined && action !== owner)
        throw usageError(`--${flag} belongs to "rollout ${owner}", and not to "rollout ${action}"`)
    const {client, namespace} = await this.connect(flags)
    const subject = `daskcluster.kubernetes.dask.org/${name}`
    const dryRun = dryRunOf(flags)
    const call = {client, namespace, name, signal: this.signal}
    if (action === 'restart') {
      await askRestart({...call, dryRun: dryRun !== undefined})
      return answer(`${subject} ${doneText('restarted', dryRun)}\n`)
    }
    if (action === 'undo') {
      const parts = await undoRollout({...call, toRevision: flags['to-revision'], dryRun: dryRun !== undefined})
      answer(`${subject} ${doneText('rolled back', dryRun)}\n`)
      return tell(`the template of its ${parts.join(' and ')} went back; "${this.bin} cluster rollout status ${name}" follows it`)
    }
    if (dryRun !== undefined) throw usageError(`"rollout ${action}" writes nothing that --dry-run could leave out`)
    if (action === 'history') {
      const {revisions} = await readHistory(call)
      const format = flags.output as 'json' | 'yaml' | undefined
      if (flags.revision !== undefined) return answer(await formatDocument(revisionOf(revisions, name, flags.revision), format ?? 'yaml'))
      if (format) return answer(await formatDocument(revisions, format))
      return answer(renderTable(historyRows(revisions), historyColumns, {noHeaders: false, now: Date.now()}))
    }
    const title = `DaskCluster "${name}" in namespace "${namespace}"`
    await withProgress(title, (report) => waitForRollout({...call, timeoutMs: flags.timeout, report, bin: this.bin}))
    answer(`${subject} successfully rolled out\n`)
  }
}
