import {checkClusterName, choicesOf, markFlags, marksOf, schedulerFlags, workerFlags} from '../../cli/choices.ts'
import {DaskCommand} from '../../cli/command.ts'
import {nameArg, outputFlag} from '../../cli/flags.ts'
import {jobManifest} from '../../cli/job-manifest.ts'
import {usageError} from '../../cli/user-error.ts'
import {answerObject} from '../../cli/write.ts'

export default class GenerateJob extends DaskCommand {
  static override summary = 'Print the manifest of a job to start from.'
  static override description = 'Its program has to be in the image: "job run" is what takes local files along.\n'
  static override usage = 'NAME [flags] -- COMMAND [ARGS...]'
  static override takesCommand = true
  static override examples = [
    {description: 'A job of four workers', command: 'generate job train -w 4 --image my.org/train:1 -- python -m train'},
  ]
  static override args = {name: nameArg('job')}
  static override flags = {...workerFlags, ...schedulerFlags, ...markFlags, output: outputFlag}

  async run(): Promise<void> {
    const {args, flags} = await this.parse(GenerateJob)
    checkClusterName(args.name, 'job')
    const command = this.tail ?? []
    if (command.length === 0)
      throw usageError('there is no command', `write it behind "--", like "${this.bin} generate job ${args.name} -- python -m train"`)
    await answerObject(jobManifest(args.name, flags.namespace, command, [], choicesOf(flags), marksOf(flags)), flags.output ?? 'yaml', '')
  }
}
