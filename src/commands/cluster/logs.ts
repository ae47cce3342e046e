import {Flags} from '@oclif/core'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS} from '../../api/dask.ts'
import {LABEL_CLUSTER, LABEL_COMPONENT, LABEL_GROUP} from '../../api/names.ts'
import {DaskCommand} from '../../cli/command.ts'
import {nameArg} from '../../cli/flags.ts'
import {manyLogFlags} from '../../cli/log-flags.ts'
import {printLogs} from '../../cli/print-logs.ts'

export default class ClusterLogs extends DaskCommand {
  static override summary = "Print the logs of a cluster's pods."
  static override description = 'Of the scheduler and all workers, unless told otherwise.\n'
  static override examples = [
    {description: 'All, and go on with new lines and new workers', command: 'cluster logs demo -f'},
    {description: 'The last lines of the scheduler', command: 'cluster logs demo --scheduler --tail 50'},
    {description: 'Where did something go wrong in the last ten minutes?', command: 'cluster logs demo --since 10m --grep "WARNING|ERROR"'},
    {description: 'A file for each pod', command: 'cluster logs demo --download logs'},
    {description: 'What workers said before they crashed', command: 'cluster logs demo --workers --previous'},
  ]
  static override args = {name: nameArg('cluster')}
  static override flags = {
    scheduler: Flags.boolean({summary: 'Of the scheduler alone.', exclusive: ['workers', 'group']}),
    workers: Flags.boolean({summary: 'Of all workers.', exclusive: ['group']}),
    group: Flags.string({char: 'g', helpValue: 'NAME', summary: 'Of the workers of this group.'}),
    ...manyLogFlags,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterLogs)
    const {client, namespace} = await this.connect(flags)
    await client.get(DASK_CLUSTERS, {namespace, name: args.name}, {signal: this.signal})
    if (flags.group !== undefined) await client.get(DASK_WORKER_GROUPS, {namespace, name: flags.group}, {signal: this.signal})
    const selector = [
      `${LABEL_CLUSTER}=${args.name}`,
      ...(flags.scheduler ? [`${LABEL_COMPONENT}=scheduler`] : []),
      ...(flags.workers ? [`${LABEL_COMPONENT}=worker`] : []),
      ...(flags.group === undefined ? [] : [`${LABEL_GROUP}=${flags.group}`]),
    ].join(',')
    await printLogs({client, namespace, selector, what: `DaskCluster "${args.name}"`, flags, signal: this.signal})
  }
}
