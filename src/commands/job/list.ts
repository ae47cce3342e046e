import {DASK_JOBS} from '../../api/dask.ts'
import {jobColumns} from '../../cli/columns.ts'
import {DaskCommand} from '../../cli/command.ts'
import {listFlags, namesArg} from '../../cli/flags.ts'
import {printList} from '../../cli/list.ts'

export default class JobList extends DaskCommand {
  static override summary = 'List jobs.'
  static override examples = [
    {description: 'Those of the current namespace', command: 'job list'},
    {description: 'Names alone, for a script', command: 'job list -o name'},
  ]
  static override args = {name: namesArg('jobs; all where none is given')}
  static override flags = listFlags

  async run(): Promise<void> {
    const {args, flags} = await this.parse(JobList)
    const {client, namespace} = await this.connect(flags)
    await printList({client, kind: DASK_JOBS, namespace, names: args.name ?? [], columns: jobColumns, flags, signal: this.signal})
  }
}
