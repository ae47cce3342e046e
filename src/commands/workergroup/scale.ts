import {Flags} from '@oclif/core'
import {DASK_WORKER_GROUPS} from '../../api/dask.ts'
import {DaskCommand} from '../../cli/command.ts'
import {endAdapting} from '../../cli/end-adapting.ts'
import {dryRunFlag, dryRunOf, nameArg, nameFlag, timeoutFlag} from '../../cli/flags.ts'
import {answer} from '../../cli/output.ts'
import {scaleGroup, waitForGroup} from '../../cli/scale.ts'
import {previewVictims, victimLines} from '../../cli/victims.ts'
import {withProgress} from '../../cli/with-progress.ts'
import {workerNumberArg} from '../../cli/worker-number.ts'
import {doneText} from '../../cli/write.ts'

export default class WorkerGroupScale extends DaskCommand {
  static override summary = 'Set the number of workers of one group.'
  static override description = 'Workers that go are retired first: no task is lost or started twice.\n'
  static override examples = [
    {description: 'Two workers, and wait until the others have retired', command: 'workergroup scale highmem 2 --wait'},
    {description: 'Which workers would go, and what do they hold?', command: 'workergroup scale highmem 1 --dry-run=server'},
  ]
  static override args = {
    name: nameArg('group'),
    workers: workerNumberArg({required: true}),
  }
  static override flags = {
    wait: Flags.boolean({summary: 'Wait until all of them are ready and connected, and none is still retiring.'}),
    timeout: timeoutFlag('5m'),
    'dry-run': dryRunFlag,
    output: nameFlag,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(WorkerGroupScale)
    const {client, namespace} = await this.connect(flags)
    const dryRun = dryRunOf(flags)
    const {name, workers: replicas} = args
    const call = {client, namespace, replicas, dryRun: dryRun !== undefined, signal: this.signal}
    const {cluster} = (await client.get(DASK_WORKER_GROUPS, {namespace, name}, {signal: this.signal})).spec
    await endAdapting({...call, cluster, group: name, bin: this.bin})
    const {before} = await scaleGroup(name, call)
    const isNameAlone = flags.output === 'name'
    const done = doneText(before === replicas ? `has ${replicas} workers` : `scaled from ${before} to ${replicas} workers`, dryRun)
    answer(`daskworkergroup.kubernetes.dask.org/${name}${isNameAlone ? '' : ` ${done}`}\n`)
    if (!isNameAlone && dryRun !== undefined && before > replicas) {
      const group = name
      const victims = await previewVictims(before - replicas, {client, namespace, cluster, group, signal: this.signal})
      answer(victimLines(victims))
    }
    if (!flags.wait || dryRun !== undefined) return
    const title = `DaskWorkerGroup "${name}" in namespace "${namespace}"`
    const wait = {
      client,
      namespace,
      cluster,
      group: name,
      replicas,
      isGrowing: replicas >= before,
      timeoutMs: flags.timeout,
      signal: this.signal,
      bin: this.bin,
    }
    await withProgress(title, (report) => waitForGroup({...wait, report}), isNameAlone)
  }
}
