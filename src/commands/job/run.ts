import {Flags} from '@oclif/core'
import {DASK_JOBS, type DaskJob} from '../../api/dask.ts'
import {checkClusterName, choicesOf, markFlags, marksOf, refuseBeside, schedulerFlags, workerFlags} from '../../cli/choices.ts'
import {DEFAULT_IMAGE} from '../../cli/cluster-manifest.ts'
import {DaskCommand} from '../../cli/command.ts'
import {parseDuration} from '../../cli/duration.ts'
import {dryRunFlag, dryRunOf, outputFlag} from '../../cli/flags.ts'
import {type FollowJobOptions, followJob, type JobEnd} from '../../cli/follow-job.ts'
import {Interrupted} from '../../cli/interruption.ts'
import {type JobFile, packFiles} from '../../cli/job-files.ts'
import {filesManifest, jobManifest} from '../../cli/job-manifest.ts'
import {answer, formatDocument, tell} from '../../cli/output.ts'
import {readManifest} from '../../cli/read-manifest.ts'
import {generateJobName, submitJob} from '../../cli/submit-job.ts'
import {EXIT, Exit, UserError, usageError} from '../../cli/user-error.ts'
import {answerObject, doneText} from '../../cli/write.ts'
import type {KubeClient} from '../../kube/client.ts'
import {modeFor, showProgress} from '../../ui/progress/show.ts'

const GENERATING = [...Object.keys(workerFlags), ...Object.keys(schedulerFlags), ...Object.keys(markFlags), 'name', 'file']

export default class JobRun extends DaskCommand {
  static override summary = 'Run a program on a Dask cluster that lives as long as it does.'
  static override description =
    'Local files that the command names travel with it. Its output is shown as it comes, and its exit code is that of this command ' +
    '(125 is a failure of ours). Ctrl-C leaves the job running.\n'
  static override usage = '[flags] -- COMMAND [ARGS...]'
  static override examples = [
    {description: 'A script of this folder, on four workers', command: 'job run -w 4 -- python train.py --epochs 3'},
    {
      description: 'With a module that it imports, and an environment variable',
      command: 'job run --file model.py -e RUN=7 -- python train.py',
    },
    {description: 'Start it and come back later ("job logs train -f")', command: 'job run --detach --name train -- python train.py'},
    {description: 'From a manifest', command: 'job run -f job.yaml'},
  ]
  static override flags = {
    name: Flags.string({helpValue: 'NAME', summary: 'Name of the job; made from the command where it is not given.'}),
    ...workerFlags,
    ...schedulerFlags,
    ...markFlags,
    file: Flags.string({
      helpValue: 'PATH',
      multiple: true,
      multipleNonGreedy: true,
      summary: 'A further file that travels along; may be repeated.',
    }),
    filename: Flags.string({char: 'f', helpValue: 'FILE', summary: 'Manifest of the job instead of all these; - is standard input.'}),
    detach: Flags.boolean({char: 'd', summary: 'Do not wait for its end.', exclusive: ['rm']}),
    rm: Flags.boolean({summary: 'Delete the job when it has ended, and on Ctrl-C.'}),
    timeout: Flags.custom<number>({parse: async (text) => parseDuration(text)})({
      helpValue: 'TIME',
      summary: 'Stop waiting after this long, with exit code 124; the job goes on. For ever where it is not given.',
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
    if (flags.name !== undefined) checkClusterName(flags.name)
    // Nothing is made before all that the job needs has been found.
    const luggage = await packFiles(command, flags.file ?? [], process.cwd())
    const dryRun = dryRunOf(flags)
    const manifest = async (namespace: string | undefined): Promise<DaskJob> => {
      const job =
        filename === undefined
          ? jobManifest(flags.name ?? generateJobName(command), namespace, luggage.command, luggage.files, choicesOf(flags), marksOf(flags))
          : await readManifest(filename, DASK_JOBS, namespace)
      checkClusterName(job.metadata.name)
      return job
    }
    if (dryRun === 'client') return await answerDry(await manifest(flags.namespace), luggage.files, output)

    const {client, namespace} = await this.connect(flags)
    this.signal.throwIfAborted()
    const made = await submitJob(client, namespace, await manifest(namespace), luggage.files, dryRun === 'server')
    if (dryRun !== undefined) return await answerObject(made, output, doneText('created', dryRun))
    if (flags.image === undefined && filename === undefined) tell(`image: ${DEFAULT_IMAGE} (--image takes another)`)
    const name = made.metadata.name
    if (flags.detach || !flags.wait) {
      await answerObject(made, output, 'created')
      return tell(`"${this.bin} job logs ${name} -f" follows it`)
    }
    await this.#follow(client, made, flags)
  }

  async #follow(
    client: KubeClient,
    {metadata: {name, namespace = client.namespace}}: DaskJob,
    {rm, timeout, output}: {readonly rm: boolean; readonly timeout?: number | undefined; readonly output?: string | undefined},
  ): Promise<void> {
    const isDocument = output !== undefined
    const progress = await showProgress({
      title: `Job "${name}" in namespace "${namespace}"`,
      stream: process.stderr,
      mode: modeFor(process.stderr, isDocument),
    })
    const call: FollowJobOptions = {
      ...{client, namespace, name, timeoutMs: timeout ?? Number.POSITIVE_INFINITY, signal: this.signal, bin: this.bin},
      report: progress.report,
      onStart: progress.close,
      // With a document on stdout the program's output belongs to the story.
      onLine: (line) => (isDocument ? tell(line) : answer(`${line}\n`)),
    }
    let end: JobEnd
    try {
      end = await followJob(call)
    } catch (error) {
      progress.close()
      if (!rm) this.#tellHowToGoOn(name, error)
      throw error
    } finally {
      progress.close()
      if (rm)
        await client
          .delete(DASK_JOBS, {namespace, name}, {propagationPolicy: 'Background'})
          .catch((error: unknown) => tell(`job "${name}" could not be deleted: ${String(error)}`))
    }
    const {job, isSuccessful, exitCode, message} = end
    if (isDocument) await answerObject({...job, apiVersion: DASK_JOBS.apiVersion, kind: DASK_JOBS.kind}, output, '')
    if (isSuccessful) return tell(`job "${name}" is done`)
    tell(`job "${name}" failed${exitCode === undefined ? '' : ` with exit code ${exitCode}`}${message ? `: ${message}` : ''}`)
    throw new Exit(exitCode === undefined || exitCode === 0 ? EXIT.ownFailure : exitCode)
  }

  #tellHowToGoOn(name: string, error: unknown): void {
    if (error instanceof Interrupted || (error instanceof UserError && error.exitCode === EXIT.timedOut))
      tell(`the job goes on: "${this.bin} job logs ${name} -f" looks again, "${this.bin} job delete ${name}" ends it`)
  }
}

const answerDry = async (job: DaskJob, files: readonly JobFile[], output: string | undefined): Promise<void> => {
  if (files.length === 0 || output === undefined || output === 'name') return await answerObject(job, output, doneText('created', 'client'))
  const items = [filesManifest(job.metadata.name, job.metadata.namespace, files), job]
  answer(await formatDocument({apiVersion: 'v1', kind: 'List', items}, output === 'yaml' ? 'yaml' : 'json'))
}
