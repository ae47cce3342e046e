import {Flags} from '@oclif/core'
import {DASK_WORKER_GROUPS} from '../../api/dask.ts'
import {DaskCommand} from '../../cli/command.ts'
import {listFlags, nameArg} from '../../cli/flags.ts'
import {answer, formatDocument, tell} from '../../cli/output.ts'
import {renderTable} from '../../cli/table.ts'
import {readWorkers, sortWorkerRows, WORKER_ORDERS, type WorkerOrder, workerColumns} from '../../cli/workers.ts'

/** Connected and taking tasks; or, where the scheduler cannot be asked, a ready pod. */
const WORKS: ReadonlySet<string> = new Set(['running', 'Ready'])

export default class ClusterWorkers extends DaskCommand {
  static override summary = "Show a cluster's workers as its scheduler sees them, with their pods."
  static override description = 'Numbers are those of the last heartbeat. A pod whose worker is not connected shows why.\n'
  static override examples = [
    {description: 'Who does what, and how full is each?', command: 'cluster workers demo'},
    {description: 'Whose memory is the fullest?', command: 'cluster workers demo --sort-by memory'},
    {description: 'Which ones do not work, and why?', command: 'cluster workers demo --unready -o wide'},
    {description: 'With nodes, addresses and causes', command: 'cluster workers demo -o wide'},
    {description: 'What a script needs of each', command: 'cluster workers demo -o custom-columns=POD:.pod,STATUS:.status'},
  ]
  static override args = {name: nameArg('cluster')}
  static override flags = {
    output: listFlags.output,
    'no-headers': listFlags['no-headers'],
    'sort-by': Flags.string({options: [...WORKER_ORDERS], helpValue: 'WHAT', summary: `${WORKER_ORDERS.join(', ')}: the largest first.`}),
    unready: Flags.boolean({summary: 'Only those that are not connected, or do not take tasks.'}),
    group: Flags.string({char: 'g', helpValue: 'NAME', summary: 'Of this group alone.'}),
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterWorkers)
    const {client, namespace} = await this.connect(flags)
    const {rows, isAsked, isSuspended} = await readWorkers(client, namespace, args.name, this.signal)
    if (flags.group !== undefined) await client.get(DASK_WORKER_GROUPS, {namespace, name: flags.group}, {signal: this.signal})
    const order = flags['sort-by'] as WorkerOrder | undefined
    const shown = (order ? sortWorkerRows(rows, order) : rows).filter(
      ({group, status}) => (flags.group === undefined || group === flags.group) && !(flags.unready && WORKS.has(status)),
    )
    if (!isAsked)
      tell(
        isSuspended
          ? `DaskCluster "${args.name}" is suspended`
          : `the scheduler of "${args.name}" is not ready: nothing is known of who is connected`,
      )
    if (flags.output === 'json' || flags.output === 'yaml') return answer(await formatDocument(shown, flags.output))
    if (flags.output === 'name') return answer([...new Set(shown.map(({pod}) => `pod/${pod}\n`))].join(''))
    if (flags.output !== undefined && flags.output !== 'wide') {
      const {parseFormat} = await import('../../cli/list-format.ts')
      return answer(parseFormat(flags.output)(shown, shown, flags['no-headers']))
    }
    if (shown.length === 0) return tell(`DaskCluster "${args.name}" has no ${rows.length > 0 ? 'such workers' : 'workers'}`)
    answer(renderTable(shown, workerColumns, {wide: flags.output === 'wide', noHeaders: flags['no-headers'], now: Date.now()}))
  }
}
