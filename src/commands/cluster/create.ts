import {Args, Flags as F} from '@oclif/core'
import {DASK_CLUSTERS, type DaskCluster} from '../../api/dask.ts'
import {
  type ChoiceFlags,
  checkClusterName,
  choicesOf,
  type MarkFlags,
  markFlags,
  marksOf,
  refuseBeside,
  schedulerFlags,
  workerFlags,
} from '../../cli/choices.ts'
import {clusterManifest, DEFAULT_IMAGE} from '../../cli/cluster-manifest.ts'
import {DaskCommand} from '../../cli/command.ts'
import {dryRunFlag, dryRunOf, outputFlag, timeoutFlag} from '../../cli/flags.ts'
import {Interrupted} from '../../cli/interruption.ts'
import {tell, warn} from '../../cli/output.ts'
import {readManifest} from '../../cli/read-manifest.ts'
import {usageError} from '../../cli/user-error.ts'
import {versionGap} from '../../cli/version-gap.ts'
import {waitForCluster} from '../../cli/wait-cluster.ts'
import {answerObject, createObject, doneText} from '../../cli/write.ts'
import type {KubeClient} from '../../kube/client.ts'
import {modeFor, showProgress} from '../../ui/progress/show.ts'

const GENERATING = [...Object.keys(workerFlags), ...Object.keys(schedulerFlags), ...Object.keys(markFlags), 'idle-action']

export default class ClusterCreate extends DaskCommand {
  static override summary = 'Create a Dask cluster.'
  static override description =
    'Its pods run "dask scheduler" and "dask worker". Nothing is changed where a cluster of this name exists already.\n'
  static override examples = [
    {description: 'Three workers', command: 'cluster create demo'},
    {description: 'Ten bigger workers, and wait until they are there', command: 'cluster create demo -w 10 --cpu 2 --memory 8Gi --wait'},
    {description: 'Only show the manifest', command: 'cluster create demo --image my.org/dask:1 --dry-run=client -o yaml'},
    {description: 'From a manifest', command: 'cluster create -f cluster.yaml'},
  ]
  static override args = {name: Args.string({description: 'Name of the cluster.', ignoreStdin: true})}
  static override flags = {
    ...workerFlags,
    ...schedulerFlags,
    'idle-action': F.string({
      options: ['delete', 'suspend'],
      helpValue: 'delete|suspend',
      summary: 'What happens after --idle-timeout (default delete).',
    }),
    ...markFlags,
    filename: F.string({char: 'f', helpValue: 'FILE', summary: 'Manifest of the cluster instead of all these; - is standard input.'}),
    wait: F.boolean({summary: 'Wait until it is ready; ends early with the reason when it cannot be.'}),
    timeout: timeoutFlag('5m'),
    'dry-run': dryRunFlag,
    output: outputFlag,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterCreate)
    refuseBeside(flags.filename, flags, GENERATING)
    if (args.name === undefined && flags.filename === undefined) throw usageError('NAME is missing', 'give a name, or a manifest with -f')
    if (flags['idle-action'] !== undefined && flags['idle-timeout'] === undefined)
      throw usageError('--idle-action says nothing without --idle-timeout', 'give both, like --idle-timeout 30m --idle-action suspend')
    if (args.name !== undefined) checkClusterName(args.name)
    const dryRun = dryRunOf(flags)
    // Nothing that a server could tell is in the manifest: none is asked.
    if (dryRun === 'client') return await answerObject(await manifestOf(args.name, flags), flags.output, doneText('created', dryRun))

    const {client, namespace} = await this.connect(flags)
    const object = await manifestOf(args.name, flags, namespace)
    const made = await createObject({client, kind: DASK_CLUSTERS, object, dryRun: dryRun === 'server', signal: this.signal})
    if (dryRun === undefined && flags.image === undefined && flags.filename === undefined)
      tell(`image: ${DEFAULT_IMAGE} (--image takes another)`)
    if (dryRun !== undefined || !flags.wait) return await answerObject(made, flags.output, doneText('created', dryRun))
    await this.#wait(client, made, flags)
  }

  async #wait(
    client: KubeClient,
    made: DaskCluster,
    {timeout, output}: {readonly timeout: number; readonly output?: string | undefined},
  ): Promise<void> {
    const {name, namespace = client.namespace} = made.metadata
    const title = `DaskCluster "${name}" in namespace "${namespace}"`
    const progress = await showProgress({title, stream: process.stderr, mode: modeFor(process.stderr, output !== undefined)})
    try {
      const wait = {client, namespace, name, timeoutMs: timeout, signal: this.signal, bin: this.bin}
      const ready = await waitForCluster({...wait, report: progress.report})
      progress.close()
      const gap = output === undefined ? await versionGap(client, namespace, name, this.signal) : undefined
      if (gap !== undefined) warn(gap)
      await answerObject({...ready, apiVersion: DASK_CLUSTERS.apiVersion, kind: DASK_CLUSTERS.kind}, output, 'is ready')
    } catch (error) {
      progress.close()
      if (error instanceof Interrupted) tell(`the cluster stays; "${this.bin} cluster delete ${name}" takes it away`)
      throw error
    }
  }
}

type Flags = ChoiceFlags & MarkFlags & {readonly filename?: string | undefined; readonly namespace?: string | undefined}

/** The cluster of a call; rejects a name that no operator would take. */
const manifestOf = async (name: string | undefined, flags: Flags, namespace = flags.namespace): Promise<DaskCluster> => {
  const generated = flags.filename === undefined
  const manifest = generated
    ? clusterManifest(name ?? '', namespace, choicesOf(flags), marksOf(flags))
    : await readManifest(flags.filename, DASK_CLUSTERS, namespace)
  const named = name === undefined ? manifest : {...manifest, metadata: {...manifest.metadata, name}}
  checkClusterName(named.metadata.name)
  return named
}
