import {DASK_AUTOSCALERS} from '../../api/dask.ts'
import {DaskCommand} from '../../cli/command.ts'
import {checkChoice, deleteChosen} from '../../cli/delete.ts'
import {deleteFlags} from '../../cli/delete-flags.ts'
import {namesArg} from '../../cli/flags.ts'

export default class AutoscalerDelete extends DaskCommand {
  static override summary = 'Delete autoscalers; the workers that there are stay.'
  static override examples = [
    {description: 'One', command: 'autoscaler delete demo'},
    {description: 'All of the namespace, without being asked', command: 'autoscaler delete --all --yes'},
  ]
  static override args = {name: namesArg('autoscalers')}
  static override flags = deleteFlags

  async run(): Promise<void> {
    const {args, flags} = await this.parse(AutoscalerDelete)
    checkChoice(args.name ?? [], flags)
    const {client, namespace} = await this.connect(flags)
    await deleteChosen({client, kind: DASK_AUTOSCALERS, namespace, names: args.name ?? [], flags, signal: this.signal})
  }
}
