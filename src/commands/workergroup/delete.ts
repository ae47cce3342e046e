import {Flags} from '@oclif/core'
import {DASK_WORKER_GROUPS, type DaskWorkerGroup} from '../../api/dask.ts'
import {LABEL_GROUP} from '../../api/names.ts'
import {DaskCommand} from '../../cli/command.ts'
import {checkChoice, deleteChosen} from '../../cli/delete.ts'
import {deleteFlags} from '../../cli/delete-flags.ts'
import {namesArg} from '../../cli/flags.ts'
import {refuseOwnGroup, retireGroup} from '../../cli/retire-group.ts'

export default class WorkerGroupDelete extends DaskCommand {
  static override summary = 'Delete groups of workers, after their workers have retired.'
  static override description =
    "A group is scaled to nothing first, so that no result is lost; --now leaves that out. A cluster's own group goes with its cluster.\n"
  static override examples = [
    {description: 'One', command: 'workergroup delete highmem'},
    {description: 'At once, with the results that its workers hold', command: 'workergroup delete highmem --now'},
  ]
  static override args = {name: namesArg('groups')}
  static override flags = {...deleteFlags, now: Flags.boolean({summary: 'Do not retire the workers first.'})}

  async run(): Promise<void> {
    const {args, flags} = await this.parse(WorkerGroupDelete)
    checkChoice(args.name ?? [], flags)
    const {client, namespace} = await this.connect(flags)
    const call = {client, namespace, timeoutMs: flags.timeout, signal: this.signal, bin: this.bin}
    await deleteChosen({
      ...{client, kind: DASK_WORKER_GROUPS, namespace, names: args.name ?? [], flags, signal: this.signal},
      podsOf: ({metadata}) => `${LABEL_GROUP}=${metadata.name}`,
      keep: (group) => refuseOwnGroup(group, call),
      ...(!flags.now && {before: (group: DaskWorkerGroup) => retireGroup(group, call)}),
    })
  }
}
