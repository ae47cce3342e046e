import {Flags} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {canBeAsked, confirm} from '../../cli/confirm.ts'
import {formatAge, parseDuration} from '../../cli/duration.ts'
import {dryRunFlag, dryRunOf} from '../../cli/flags.ts'
import {findLeftovers, type Leftover} from '../../cli/leftovers.ts'
import {answer, qualifiedName, tell} from '../../cli/output.ts'
import {readSurroundings, removeLeftover} from '../../cli/prune.ts'
import {alignCells} from '../../cli/table.ts'
import {UserError, usageError} from '../../cli/user-error.ts'
import {doneText} from '../../cli/write.ts'

const time = Flags.custom<number>({helpValue: 'TIME', parse: async (text) => parseDuration(text)})

export default class ClusterPrune extends DaskCommand {
  static override summary = 'Delete what is left over: of clusters that are gone, and clusters and jobs that nobody needs.'
  static override description =
    'Without further flags: groups, autoscalers, services and pods of clusters that are gone, where nothing else owns them. ' +
    'All of it is listed, and asked about on a terminal; without a terminal it takes --yes. ' +
    'A cluster that has got work meanwhile stays; one that belongs to a job goes with its job.\n'
  static override examples = [
    {description: 'What would go?', command: 'cluster prune --idle 2h --finished 1d --dry-run=client'},
    {description: 'What belongs to no cluster any more', command: 'cluster prune'},
    {description: 'Every night, in all namespaces', command: 'cluster prune -A --idle 12h --older-than 7d --finished 2d --yes'},
  ]
  static override flags = {
    idle: time({summary: 'Clusters too whose scheduler has had nothing to do for so long, like 2h.'}),
    'older-than': time({summary: 'Clusters too that were made so long ago, whether they work or not, like 7d.'}),
    finished: time({summary: 'Jobs too that ended so long ago, with their logs, like 1d.'}),
    grace: time({
      default: parseDuration('5m'),
      noCacheDefault: true,
      summary: 'Leave alone what belongs to no cluster for so long after it was made (5m where it is not given).',
    }),
    'all-namespaces': Flags.boolean({char: 'A', summary: 'In all namespaces.'}),
    yes: Flags.boolean({char: 'y', summary: 'Do not ask.'}),
    'dry-run': dryRunFlag,
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(ClusterPrune)
    const dryRun = dryRunOf(flags)
    if (!flags.yes && dryRun === undefined && !canBeAsked())
      throw usageError('nobody can be asked here whether all of it may go', 'say --yes, or look first with --dry-run=client')
    const {client, namespace} = await this.connect(flags)
    const isEverywhere = flags['all-namespaces']
    const call = {client, namespace: isEverywhere ? undefined : namespace, signal: this.signal}
    const rules = {idleMs: flags.idle, olderMs: flags['older-than'], finishedMs: flags.finished, graceMs: flags.grace}
    const found = findLeftovers(await readSurroundings(call, rules), rules, Date.now())
    const place = isEverywhere ? 'all namespaces' : `namespace "${namespace}"`
    if (found.length === 0) return tell(`nothing is left over in ${place}`)
    if (!flags.yes && dryRun === undefined) {
      tell(listed(found, isEverywhere, Date.now()))
      if (!(await confirm(`Delete these ${found.length} in ${place}?`, this.signal))) throw new UserError('nothing was deleted')
    }
    for (const leftover of found) {
      const {object, why} = leftover
      const subject = `${qualifiedName({...object, apiVersion: leftover.kind.apiVersion, kind: leftover.kind.kind})}${isEverywhere ? ` of ${object.metadata.namespace}` : ''}`
      const isGone = dryRun === 'client' || (await removeLeftover(leftover, call, dryRun === 'server'))
      if (isGone) answer(`${subject} ${doneText('deleted', dryRun)}: ${why}\n`)
      else tell(`${subject} stays: it is no longer idle`)
    }
  }
}

const listed = (found: readonly Leftover[], hasNamespaces: boolean, now: number): string =>
  alignCells([
    [...(hasNamespaces ? ['NAMESPACE'] : []), 'KIND', 'NAME', 'AGE', 'WHY'],
    ...found.map(({kind, object: {metadata}, why}) => [
      ...(hasNamespaces ? [metadata.namespace ?? ''] : []),
      ...[kind.kind, metadata.name, formatAge(metadata.creationTimestamp, now), why],
    ]),
  ])
