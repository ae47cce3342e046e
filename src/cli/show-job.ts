import {DASK_JOBS, type DaskJob} from '../api/dask.ts'
import {LAST_WORDS} from '../api/pod-cause.ts'
import type {KubeClient} from '../kube/client.ts'
import {modeFor, showProgress} from '../ui/progress/show.ts'
import {type FollowJobOptions, followJob, type JobEnd} from './follow-job.ts'
import {Interrupted} from './interruption.ts'
import {answer, tell} from './output.ts'
import {EXIT, Exit, UserError} from './user-error.ts'
import {answerObject} from './write.ts'

export interface ShowJob {
  readonly client: KubeClient
  readonly namespace: string
  readonly name: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly bin: string
  readonly output: string | undefined
  /** Without its output: only its end is waited for. */
  readonly isQuiet?: boolean
  readonly tailLines?: number | undefined
  /** What happens however the following ends, before anything is said of how to go on. */
  readonly last?: () => Promise<void>
}

/** Shows a job to its end and ends with its own exit code; Ctrl-C and a time-out leave the job as it is, and say how to look again. */
export async function showJob(call: ShowJob): Promise<void> {
  const {client, namespace, name, timeoutMs, signal, bin, output, isQuiet = false, tailLines, last} = call
  const isDocument = output !== undefined
  const progress = await showProgress({
    title: `Job "${name}" in namespace "${namespace}"`,
    stream: process.stderr,
    mode: modeFor(process.stderr, isDocument),
  })
  let isShown = false
  const show = (line: string): void => {
    if (isQuiet) return
    isShown = true
    if (isDocument) tell(line)
    else answer(`${line}\n`)
  }
  const options: FollowJobOptions = {
    ...{client, namespace, name, timeoutMs, signal, bin, report: progress.report, onStart: progress.close},
    // With a document on stdout the program's output belongs to the story.
    onLine: show,
    isRemoved: last !== undefined,
    ...(tailLines !== undefined && {tailLines}),
  }
  let end: JobEnd
  try {
    end = await followJob(options)
  } catch (error) {
    progress.close()
    if (!last) tellHowToGoOn(name, error, bin)
    throw error
  } finally {
    progress.close()
    await last?.()
  }
  const {job, isSuccessful, exitCode} = end
  // Whoever has just read the output needs no second end of it.
  const message = isShown ? end.message?.split(LAST_WORDS)[0] : end.message
  if (isDocument) await answerObject(withKind(job), output, '')
  if (isSuccessful) return tell(`job "${name}" is done`)
  tell(`job "${name}" failed${exitCode === undefined ? '' : ` with exit code ${exitCode}`}${message ? `: ${message}` : ''}`)
  throw new Exit(exitCode === undefined || exitCode === 0 ? EXIT.ownFailure : exitCode)
}

const withKind = (job: DaskJob): DaskJob => ({...job, apiVersion: DASK_JOBS.apiVersion, kind: DASK_JOBS.kind})

const tellHowToGoOn = (name: string, error: unknown, bin: string): void => {
  if (error instanceof Interrupted || (error instanceof UserError && error.exitCode === EXIT.timedOut))
    tell(`the job goes on: "${bin} job attach ${name}" looks again, "${bin} job stop ${name}" ends it`)
}
