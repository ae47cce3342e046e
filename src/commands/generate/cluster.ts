import {checkClusterName, choicesOf, markFlags, marksOf, schedulerFlags, workerFlags} from '../../cli/choices.ts'
import {clusterManifest} from '../../cli/cluster-manifest.ts'
import {DaskCommand} from '../../cli/command.ts'
import {nameArg, outputFlag} from '../../cli/flags.ts'
import {answerObject} from '../../cli/write.ts'

export default class GenerateCluster extends DaskCommand {
  static override summary = 'Print the manifest of a cluster to start from.'
  static override examples = [
    {description: 'To a file, for "kubectl apply -f" and for git', command: 'generate cluster demo -w 4 --memory 8Gi'},
    {
      description: 'With GPUs, for an image that has dask-cuda',
      command: 'generate cluster demo --image my.org/rapids:1 --gpu 1 --worker-command "dask cuda worker"',
    },
  ]
  static override args = {name: nameArg('cluster')}
  static override flags = {...workerFlags, ...schedulerFlags, ...markFlags, output: outputFlag}

  async run(): Promise<void> {
    const {args, flags} = await this.parse(GenerateCluster)
    checkClusterName(args.name)
    const manifest = clusterManifest(args.name, flags.namespace, choicesOf(flags), marksOf(flags))
    await answerObject(manifest, flags.output ?? 'yaml', '')
  }
}
