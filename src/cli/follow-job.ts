import {PODS, type Pod} from '../api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, type DaskCluster, type DaskJob} from '../api/dask.ts'
import {hasJobEnded} from '../api/job-state.ts'
import {LABEL_CLUSTER, runnerName} from '../api/names.ts'
import {podCause, podExit} from '../api/pod-cause.ts'
import {VIOLATES_POD_SECURITY} from '../api/pod-security.ts'
import type {KubeClient} from '../kube/client.ts'
import {ifMissing} from '../kube/errors.ts'
import type {Cache} from '../kube/informer.ts'
import {clusterProgress, firstPodProblem, type Problem, type StepNews} from './cluster-progress.ts'
import {followLogs} from './pod-logs.ts'
import {EXIT, UserError} from './user-error.ts'
import {impatience, problemError} from './wait-cluster.ts'
import {type Look, openWatch} from './watch.ts'

const PATIENCE_MS = 20_000
/** A job that has ended is told by its status; its runner ends a moment before. */
const STATUS_TIMEOUT_MS = 60_000

export interface FollowJobOptions {
  readonly client: KubeClient
  readonly namespace: string
  readonly name: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly report: (step: StepNews) => void
  /** Called once, before the first line: the program runs. */
  readonly onStart: () => void
  readonly onLine: (line: string) => void
  readonly bin: string
  /** Whoever called takes the job away himself. */
  readonly isRemoved?: boolean
  /** Where the log begins; at its start where neither is given. */
  readonly tailLines?: number
  readonly sinceSeconds?: number
}

export interface JobEnd {
  readonly job: DaskJob
  readonly isSuccessful: boolean
  /** The program's own exit code; `undefined` where it never ran or is not known. */
  readonly exitCode: number | undefined
  readonly message: string | undefined
}

/**
 * Follows a job from its creation to its end, with every line of its log once.
 * Rejects with exit code 125 when its pods cannot start or the job is deleted, with 124 when the time is up; the job itself goes on.
 */
export async function followJob(options: FollowJobOptions): Promise<JobEnd> {
  const {client, namespace, name, signal, timeoutMs, report, onStart, onLine, bin} = options
  const {spec} = await client.get(DASK_JOBS, {namespace, name}, {signal})
  const cluster = spec.clusterName ?? name
  const watch = await openWatch(client, signal)
  const deadline = performance.now() + timeoutMs
  const left = (): number => Math.max(0, deadline - performance.now())
  try {
    const caches: Caches = {
      jobs: watch.see(DASK_JOBS, {namespace, name}),
      clusters: watch.see(DASK_CLUSTERS, {namespace, name: cluster}),
      pods: watch.see(PODS, {namespace, labelSelector: `${LABEL_CLUSTER}=${cluster}`}),
    }
    const see = (): Sight => lookAtJob(caches, namespace, {name, cluster})
    const patience = impatience(PATIENCE_MS)
    const started = await watch.until(() => untilStarted(see(), patience, report), {
      timeoutMs,
      waitingFor: () => [`job "${name}" has not started`, caches.jobs.get({namespace, name})?.status?.message].filter(Boolean).join(': '),
    })
    if ('reason' in started) {
      const {message} = await problemError(client, name, started, bin, signal)
      // The runner is the job's own, wherever that runs.
      const fact = started.pod?.metadata.name === runnerName(name) ? message.replace(' of DaskCluster ', ' of DaskJob ') : message
      throw new UserError(fact, {next: options.isRemoved ? [] : [`"${bin} job delete ${name}" takes the job away`]})
    }
    let runner = started.runner ?? (await readRunner(client, see(), signal))
    if (runner) onStart()
    // One after another: a program that has failed may be tried again, in another pod.
    while (runner) {
      const {uid} = runner.metadata
      const isOver = (): boolean => {
        const now = see()
        return hasEnded(now) || now.runner?.metadata.uid !== uid
      }
      const container = runner.spec.containers[0]?.name
      const lines = followLogs(client, {
        namespace,
        name: runner.metadata.name,
        ...(container !== undefined && {container}),
        ...(options.tailLines !== undefined && {tailLines: options.tailLines}),
        ...(options.sinceSeconds !== undefined && {sinceSeconds: options.sinceSeconds}),
        signal: AbortSignal.any([signal, AbortSignal.timeout(Math.min(Math.ceil(left()), 2 ** 31 - 1))]),
        isOver,
        change: (atMostMs) => watch.change(atMostMs, isOver),
      })
      for await (const line of withDeadline(lines, left, name)) onLine(line)
      runner = await watch.until(untilNext(see, runner), {
        timeoutMs: Math.max(left(), hasEnded(see()) ? STATUS_TIMEOUT_MS : 0),
        waitingFor: () => `job "${name}" still runs`,
      })
    }
    const rest = Math.max(left(), hasEnded(see()) ? STATUS_TIMEOUT_MS : 0)
    const end = await watch.until(() => untilEnded(see()), {timeoutMs: rest, waitingFor: () => `job "${name}" still runs`})
    // The runner ended before its job did; the cache may not know it yet, the server does.
    return describeEnd(end, await readRunner(client, see(), signal))
  } finally {
    watch.close()
  }
}

interface Caches {
  readonly jobs: Cache<DaskJob>
  readonly clusters: Cache<DaskCluster>
  readonly pods: Cache<Pod>
}

interface Sight {
  readonly job: DaskJob
  readonly cluster: DaskCluster | undefined
  readonly pods: readonly Pod[]
  readonly runner: Pod | undefined
}

const lookAtJob = (
  {jobs, clusters, pods}: Caches,
  namespace: string,
  {name, cluster}: {readonly name: string; readonly cluster: string},
): Sight => {
  const job = jobs.get({namespace, name})
  if (!job) throw new UserError(`job "${name}" was deleted`)
  const runnerPod = job.status?.jobRunnerPodName ?? runnerName(name)
  return {
    job,
    cluster: clusters.get({namespace, name: cluster}),
    pods: pods.list(namespace),
    runner: pods.get({namespace, name: runnerPod}),
  }
}

const containerState = (pod: Pod | undefined): 'waiting' | 'running' | 'ended' => {
  if (pod?.status?.phase === 'Succeeded' || pod?.status?.phase === 'Failed') return 'ended'
  const state = pod?.status?.containerStatuses?.[0]?.state
  return state?.running ? 'running' : state?.terminated ? 'ended' : 'waiting'
}

const hasEnded = ({job, runner}: Sight): boolean => hasJobEnded(job) || !runner || containerState(runner) === 'ended'

/** A job that is over before its runner was seen: the pods are watched apart from it, and what is known of them may be older. */
const readRunner = async (client: KubeClient, {job}: Sight, signal: AbortSignal): Promise<Pod | undefined> => {
  const {name, namespace = client.namespace} = job.metadata
  const runner = await client
    .get(PODS, {namespace, name: job.status?.jobRunnerPodName ?? runnerName(name)}, {signal})
    .catch(ifMissing(undefined))
  return containerState(runner) === 'waiting' ? undefined : runner
}

/** Done when the program runs or has run, when the job is over without it, or when its pods cannot start. */
const untilStarted = (
  {job, cluster, pods, runner}: Sight,
  patience: (problem: Problem) => number,
  report: FollowJobOptions['report'],
): Look<{readonly runner: Pod | undefined} | Problem> => {
  const progress = cluster && clusterProgress(cluster, pods)
  for (const step of progress?.steps ?? []) report(step)
  if (runner && containerState(runner) !== 'waiting') {
    // The operator starts no program before its scheduler; what is known of the scheduler's pod may be a moment older.
    if (cluster) report({name: 'scheduler', state: 'done', detail: 'ready'})
    report({name: 'program', state: 'done', detail: 'started'})
    return {done: {runner}}
  }
  if (hasJobEnded(job)) return {done: {runner: undefined}}
  const problem = (runner ? firstPodProblem([runner]) : refusedRunner(job)) ?? progress?.problem
  const detail = runner && problem?.pod === runner ? `${problem.reason}: ${problem.message}` : (job.status?.message ?? '')
  report({name: 'program', state: 'waiting', detail})
  if (!problem) return {}
  const left = patience(problem)
  return left <= 0 ? {done: problem} : {again: left}
}

/** The program's own pod may be refused though those of the cluster are not. */
const refusedRunner = ({status}: DaskJob): Problem | undefined =>
  status?.reason === VIOLATES_POD_SECURITY ? {reason: status.reason, message: status.message ?? '', isFinal: true} : undefined

/** Done with the next attempt's runner when that has started, or with none when the job is over. */
const untilNext =
  (see: () => Sight, last: Pod): (() => Look<Pod | undefined>) =>
  (): Look<Pod | undefined> => {
    const {job, runner} = see()
    if (hasJobEnded(job)) return {done: undefined}
    const isNext = runner && runner.metadata.uid !== last.metadata.uid && containerState(runner) !== 'waiting'
    return isNext ? {done: runner} : {}
  }

const untilEnded = ({job}: Sight): Look<DaskJob> => (hasJobEnded(job) ? {done: job} : {})

/** The lines; when the time is up, the sentence that says so instead of the abort. */
async function* withDeadline(lines: AsyncIterable<string>, left: () => number, name: string): AsyncGenerator<string> {
  try {
    yield* lines
  } catch (error) {
    if (left() > 0) throw error
    throw new UserError(`job "${name}" still runs`, {exitCode: EXIT.timedOut})
  }
}

const describeEnd = (job: DaskJob, runner: Pod | undefined): JobEnd => {
  const exit = runner && podExit(runner)
  return {
    job,
    isSuccessful: job.status?.jobStatus === 'Successful',
    exitCode: job.status?.exitCode ?? exit?.exitCode,
    message: job.status?.message ?? (runner && podCause(runner)?.message),
  }
}
