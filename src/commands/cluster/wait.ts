import {Flags} from '@oclif/core'
import {DASK_CLUSTERS} from '../../api/dask.ts'
import {DaskCommand} from '../../cli/command.ts'
import {nameArg, timeoutFlag} from '../../cli/flags.ts'
import {answer} from '../../cli/output.ts'
import {waitForSuspended} from '../../cli/suspend.ts'
import {waitForCluster} from '../../cli/wait-cluster.ts'
import {type Look, openWatch} from '../../cli/watch.ts'
import {withProgress} from '../../cli/with-progress.ts'

export default class ClusterWait extends DaskCommand {
  static override summary = 'Wait until a cluster is ready, or ends early and says why it cannot be.'
  static override examples = [
    {description: 'Until it is ready', command: 'cluster wait demo --timeout 2m'},
    {description: 'Until it has gone', command: 'cluster wait demo --for deleted'},
  ]
  static override args = {name: nameArg('cluster')}
  static override flags = {
    for: Flags.string({
      options: ['ready', 'suspended', 'deleted'],
      default: 'ready',
      helpValue: 'STATE',
      summary: 'ready, suspended or deleted.',
    }),
    timeout: timeoutFlag('5m'),
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterWait)
    const {client, namespace} = await this.connect(flags)
    const {name} = args
    const call = {client, namespace, name, timeoutMs: flags.timeout, signal: this.signal}
    if (flags.for === 'deleted') {
      const watch = await openWatch(client, this.signal)
      const clusters = watch.see(DASK_CLUSTERS, {namespace, name})
      const look = (): Look<true> => (clusters.get({namespace, name}) ? {} : {done: true})
      await watch.until(look, {timeoutMs: flags.timeout, waitingFor: () => `DaskCluster "${name}" still exists`}).finally(watch.close)
    } else {
      await client.get(DASK_CLUSTERS, {namespace, name}, {signal: this.signal})
      const title = `DaskCluster "${name}" in namespace "${namespace}"`
      await withProgress<unknown>(title, (report) =>
        flags.for === 'suspended' ? waitForSuspended({...call, report}) : waitForCluster({...call, report, bin: this.bin}),
      )
    }
    answer(`daskcluster.kubernetes.dask.org/${name} is ${flags.for}\n`)
  }
}
