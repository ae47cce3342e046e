import {Flags} from '@oclif/core'
import {DASK_WORKER_GROUPS} from '../../api/dask.ts'
import {groupColumns} from '../../cli/columns.ts'
import {DaskCommand} from '../../cli/command.ts'
import {listFlags, namesArg} from '../../cli/flags.ts'
import {printList} from '../../cli/list.ts'

export default class WorkerGroupList extends DaskCommand {
  static override summary = 'List groups of workers.'
  static override examples = [
    {description: 'All of the current namespace', command: 'workergroup list'},
    {description: 'Those of one cluster', command: 'workergroup list --dask-cluster demo'},
  ]
  static override args = {name: namesArg('groups; all where none is given')}
  static override flags = {
    'dask-cluster': Flags.string({char: 'c', helpValue: 'NAME', summary: 'Only those of this Dask cluster.'}),
    ...listFlags,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(WorkerGroupList)
    const {client, namespace} = await this.connect(flags)
    const wanted = flags['dask-cluster']
    await printList({
      ...{client, kind: DASK_WORKER_GROUPS, namespace, names: args.name ?? [], columns: groupColumns, flags, signal: this.signal},
      keep: ({spec}) => wanted === undefined || spec.cluster === wanted,
    })
  }
}
