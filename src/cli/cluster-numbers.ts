import type {DaskClusterSpec} from '../api/dask.ts'
import type {SchedulerWorker} from '../dask/scheduler.ts'
import type {TaskNumbers} from '../dask/task-feed.ts'
import type {KubeClient} from '../kube/client.ts'
import {formatBytes} from '../ui/bytes.ts'
import {formatDuration} from './duration.ts'
import {withScheduler} from './scheduler.ts'

export interface Load {
  readonly connected: number
  readonly threads: number
  /** Per cent of one core. */
  readonly cpu: number
  /** Bytes; the limit is 0 where there is none. */
  readonly memory: number
  readonly memoryLimit: number
  readonly running: number
  /** Tasks that wait on a worker, and results that the workers hold. */
  readonly queued: number
  readonly results: number
  /** Bytes, of which some have gone to disk. */
  readonly resultBytes: number
  readonly spilled: number
}

/** What a scheduler says of its cluster. */
export interface ClusterNumbers extends Load {
  /** Absent where it does not tell them. */
  readonly tasks?: TaskNumbers
  /** How many workers it would like to have. */
  readonly target?: number
  /** Seconds since 1970; absent while it has something to do. */
  readonly idleSince?: number
}

/** Why it did not answer. */
interface Silent {
  readonly error: string
}

export type Numbers = ClusterNumbers | Silent

/** Resolves with `undefined` where the cluster has no ready scheduler; a description is no place to fail in because one does not answer. */
export async function readNumbers(
  client: KubeClient,
  namespace: string,
  cluster: string,
  signal: AbortSignal,
): Promise<Numbers | undefined> {
  try {
    return await withScheduler(client, {namespace, cluster, signal}, async (scheduler, askTasks): Promise<ClusterNumbers> => {
      const {workers} = await scheduler.identity()
      const tasks = await told(askTasks())
      const target = await told(scheduler.adaptiveTarget())
      const idleSince = await told(scheduler.idleSince())
      return {
        ...loadOf(workers),
        ...(tasks && {tasks}),
        ...(target !== undefined && {target}),
        ...(idleSince !== undefined && {idleSince}),
      }
    })
  } catch (error) {
    signal.throwIfAborted()
    return {error: error instanceof Error ? error.message : String(error)}
  }
}

/** What this version of Dask does not tell is left out. */
const told = <T>(answer: Promise<T>): Promise<T | undefined> =>
  answer.catch((error: unknown) => {
    if (error instanceof Error && error.name === 'SchedulerError') return undefined
    throw error
  })

export type Row = readonly [name: string, value: string | undefined]

/** The numbers as lines of a description; `rule`: what becomes of a cluster that is idle, and after how long. */
export function numberRows(numbers: Numbers | undefined, rule: IdleRule, now: number): readonly Row[] {
  if (!numbers) return []
  if ('error' in numbers) return [['Tasks:', `unknown, the scheduler does not answer: ${numbers.error}`]]
  const {running, tasks, target, idleSince, spilled} = numbers
  return [
    connectedRow(numbers),
    [
      'Tasks:',
      tasks &&
        [
          `${running} running`,
          `${waitingOf(numbers)} waiting`,
          ...(tasks.unrunnable > 0 ? [`${tasks.unrunnable} that no worker can run`] : []),
          ...(tasks.erred > 0 ? [`${tasks.erred} erred`] : []),
          `${tasks.results} results held`,
          ...(spilled > 0 ? [`${formatBytes(spilled)} of them on disk`] : []),
        ].join(', '),
    ],
    ['Asks for:', target === undefined ? undefined : `${target} ${target === 1 ? 'worker' : 'workers'}`],
    ['Idle:', idleSince === undefined ? undefined : idleText(now - idleSince * 1000, rule)],
  ]
}

type IdleRule = Pick<DaskClusterSpec, 'idleTimeout' | 'idleAction'>

const idleText = (idleMs: number, {idleTimeout = 0, idleAction = 'Delete'}: IdleRule): string => {
  const idle = `for ${formatDuration(idleMs)}`
  if (idleTimeout <= 0) return idle
  const timeoutMs = idleTimeout * 1000
  const end = idleAction === 'Suspend' ? 'suspended' : 'deleted'
  return `${idle} of ${formatDuration(timeoutMs)}, ${end} ${idleMs < timeoutMs ? `in ${formatDuration(timeoutMs - idleMs)}` : 'now'}`
}

/** Tasks that no worker has begun; `undefined` where the scheduler does not tell them. */
export const waitingOf = ({tasks, running}: ClusterNumbers): number | undefined =>
  tasks && tasks.waiting + tasks.queued + Math.max(0, tasks.processing - running)

/** Who is connected, and what those together have. */
export const connectedRow = ({connected, threads, cpu, memory, memoryLimit}: Load): Row => [
  'Connected:',
  `${connected} with ${threads} threads, memory ${formatBytes(memory)}/${memoryLimit > 0 ? formatBytes(memoryLimit) : '∞'}, CPU ${Math.round(cpu)}%`,
]

/** What those are at, and what they would hand over. */
export const workText = ({running, queued, results, resultBytes}: Load): string =>
  `${running} running, ${queued} queued, ${results} results held (${formatBytes(resultBytes)})`

/** What some workers have together. */
export const loadOf = (workers: readonly SchedulerWorker[]): Load => {
  const sum = (of: (worker: SchedulerWorker) => number): number => workers.reduce((total, worker) => total + of(worker), 0)
  return {
    connected: workers.length,
    threads: sum(({nthreads}) => nthreads),
    cpu: sum(({load}) => load.cpu),
    memory: sum(({load}) => load.memory),
    memoryLimit: sum(({memoryLimit}) => memoryLimit),
    running: sum(({load}) => load.executing),
    queued: sum(({load}) => load.queued),
    results: sum(({load}) => load.results),
    resultBytes: sum(({load}) => load.resultBytes),
    spilled: sum(({load}) => load.spilled),
  }
}
