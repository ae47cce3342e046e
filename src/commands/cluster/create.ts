import {Args, Flags as F} from '@oclif/core'
import {DASK_CLUSTERS, type DaskCluster} from '../../api/dask.ts'
import type {KubeObject} from '../../api/object.ts'
import {checkClusterName, markFlags, refuseBeside, schedulerFlags, workerFlags} from '../../cli/choices.ts'
import {DEFAULT_IMAGE} from '../../cli/cluster-manifest.ts'
import {DaskCommand} from '../../cli/command.ts'
import {type ClusterSet, clusterSet, createSet, type SetFlags, takeAway} from '../../cli/create-cluster.ts'
import {dryRunFlag, dryRunOf, outputFlag, timeoutFlag} from '../../cli/flags.ts'
import {boundsFlag, groupFlag} from '../../cli/group-flag.ts'
import {Interrupted} from '../../cli/interruption.ts'
import {tell, warn} from '../../cli/output.ts'
import {nameOf, readManifests} from '../../cli/read-manifest.ts'
import {EXIT, UserError, usageError} from '../../cli/user-error.ts'
import {versionGap} from '../../cli/version-gap.ts'
import {waitForCluster} from '../../cli/wait-cluster.ts'
import {withProgress} from '../../cli/with-progress.ts'
import {answerObjects, doneText, makeInTurn} from '../../cli/write.ts'
import type {KubeClient} from '../../kube/client.ts'

const generating = {
  ...workerFlags,
  ...schedulerFlags,
  'idle-action': F.string({
    options: ['delete', 'suspend'],
    helpValue: 'delete|suspend',
    summary: 'What happens after --idle-timeout (default delete).',
  }),
  ...markFlags,
  group: groupFlag(),
  adapt: boundsFlag(),
}
const GENERATING = Object.keys(generating)
const SWITCHES = new Set(Object.entries(generating).flatMap(([name, flag]) => (flag.type === 'boolean' ? [name] : [])))
const MULTIPLE = new Set(Object.entries(generating).flatMap(([name, flag]) => ('multiple' in flag && flag.multiple ? [name] : [])))

export default class ClusterCreate extends DaskCommand {
  static override summary = 'Create a Dask cluster.'
  static override description =
    'Its pods run "dask scheduler" and "dask worker". Nothing is changed where a cluster of this name exists already.\n'
  static override examples = [
    {description: 'Three workers', command: 'cluster create demo'},
    {description: 'Ten bigger workers, and wait until they are there', command: 'cluster create demo -w 10 --cpu 2 --memory 8Gi --wait'},
    {
      description: 'A second group with much memory, the first one following the load',
      command: 'cluster create demo --adapt 0..20 --group highmem=2,memory=64Gi,worker-resource=MEM=1',
    },
    {
      description: 'With data, secrets and nodes of its own',
      command: 'cluster create demo --volume pvc/data:/data --env-from secret/s3 --node-selector pool=dask',
    },
    {description: 'Encrypted, and only for clients with its certificate', command: 'cluster create demo --tls'},
    {
      description: 'Where the namespace enforces the restricted pod security standard',
      command: 'cluster create demo --pod-security restricted',
    },
    {description: 'The same words from a file, like "workers: 4"', command: 'cluster create demo --file demo.yaml'},
    {description: 'Only show the manifest', command: 'cluster create demo --image my.org/dask:1 --dry-run=client -o yaml'},
    {description: 'From a manifest, or from all of a directory', command: 'cluster create -f cluster.yaml'},
  ]
  static override args = {name: Args.string({description: 'Name of the cluster.', ignoreStdin: true})}
  static override flags = {
    ...generating,
    file: F.string({helpValue: 'FILE', summary: 'These flags as words of a YAML file, like "workers: 4"; those of the call count more.'}),
    filename: F.string({
      char: 'f',
      helpValue: 'FILE',
      summary: 'Manifests of clusters instead of all these: a file, a directory, or - for standard input.',
    }),
    wait: F.boolean({summary: 'Wait until it is ready; ends early with the reason when it cannot be.'}),
    timeout: timeoutFlag('5m'),
    keep: F.boolean({summary: 'Keep the cluster when it cannot get ready, to look at it.'}),
    'dry-run': dryRunFlag,
    output: outputFlag,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.#words()
    refuseBeside(flags.filename, flags, [...GENERATING, 'file'])
    if (args.name === undefined && flags.filename === undefined) throw usageError('NAME is missing', 'give a name, or a manifest with -f')
    if (args.name !== undefined) checkClusterName(args.name)
    if (flags['idle-action'] !== undefined && flags['idle-timeout'] === undefined)
      throw usageError('--idle-action says nothing without --idle-timeout', 'give both, like --idle-timeout 30m --idle-action suspend')
    const dryRun = dryRunOf(flags)
    // Nothing that a server could tell is in the manifest: none is asked.
    if (dryRun === 'client') {
      const sets = await setsOf(args.name, flags)
      return await answerObjects(
        sets.flatMap(({set}) => objectsOf(set)),
        flags.output,
        doneText('created', dryRun),
      )
    }

    const {client, namespace} = await this.connect(flags)
    const done = doneText('created', dryRun)
    const made = await makeInTurn(await setsOf(args.name, flags, namespace), {
      make: ({set}) => createSet(client, set, {dryRun: dryRun === 'server', keep: flags.keep, signal: this.signal}),
      tellMade: (sets) => answerObjects(sets.flatMap(objectsOf), flags.output, done),
      tellRefused: (file, error) => this.tellFailure(nameOf(file), error),
      exitCode: this.failedWith,
    })
    if (dryRun === undefined && flags.image === undefined && flags.filename === undefined)
      tell(`image: ${DEFAULT_IMAGE} (--image takes another)`)
    if (dryRun !== undefined || !flags.wait) return await answerObjects(made.flatMap(objectsOf), flags.output, done)
    const ready: DaskCluster[] = []
    for (const set of made) ready.push(await this.#wait(client, set, flags))
    await answerObjects(ready, flags.output, 'is ready')
  }

  /** The call with the words of its file; what the call says itself counts more, and what may be repeated counts together. */
  async #words() {
    const call = await this.parse(ClusterCreate)
    const {file} = call.flags
    if (file === undefined) return call
    const {readConfigFile} = await import('../../cli/config-file.ts')
    const words = await readConfigFile(file, ['name', ...GENERATING], SWITCHES)
    for (const {argv, place} of words) {
      await this.parse(ClusterCreate, [...argv]).catch((error: unknown) => {
        throw error instanceof UserError ? usageError(`${place}: ${error.message}`, ...error.next) : error
      })
    }
    const said = {...call.args, ...call.flags} as Readonly<Record<string, unknown>>
    const counts = words.filter(({name}) => said[name] === undefined || MULTIPLE.has(name))
    return await this.parse(ClusterCreate, [...counts.flatMap(({argv}) => argv), ...this.argv])
  }

  async #wait(
    client: KubeClient,
    set: ClusterSet,
    {timeout, output, keep}: {readonly timeout: number; readonly output?: string | undefined; readonly keep: boolean},
  ): Promise<DaskCluster> {
    const {name, namespace = client.namespace} = set.cluster.metadata
    const title = `DaskCluster "${name}" in namespace "${namespace}"`
    try {
      const wait = {client, namespace, name, timeoutMs: timeout, signal: this.signal, bin: this.bin}
      const ready = await withProgress(title, (report) => waitForCluster({...wait, report}), output !== undefined)
      const gap = output === undefined ? await versionGap(client, namespace, name, this.signal) : undefined
      if (gap !== undefined) warn(gap)
      return {...ready, apiVersion: DASK_CLUSTERS.apiVersion, kind: DASK_CLUSTERS.kind}
    } catch (error) {
      if (error instanceof Interrupted) tell(`the cluster stays; "${this.bin} cluster delete ${name}" takes it away`)
      // It may still come, or somebody else has deleted it: only what cannot get ready goes.
      if (keep || !(error instanceof UserError) || error.exitCode !== EXIT.failed) throw error
      await takeAway(client, set)
      throw new UserError(error.message, {next: ['it was taken away again: --keep keeps it to look at'], cause: error})
    }
  }
}

/** The objects of a call, cluster by cluster; rejects a name that no operator would take. */
const setsOf = async (
  name: string | undefined,
  flags: SetFlags & {readonly filename?: string | undefined; readonly namespace?: string | undefined},
  namespace = flags.namespace,
): Promise<readonly {readonly set: ClusterSet; readonly file?: string}[]> => {
  if (flags.filename === undefined) return [{set: clusterSet(name ?? '', namespace, flags)}]
  const manifests = await readManifests(flags.filename, DASK_CLUSTERS, {namespace, asked: flags.namespace, verb: 'apply'})
  if (name !== undefined && manifests.length > 1)
    throw usageError(`"${flags.filename}" holds ${manifests.length} clusters, which cannot all be called "${name}"`, 'leave the name out')
  return manifests.map(({object, file}) => {
    const cluster: DaskCluster = name === undefined ? object : {...object, metadata: {...object.metadata, name}}
    checkClusterName(cluster.metadata.name)
    return {set: {cluster, groups: [], autoscaler: undefined}, file}
  })
}

const objectsOf = ({cluster, groups, autoscaler}: ClusterSet): readonly KubeObject[] => [
  cluster,
  ...groups,
  ...(autoscaler ? [autoscaler] : []),
]
