import {DASK_CLUSTERS} from '../../api/dask.ts'
import {clusterPodsSelector} from '../../api/names.ts'
import {DaskCommand} from '../../cli/command.ts'
import {checkChoice, deleteChosen} from '../../cli/delete.ts'
import {deleteFlags} from '../../cli/delete-flags.ts'
import {namesArg} from '../../cli/flags.ts'

export default class ClusterDelete extends DaskCommand {
  static override summary = 'Delete Dask clusters, and wait until their pods are gone.'
  static override description = 'Asks first on a terminal. Results that only the cluster holds are lost.\n'
  static override examples = [
    {description: 'One, without being asked', command: 'cluster delete demo --yes'},
    {description: 'All of a team', command: 'cluster delete -l team=ml'},
    {description: 'What a manifest has made', command: 'cluster delete -f cluster.yaml'},
    {description: 'Without waiting', command: 'cluster delete demo --no-wait'},
  ]
  static override args = {name: namesArg('clusters')}
  static override flags = deleteFlags

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterDelete)
    checkChoice(args.name ?? [], flags)
    const {client, namespace} = await this.connect(flags)
    await deleteChosen({
      ...{client, kind: DASK_CLUSTERS, namespace, names: args.name ?? [], flags, signal: this.signal},
      podsOf: ({metadata}) => clusterPodsSelector(metadata.name),
    })
  }
}
