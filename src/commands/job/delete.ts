import {DASK_JOBS} from '../../api/dask.ts'
import {LABEL_CLUSTER} from '../../api/names.ts'
import {DaskCommand} from '../../cli/command.ts'
import {checkChoice, deleteChosen} from '../../cli/delete.ts'
import {deleteFlags} from '../../cli/delete-flags.ts'
import {namesArg} from '../../cli/flags.ts'

export default class JobDelete extends DaskCommand {
  static override summary = 'Delete jobs with their clusters, logs and files; one that runs is ended.'
  static override examples = [
    {description: 'One', command: 'job delete train-x7k2p'},
    {description: 'All that the manifests of a directory have made', command: 'job delete -f jobs/'},
    {description: 'All of the namespace, without being asked', command: 'job delete --all --yes'},
  ]
  static override args = {name: namesArg('jobs')}
  static override flags = deleteFlags

  async run(): Promise<void> {
    const {args, flags} = await this.parse(JobDelete)
    checkChoice(args.name ?? [], flags)
    const {client, namespace} = await this.connect(flags)
    await deleteChosen({
      ...{client, kind: DASK_JOBS, namespace, names: args.name ?? [], flags, signal: this.signal},
      podsOf: ({metadata}) => `${LABEL_CLUSTER}=${metadata.name}`,
    })
  }
}
