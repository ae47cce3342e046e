import {Flags} from '@oclif/core'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS} from '../../api/dask.ts'
import {checkGroupName, choicesOf, markFlags, marksOf, workerFlags} from '../../cli/choices.ts'
import {groupManifest} from '../../cli/cluster-manifest.ts'
import {DaskCommand} from '../../cli/command.ts'
import {dryRunFlag, dryRunOf, nameArg, outputFlag, timeoutFlag} from '../../cli/flags.ts'
import {securedLike} from '../../cli/pod-security.ts'
import {waitForGroup} from '../../cli/scale.ts'
import {withProgress} from '../../cli/with-progress.ts'
import {answerObject, createObject, doneText} from '../../cli/write.ts'

export default class WorkerGroupCreate extends DaskCommand {
  static override summary = 'Add a group of workers to a cluster.'
  static override description =
    'Where no --image is given, the image of the cluster is taken; where neither --pod-security nor --run-as-user is, its security context.\n'
  static override examples = [
    {description: 'Two workers with much memory', command: 'workergroup create highmem --dask-cluster demo -w 2 --memory 64Gi'},
    {description: 'Only show the manifest', command: 'workergroup create highmem -c demo --image my.org/dask:1 --dry-run=client -o yaml'},
  ]
  static override args = {name: nameArg('group')}
  static override flags = {
    'dask-cluster': Flags.string({char: 'c', helpValue: 'NAME', required: true, summary: 'The Dask cluster that the workers join.'}),
    ...workerFlags,
    ...markFlags,
    wait: Flags.boolean({summary: 'Wait until all of its workers are ready and connected.'}),
    timeout: timeoutFlag('5m'),
    'dry-run': dryRunFlag,
    output: outputFlag,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(WorkerGroupCreate)
    const {name} = args
    checkGroupName(name)
    const dryRun = dryRunOf(flags)
    const cluster = flags['dask-cluster']
    const choices = choicesOf(flags)
    if (dryRun === 'client')
      return await answerObject(
        groupManifest(name, flags.namespace, cluster, choices, marksOf(flags)),
        flags.output,
        doneText('created', dryRun),
      )

    const {client, namespace} = await this.connect(flags)
    const {spec} = await client.get(DASK_CLUSTERS, {namespace, name: cluster}, {signal: this.signal})
    const image = flags.image ?? spec.worker.spec.containers[0]?.image ?? choices.image
    const isSecured = flags['pod-security'] !== undefined || flags['run-as-user'] !== undefined
    const secured = isSecured ? choices : securedLike(choices, spec.worker.spec)
    const object = groupManifest(name, namespace, cluster, {...secured, image}, marksOf(flags))
    const made = await createObject({client, kind: DASK_WORKER_GROUPS, object, dryRun: dryRun === 'server', signal: this.signal})
    if (flags.wait && dryRun === undefined) {
      const title = `DaskWorkerGroup "${name}" in namespace "${namespace}"`
      const wait = {
        client,
        namespace,
        cluster,
        group: name,
        replicas: choices.workers,
        isGrowing: true,
        timeoutMs: flags.timeout,
        signal: this.signal,
        bin: this.bin,
      }
      await withProgress(title, (report) => waitForGroup({...wait, report}), flags.output !== undefined)
    }
    await answerObject(made, flags.output, doneText('created', dryRun))
  }
}
