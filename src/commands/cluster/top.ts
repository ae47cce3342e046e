import {Flags} from '@oclif/core'
import {DaskCommand} from '../../cli/command.ts'
import {listFlags, namesArg} from '../../cli/flags.ts'
import {answer, formatDocument, tell} from '../../cli/output.ts'
import {type Column, renderTable} from '../../cli/table.ts'
import {readTop, sortTop, TOP_ORDERS, type TopOrder, type TopRow, topColumns} from '../../cli/top.ts'
import {usageError} from '../../cli/user-error.ts'

const NAMESPACE: Column<TopRow> = {header: 'NAMESPACE', value: ({namespace}) => namespace}

export default class ClusterTop extends DaskCommand {
  static override summary = 'Show what clusters use: CPU, memory, what has gone to disk, and tasks.'
  static override description =
    'By the last heartbeats of their workers; "cluster workers" shows each of those, and "cluster watch" all of it live. No metrics server is needed.\n'
  static override examples = [
    {description: 'Those of the current namespace', command: 'cluster top'},
    {description: 'Who needs most of the memory?', command: 'cluster top -A --sort-by memory'},
  ]
  static override args = {name: namesArg('clusters; all where none is given')}
  static override flags = {
    'all-namespaces': listFlags['all-namespaces'],
    selector: listFlags.selector,
    output: Flags.string({char: 'o', options: ['json', 'yaml', 'wide'], helpValue: 'FORMAT', summary: 'json, yaml or wide.'}),
    'sort-by': Flags.string({options: [...TOP_ORDERS], helpValue: 'WHAT', summary: `${TOP_ORDERS.join(', ')}: the largest first.`}),
    'no-headers': listFlags['no-headers'],
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterTop)
    const {name: names = []} = args
    const {'all-namespaces': isEverywhere = false, selector} = flags
    if (names.length > 0 && (isEverywhere || selector !== undefined))
      throw usageError(`names and --${isEverywhere ? 'all-namespaces' : 'selector'} exclude each other`, 'leave one of them out')
    const {client, namespace} = await this.connect(flags)
    const {rows: read, missing} = await readTop({
      client,
      namespace: isEverywhere ? undefined : namespace,
      names,
      selector,
      signal: this.signal,
    })
    const order = flags['sort-by'] as TopOrder | undefined
    const rows = order ? sortTop(read, order) : read
    if (flags.output === 'json' || flags.output === 'yaml') answer(await formatDocument(rows, flags.output))
    else if (rows.length === 0) tell(isEverywhere ? 'No resources found' : `No resources found in ${namespace} namespace.`)
    else {
      for (const {name, numbers} of rows)
        if (numbers && 'error' in numbers) tell(`the scheduler of "${name}" does not answer: ${numbers.error}`)
      const columns = isEverywhere ? [NAMESPACE, ...topColumns] : topColumns
      answer(renderTable(rows, columns, {wide: flags.output === 'wide', noHeaders: flags['no-headers'], now: Date.now()}))
    }
    if (missing) throw missing.reason
  }
}
