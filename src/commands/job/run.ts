import {Flags} from '@oclif/core'
import {DASK_CLUSTERS, DASK_JOBS, type DaskJob} from '../../api/dask.ts'
import {checkClusterName, choicesOf, markFlags, marksOf, refuseBeside, schedulerFlags, workerFlags} from '../../cli/choices.ts'
import {DEFAULT_IMAGE} from '../../cli/cluster-manifest.ts'
import {DaskCommand} from '../../cli/command.ts'
import {parseDuration} from '../../cli/duration.ts'
import {dryRunFlag, dryRunOf, outputFlag} from '../../cli/flags.ts'
import {type JobFile, luggageStory, packFiles} from '../../cli/job-files.ts'
import {limitFlags, limitsOf} from '../../cli/job-limits.ts'
import {filesManifest, jobManifest} from '../../cli/job-manifest.ts'
import {tell} from '../../cli/output.ts'
import {nameOf, readManifests} from '../../cli/read-manifest.ts'
import {showJob} from '../../cli/show-job.ts'
import {generateJobName, submitJob} from '../../cli/submit-job.ts'
import {EXIT, usageError} from '../../cli/user-error.ts'
import {answerObjects, doneText, makeInTurn} from '../../cli/write.ts'

const GENERATING = [
  ...Object.keys(workerFlags),
  ...Object.keys(schedulerFlags),
  ...Object.keys(markFlags),
  ...Object.keys(limitFlags),
  'name',
  'file',
]

export default class JobRun extends DaskCommand {
  static override summary = 'Run a program on a Dask cluster that lives as long as it does.'
  static override description =
    'Local files that the command names travel with it; an absolute path that leads out of this folder is one of the image. Its output is shown as it comes, and its exit code is that of this command ' +
    '(125 is a failure of ours). Ctrl-C leaves the job running.\n'
  static override usage = '[flags] -- COMMAND [ARGS...]'
  static override takesCommand = true
  static override examples = [
    {description: 'A script of this folder, on four workers', command: 'job run -w 4 -- python train.py --epochs 3'},
    {
      description: 'With a module that it imports, and an environment variable',
      command: 'job run --file model.py -e RUN=7 -- python train.py',
    },
    {description: 'Start it and come back later ("job attach train")', command: 'job run --detach --name train -- python train.py'},
    {description: 'On a cluster that exists', command: 'job run --on demo -- python train.py'},
    {description: 'From a manifest', command: 'job run -f job.yaml'},
    {description: 'All jobs of a directory', command: 'job run --detach -f jobs/'},
  ]
  static override flags = {
    name: Flags.string({helpValue: 'NAME', summary: 'Name of the job; made from the command where it is not given.'}),
    ...workerFlags,
    ...schedulerFlags,
    ...markFlags,
    ...limitFlags,
    file: Flags.string({
      helpValue: 'PATH',
      multiple: true,
      multipleNonGreedy: true,
      summary: 'A further file that travels along; may be repeated.',
    }),
    filename: Flags.string({
      char: 'f',
      helpValue: 'FILE',
      summary: 'Manifest of the job instead of all these: a file, or - for standard input; with --detach a directory of several too.',
    }),
    detach: Flags.boolean({char: 'd', summary: 'Do not wait for its end.', exclusive: ['rm']}),
    rm: Flags.boolean({summary: 'Delete the job when it has ended, when --timeout is over, and on Ctrl-C.'}),
    timeout: Flags.custom<number>({parse: async (text) => parseDuration(text)})({
      helpValue: 'TIME',
      summary: 'Stop waiting after this long, with exit code 124; the job goes on, but with --rm. For ever where it is not given.',
    }),
    wait: Flags.boolean({allowNo: true, default: true, hidden: true}),
    'dry-run': dryRunFlag,
    output: outputFlag,
  }

  /** The codes below are the program's own. */
  protected override readonly failedWith = EXIT.ownFailure

  async run(): Promise<void> {
    const {flags} = await this.parse(JobRun)
    const {filename, output} = flags
    refuseBeside(filename, flags, GENERATING)
    const command = this.tail ?? []
    if (filename === undefined && command.length === 0)
      throw usageError('there is no command', `write it behind "--", like "${this.bin} job run -- python train.py"`)
    if (filename !== undefined && command.length > 0) throw usageError('a manifest and a command exclude each other')
    if (flags.name !== undefined) checkClusterName(flags.name, 'job')
    // Nothing is made before all that the job needs has been found.
    const luggage = await packFiles(command, flags.file ?? [], process.cwd())
    const story = luggageStory(luggage)
    if (story !== undefined) tell(story)
    const dryRun = dryRunOf(flags)
    const jobs = async (namespace: string | undefined): Promise<readonly {readonly object: DaskJob; readonly file?: string}[]> => {
      const all =
        filename === undefined
          ? [
              {
                object: jobManifest(
                  flags.name ?? generateJobName(command),
                  namespace,
                  luggage.command,
                  luggage.files,
                  choicesOf(flags),
                  marksOf(flags),
                  limitsOf(flags),
                ),
              },
            ]
          : await readManifests(filename, DASK_JOBS, {namespace, asked: flags.namespace, verb: 'apply'})
      for (const {object} of all) checkClusterName(object.metadata.name, 'job')
      if (all.length > 1 && !flags.detach && dryRun === undefined)
        throw usageError(`"${filename}" holds ${all.length} jobs, and one alone can be followed`, 'start them with --detach')
      return all
    }
    if (dryRun === 'client')
      return await answerDry(
        (await jobs(flags.namespace)).map(({object}) => object),
        luggage.files,
        output,
      )

    const {client, namespace} = await this.connect(flags)
    // Of a manifest it may come later; who names one in the call means one that is there.
    if (flags.on !== undefined) await client.get(DASK_CLUSTERS, {namespace, name: flags.on}, {signal: this.signal})
    this.signal.throwIfAborted()
    const made = await makeInTurn(await jobs(namespace), {
      make: ({object}) => submitJob(client, namespace, object, luggage.files, dryRun === 'server'),
      tellMade: (some) => answerObjects(some, output, doneText('created', dryRun)),
      tellRefused: (file, error) => this.tellFailure(nameOf(file), error),
      exitCode: this.failedWith,
    })
    if (dryRun !== undefined) return await answerObjects(made, output, doneText('created', dryRun))
    if (flags.image === undefined && filename === undefined) tell(`image: ${DEFAULT_IMAGE} (--image takes another)`)
    const names = made.map(({metadata}) => metadata.name)
    if (flags.detach || !flags.wait) {
      await answerObjects(made, output, 'created')
      return tell(names.map((name) => `"${this.bin} job attach ${name}" follows it`).join('\n'))
    }
    const [name = ''] = names
    const remove = (): Promise<void> =>
      client
        .delete(DASK_JOBS, {namespace, name}, {propagationPolicy: 'Background'})
        .catch((error: unknown) => tell(`job "${name}" could not be deleted: ${String(error)}`))
    await showJob({
      ...{client, namespace, name, timeoutMs: flags.timeout ?? Number.POSITIVE_INFINITY, signal: this.signal, bin: this.bin, output},
      ...(flags.rm && {last: remove}),
    })
  }
}

/** The files stand beside the job in a document alone: a sentence has no room for them. */
const answerDry = async (jobs: readonly DaskJob[], files: readonly JobFile[], output: string | undefined): Promise<void> => {
  const isDocument = output === 'json' || output === 'yaml'
  const luggage = jobs.flatMap(({metadata}) =>
    isDocument && files.length > 0 ? [filesManifest(metadata.name, metadata.namespace, files)] : [],
  )
  await answerObjects([...luggage, ...jobs], output, doneText('created', 'client'))
}
