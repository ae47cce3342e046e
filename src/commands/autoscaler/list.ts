import {Flags} from '@oclif/core'
import {DASK_AUTOSCALERS} from '../../api/dask.ts'
import {autoscalerColumns} from '../../cli/autoscalers.ts'
import {DaskCommand} from '../../cli/command.ts'
import {listFlags, namesArg} from '../../cli/flags.ts'
import {printList} from '../../cli/list.ts'

export default class AutoscalerList extends DaskCommand {
  static override summary = 'List autoscalers: bounds, workers, and what limits them.'
  static override examples = [
    {description: 'All of the current namespace', command: 'autoscaler list'},
    {description: 'With what the scheduler asks for, and why a number is what it is', command: 'autoscaler list -o wide'},
  ]
  static override args = {name: namesArg('autoscalers; all where none is given')}
  static override flags = {
    'dask-cluster': Flags.string({char: 'c', helpValue: 'NAME', summary: 'Only those of this Dask cluster.'}),
    ...listFlags,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(AutoscalerList)
    const {client, namespace} = await this.connect(flags)
    const wanted = flags['dask-cluster']
    await printList({
      ...{client, kind: DASK_AUTOSCALERS, namespace, names: args.name ?? [], columns: autoscalerColumns, flags, signal: this.signal},
      keep: ({spec}) => wanted === undefined || spec.cluster === wanted,
    })
  }
}
