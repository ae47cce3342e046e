/** What a live view shows: plain data, fed by whoever reads it. Full screen, lines in a pipe and JSON are all made from this. */

export interface Board {
  /** The context, and the namespace or that it is all of them. */
  readonly place: string
  readonly namespace: string | undefined
  /** ms since the epoch. */
  readonly at: number
  readonly clusters: readonly ClusterCard[]
  readonly jobs: readonly JobCard[]
  /** What keeps it from being up to date, in one line. */
  readonly trouble: string | undefined
}

export interface ClusterCard {
  readonly namespace: string
  readonly name: string
  readonly status: string
  readonly message: string | undefined
  readonly isReady: boolean
  readonly age: string
  readonly wanted: number
  readonly ready: number
  readonly load: Load
  /** Absent while the scheduler has not told them. */
  readonly tasks: Tasks | undefined
  /** Tasks that ended, in each second of the last while; the newest last. */
  readonly rates: readonly number[]
  readonly groups: readonly GroupCard[]
  readonly workers: readonly WorkerCard[]
  readonly events: readonly EventCard[]
}

/** Sums over the connected workers; memory in bytes, cpu in per cent of one core. */
export interface Load {
  readonly connected: number
  readonly threads: number
  readonly cpu: number
  readonly memory: number
  /** 0: none. */
  readonly memoryLimit: number
  readonly running: number
}

export interface Tasks {
  readonly waiting: number
  readonly queued: number
  readonly unrunnable: number
  readonly processing: number
  readonly results: number
  readonly erred: number
  readonly done: number
}

export interface GroupCard {
  readonly name: string
  readonly wanted: number
  readonly ready: number
  readonly retiring: number
  readonly autoscaler: AutoscalerCard | undefined
}

export interface AutoscalerCard {
  readonly minimum: number
  readonly maximum: number
  /** How many workers the scheduler asked for last. */
  readonly target: number | undefined
  readonly status: string
}

export interface WorkerCard {
  readonly pod: string
  readonly name: string
  readonly group: string
  readonly node: string | undefined
  readonly status: string
  readonly message: string | undefined
  readonly restarts: number
  /** Absent where no worker is connected. */
  readonly load: WorkerNumbers | undefined
}

export interface WorkerNumbers {
  readonly threads: number
  readonly cpu: number
  readonly memory: number
  readonly memoryLimit: number
  readonly running: number
  readonly queued: number
  readonly results: number
}

export interface JobCard {
  readonly namespace: string
  readonly name: string
  readonly status: string
  readonly message: string | undefined
  readonly duration: string
  readonly age: string
  readonly exitCode: number | undefined
}

export interface EventCard {
  readonly id: string
  /** When it was last told, in ms since the epoch. */
  readonly at: number
  readonly age: string
  readonly isWarning: boolean
  readonly about: string
  readonly reason: string
  readonly message: string
}

export const keyOf = ({namespace, name}: {readonly namespace: string; readonly name: string}): string => `${namespace}/${name}`

/** Tasks a second, by the latest word; absent before there are two. */
export const rateOf = ({rates}: ClusterCard): number | undefined => rates.at(-1)

/** Tasks that no worker has begun. */
export const waitingOf = ({tasks, load}: ClusterCard): number | undefined =>
  tasks && tasks.waiting + tasks.queued + tasks.unrunnable + Math.max(0, tasks.processing - load.running)

export function totalOf(clusters: readonly ClusterCard[]): Load {
  const none: Load = {connected: 0, threads: 0, cpu: 0, memory: 0, memoryLimit: 0, running: 0}
  return clusters.reduce(
    (sum, {load}) => ({
      connected: sum.connected + load.connected,
      threads: sum.threads + load.threads,
      cpu: sum.cpu + load.cpu,
      memory: sum.memory + load.memory,
      memoryLimit: sum.memoryLimit + load.memoryLimit,
      running: sum.running + load.running,
    }),
    none,
  )
}

export type SortKey = 'name' | 'cpu' | 'memory' | 'running'
export const SORT_KEYS: readonly SortKey[] = ['name', 'cpu', 'memory', 'running']

/** The fullest first; by name they are already. */
export const sortWorkers = (workers: readonly WorkerCard[], by: SortKey): readonly WorkerCard[] =>
  by === 'name' ? workers : workers.toSorted((one, other) => (other.load?.[by] ?? -1) - (one.load?.[by] ?? -1))
