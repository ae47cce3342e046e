import {Flags} from '@oclif/core'
import {boundsOf, USUAL_BOUNDS} from '../../api/autoscaler-bounds.ts'
import {DASK_AUTOSCALERS, DASK_CLUSTERS, DASK_WORKER_GROUPS, type DaskAutoscaler} from '../../api/dask.ts'
import {defaultGroupName} from '../../api/names.ts'
import {autoscalerManifest, autoscalersOf} from '../../cli/autoscalers.ts'
import {DaskCommand} from '../../cli/command.ts'
import {dryRunFlag, dryRunOf, nameArg, outputFlag} from '../../cli/flags.ts'
import {UserError, usageError} from '../../cli/user-error.ts'
import {workerNumberFlag} from '../../cli/worker-number.ts'
import {answerObject, createObject, doneText, FIELD_MANAGER} from '../../cli/write.ts'

export default class ClusterAdapt extends DaskCommand {
  static override summary = 'Let the number of workers follow the load.'
  static override description =
    'The scheduler says how many workers it could use; a DaskAutoscaler keeps the number there, between a minimum and a maximum.\n' +
    '"cluster scale" sets a number by hand and ends this.\n'
  static override examples = [
    {description: 'Between none and twenty', command: 'cluster adapt demo --min 0 --max 20'},
    {description: 'Another maximum for one that adapts already', command: 'cluster adapt demo --max 50'},
    {description: 'A further group of workers', command: 'cluster adapt demo --group highmem --max 4'},
  ]
  static override args = {name: nameArg('cluster')}
  static override flags = {
    minimum: workerNumberFlag({aliases: ['min'], summary: 'The fewest workers (--min; 0 where none is set yet).'}),
    maximum: workerNumberFlag({aliases: ['max'], summary: 'The most workers (--max; 10 where none is set yet).'}),
    group: Flags.string({char: 'g', helpValue: 'NAME', summary: "Group of workers; the cluster's own where none is given."}),
    'dry-run': dryRunFlag,
    output: outputFlag,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterAdapt)
    const dryRun = dryRunOf(flags)
    const {name: cluster} = args
    const group = flags.group ?? defaultGroupName(cluster)
    const asked = {
      ...(flags.minimum !== undefined && {minimum: flags.minimum}),
      ...(flags.maximum !== undefined && {maximum: flags.maximum}),
    }
    checkBounds({...USUAL_BOUNDS, ...asked}, flags)
    if (dryRun === 'client' && flags.namespace !== undefined)
      return await answerObject(
        autoscalerManifest(flags.namespace, cluster, group, {...USUAL_BOUNDS, ...asked}),
        flags.output,
        doneText('created', dryRun),
      )

    const {client, namespace} = await this.connect(flags)
    const {signal} = this
    await client.get(DASK_CLUSTERS, {namespace, name: cluster}, {signal})
    if (flags.group !== undefined) {
      const {spec} = await client.get(DASK_WORKER_GROUPS, {namespace, name: group}, {signal})
      if (spec.cluster !== cluster)
        throw new UserError(`DaskWorkerGroup "${group}" is of DaskCluster "${spec.cluster}"`, {
          next: [`"${this.bin} workergroup list -c ${cluster}" shows those of "${cluster}"`],
        })
    }
    const [before] = await autoscalersOf(client, namespace, cluster, group, signal)
    if (!before) {
      const object = autoscalerManifest(namespace, cluster, group, {...USUAL_BOUNDS, ...asked})
      const made =
        dryRun === 'client' ? object : await createObject({client, kind: DASK_AUTOSCALERS, object, dryRun: dryRun === 'server', signal})
      return await answerObject(made, flags.output, doneText('created', dryRun))
    }
    const {minimum, maximum} = boundsOf(before)
    const bounds = {minimum, maximum, ...asked}
    checkBounds(bounds, flags)
    const isChange = bounds.minimum !== minimum || bounds.maximum !== maximum
    const ref = {namespace, name: before.metadata.name}
    const options = {type: 'merge', dryRun: dryRun === 'server', fieldManager: FIELD_MANAGER, signal} as const
    const after: DaskAutoscaler =
      isChange && dryRun !== 'client'
        ? await client.patch(DASK_AUTOSCALERS, ref, {spec: bounds}, options)
        : {...before, apiVersion: DASK_AUTOSCALERS.apiVersion, kind: DASK_AUTOSCALERS.kind, spec: {...before.spec, ...bounds}}
    await answerObject(after, flags.output, doneText(isChange ? 'configured' : 'unchanged', dryRun))
  }
}

/** A bound that was not given may be in the way of one that was. */
const checkBounds = (
  {minimum, maximum}: {readonly minimum: number; readonly maximum: number},
  given: {readonly minimum?: number | undefined; readonly maximum?: number | undefined},
): void => {
  if (minimum <= maximum) return
  if (given.minimum !== undefined && given.maximum !== undefined)
    throw usageError(`--min ${minimum} is greater than --max ${maximum}`, 'give a minimum that is not above the maximum')
  throw given.minimum === undefined
    ? usageError(`--max ${maximum} is less than the minimum of ${minimum}`, `give --min too, like --min ${maximum}`)
    : usageError(`--min ${minimum} is greater than the maximum of ${maximum}`, `give --max too, like --max ${minimum}`)
}
