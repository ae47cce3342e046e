import {Flags} from '@oclif/core'
import {defaultGroupName} from '../../api/names.ts'
import {DaskCommand} from '../../cli/command.ts'
import {endAdapting} from '../../cli/end-adapting.ts'
import {dryRunFlag, dryRunOf, nameArg, nameFlag, timeoutFlag} from '../../cli/flags.ts'
import {answer} from '../../cli/output.ts'
import {scaleCluster, waitForGroup} from '../../cli/scale.ts'
import {usageError} from '../../cli/user-error.ts'
import {previewVictims, victimLines} from '../../cli/victims.ts'
import {withProgress} from '../../cli/with-progress.ts'
import {workerNumberArg, workerNumberFlag} from '../../cli/worker-number.ts'
import {doneText} from '../../cli/write.ts'

export default class ClusterScale extends DaskCommand {
  static override summary = "Set the number of a cluster's workers."
  static override description =
    'Workers that go are retired first: what they hold moves to others, what they run is finished, and no task is started twice.\n'
  static override examples = [
    {description: 'Five workers', command: 'cluster scale demo 5'},
    {description: 'Which workers would go, and what do they hold?', command: 'cluster scale demo 2 --dry-run=server'},
    {description: 'Two workers, and wait until the others have retired', command: 'cluster scale demo 2 --wait'},
  ]
  static override args = {
    name: nameArg('cluster'),
    workers: workerNumberArg(),
  }
  static override flags = {
    replicas: workerNumberFlag({
      char: 'w',
      aliases: ['workers'],
      summary: 'Number of workers, instead of the argument.',
    }),
    wait: Flags.boolean({summary: 'Wait until all of them are ready and connected, and none is still retiring.'}),
    timeout: timeoutFlag('5m'),
    'dry-run': dryRunFlag,
    output: nameFlag,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(ClusterScale)
    const replicas = args.workers ?? flags.replicas
    if (replicas === undefined) throw usageError('WORKERS is missing', `"${this.bin} cluster scale ${args.name} 5" sets five`)
    if (flags.replicas !== undefined && flags.replicas !== replicas)
      throw usageError(`WORKERS says ${replicas} and --replicas says ${flags.replicas}`, 'leave one of them out')
    const {client, namespace} = await this.connect(flags)
    const dryRun = dryRunOf(flags)
    const {name} = args
    const call = {client, namespace, replicas, dryRun: dryRun !== undefined, signal: this.signal}
    await endAdapting({...call, cluster: name, group: defaultGroupName(name), bin: this.bin})
    const {before} = await scaleCluster(name, call)
    const isNameAlone = flags.output === 'name'
    const done = doneText(before === replicas ? `has ${replicas} workers` : `scaled from ${before} to ${replicas} workers`, dryRun)
    answer(`daskcluster.kubernetes.dask.org/${name}${isNameAlone ? '' : ` ${done}`}\n`)
    if (!isNameAlone && dryRun !== undefined && before > replicas) {
      const group = defaultGroupName(name)
      const cluster = name
      const victims = await previewVictims(before - replicas, {client, namespace, cluster, group, signal: this.signal})
      answer(victimLines(victims))
    }
    if (!flags.wait || dryRun !== undefined) return
    const title = `DaskCluster "${name}" in namespace "${namespace}"`
    const wait = {
      client,
      namespace,
      cluster: name,
      group: defaultGroupName(name),
      replicas,
      isGrowing: replicas >= before,
      timeoutMs: flags.timeout,
      signal: this.signal,
      bin: this.bin,
    }
    await withProgress(title, (report) => waitForGroup({...wait, report}), isNameAlone)
  }
}
