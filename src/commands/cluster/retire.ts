import {Flags} from '@oclif/core'
import {PODS, type Pod} from '../../api/core.ts'
import {DASK_CLUSTERS} from '../../api/dask.ts'
import {LABEL_CLUSTER, LABEL_COMPONENT} from '../../api/names.ts'
import {DaskCommand} from '../../cli/command.ts'
import {dryRunFlag, dryRunOf, nameArg, timeoutFlag} from '../../cli/flags.ts'
import {deletePods} from '../../cli/retire-pods.ts'
import {EXIT, UserError, usageError} from '../../cli/user-error.ts'

export default class ClusterRetire extends DaskCommand {
  static override summary = 'Let workers leave in peace and be replaced: of a node that goes, or one that is sick.'
  static override description =
    'What they run is finished, what they hold moves to others, no task starts twice; then the operator makes others. For fewer workers use "scale".\n'
  static override examples = [
    {description: 'One worker', command: 'cluster retire demo --worker demo-default-worker-1a2b3c4d5e'},
    {description: 'All of a node that is to be drained', command: 'cluster retire demo --node node-7 --timeout 30m'},
  ]
  static override args = {name: nameArg('cluster')}
  static override flags = {
    worker: Flags.string({helpValue: 'POD', multiple: true, multipleNonGreedy: true, summary: 'Pod of a worker; may be repeated.'}),
    node: Flags.string({helpValue: 'NAME', summary: 'All workers on this node.'}),
    wait: Flags.boolean({allowNo: true, default: true, summary: 'Wait until they are gone (that is the default).'}),
    timeout: timeoutFlag('10m'),
    'dry-run': dryRunFlag,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterRetire)
    const {node} = flags
    // `cluster workers -o name` writes them so, and kubectl takes them so.
    const names = (flags.worker ?? []).map((name) => name.replace(/^pods?\//, ''))
    if (names.length > 0 === (node !== undefined))
      throw usageError('give --worker or --node, one of them', `"${this.bin} cluster workers ${args.name}" lists them`)
    const {client, namespace} = await this.connect(flags)
    const {signal} = this
    await client.get(DASK_CLUSTERS, {namespace, name: args.name}, {signal})
    const labelSelector = `${LABEL_CLUSTER}=${args.name},${LABEL_COMPONENT}=worker`
    const {items} = await client.list(PODS, {namespace, labelSelector, signal})
    const chosen = items.filter(({metadata, spec}: Pod) => (node === undefined ? names.includes(metadata.name) : spec.nodeName === node))
    const unknown = names.filter((name) => !items.some(({metadata}) => metadata.name === name))
    if (unknown.length > 0)
      throw new UserError(`DaskCluster "${args.name}" has no worker ${unknown.join(', ')}`, {
        next: [`"${this.bin} cluster workers ${args.name}" lists them`],
        exitCode: EXIT.notFound,
      })
    if (chosen.length === 0) throw new UserError(`no worker of DaskCluster "${args.name}" is on node "${node}"`, {exitCode: EXIT.notFound})
    await deletePods(chosen, {
      client,
      namespace,
      labelSelector,
      dryRun: dryRunOf(flags),
      wait: flags.wait,
      timeoutMs: flags.timeout,
      signal,
    })
  }
}
