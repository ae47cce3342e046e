import {DASK_CLUSTERS} from '../../api/dask.ts'
import {clusterColumns} from '../../cli/columns.ts'
import {DaskCommand} from '../../cli/command.ts'
import {listFlags, namesArg} from '../../cli/flags.ts'
import {printList} from '../../cli/list.ts'

export default class ClusterList extends DaskCommand {
  static override summary = 'List Dask clusters.'
  static override examples = [
    {description: 'Those of the current namespace', command: 'cluster list'},
    {description: 'Those of all namespaces, with their images and what they wait for', command: 'cluster list -A -o wide'},
    {description: 'One of them as YAML', command: 'cluster list demo -o yaml'},
  ]
  static override args = {name: namesArg('clusters; all where none is given')}
  static override flags = listFlags

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterList)
    const {client, namespace} = await this.connect(flags)
    await printList({client, kind: DASK_CLUSTERS, namespace, names: args.name ?? [], columns: clusterColumns, flags, signal: this.signal})
  }
}
