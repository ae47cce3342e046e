import type {Pod} from '../api/core.ts'
import {DEFAULT_COMM_PORT, PORT_COMM} from '../api/names.ts'
import type {Scheduler, SchedulerWorker, TaskNumbers} from '../dask/scheduler.ts'
import type {KubeClient} from '../kube/client.ts'
import type {Reading} from './board.ts'

export interface ReadingsCall {
  readonly client: KubeClient
  /** The ready scheduler of each cluster, asked anew each round. */
  readonly schedulers: () => readonly {readonly key: string; readonly pod: Pod}[]
  readonly signal: AbortSignal
  readonly onReadings: (readings: ReadonlyMap<string, Reading>) => void
}

const ROUND_MS = 2_000
/** With more clusters than this the rounds are longer, so that there are never more questions a second. */
const CLUSTERS_A_ROUND = 20
const ANSWER_MS = 3_000
const RATES = 120

interface Memory {
  readonly uid: string | undefined
  readonly workers?: readonly SchedulerWorker[]
  readonly tasks?: TaskNumbers
  readonly tasksAt?: number
  readonly rates: readonly number[]
  /** When its workers are asked for again. */
  readonly workersDue: number
  /** It runs no functions: its tasks are not known. */
  readonly isDeaf: boolean
}

/**
 * Asks schedulers for their workers and tasks, round after round, until `signal` aborts: over one forwarded connection each.
 * Resolves after the first round, or when it takes too long.
 */
export async function openReadings({client, schedulers, signal, onReadings}: ReadingsCall): Promise<void> {
  const [{createSchedulerPool}, {forwardDial}] = await Promise.all([import('../dask/pool.ts'), import('../dask/dial.ts')])
  const known = new Map<string, Memory>()
  const podOf = (key: string | undefined): Pod => {
    const found = schedulers().find((scheduler) => scheduler.key === key)
    if (!found) throw new Error(`the scheduler of ${key} has gone`)
    return found.pod
  }
  const pool = createSchedulerPool({
    dialFor:
      ({name}) =>
      (port, life) => {
        const {metadata} = podOf(name)
        return forwardDial(client, metadata.namespace ?? '', metadata.name)(port, life)
      },
    portFor: ({name}) => portOf(podOf(name)),
    concurrency: 4,
    timeoutMs: ANSWER_MS,
  })

  const ask = async (key: string, uid: string | undefined): Promise<void> => {
    const kept = known.get(key)
    const before: Memory = kept?.uid === uid && kept ? kept : {uid, rates: [], workersDue: 0, isDeaf: false}
    if (before !== kept) pool.forget({name: key})
    try {
      known.set(key, await pool.use({name: key}, (scheduler) => read(scheduler, before)))
    } catch {
      // A scheduler that does not answer is shown without numbers; the next round asks again.
      known.set(key, {uid, rates: before.rates, workersDue: 0, isDeaf: before.isDeaf})
    }
  }
  const round = async (): Promise<void> => {
    const now = schedulers()
    for (const key of known.keys()) if (!now.some((scheduler) => scheduler.key === key)) known.delete(key)
    await Promise.all(now.map(({key, pod}) => ask(key, pod.metadata.uid)))
    if (!signal.aborted) onReadings(new Map(known))
  }

  let timer: NodeJS.Timeout | undefined
  const again = (): void => {
    if (!signal.aborted) timer = setTimeout(() => round().then(again), ROUND_MS * Math.max(1, Math.ceil(known.size / CLUSTERS_A_ROUND)))
  }
  signal.addEventListener('abort', () => {
    clearTimeout(timer)
    pool.close()
  })
  const first = round().then(again)
  await Promise.race([first, new Promise<void>((resolve) => setTimeout(resolve, ROUND_MS).unref())])
}

const read = async (scheduler: Scheduler, before: Memory): Promise<Memory> => {
  const now = performance.now()
  const workers = now >= before.workersDue || !before.workers ? (await scheduler.identity()).workers : undefined
  const {tasks, isDeaf} = before.isDeaf ? {tasks: undefined, isDeaf: true} : await readTasks(scheduler)
  const rate = tasks && before.tasks && rateOf(before.tasks, tasks, now - (before.tasksAt ?? now))
  return {
    uid: before.uid,
    ...(workers ? {workers} : before.workers && {workers: before.workers}),
    ...(tasks && {tasks, tasksAt: now}),
    rates: rate === undefined ? before.rates : [...before.rates, rate].slice(-RATES),
    workersDue: workers ? now + heartbeatMs(workers.length) - ROUND_MS / 2 : before.workersDue,
    isDeaf,
  }
}

/** A scheduler that is told to run no function says so: its tasks are not asked for again. */
const readTasks = (scheduler: Scheduler): Promise<{readonly tasks: TaskNumbers | undefined; readonly isDeaf: boolean}> =>
  scheduler.tasks().then(
    (tasks) => ({tasks, isDeaf: false}),
    (error: unknown) => {
      if (error instanceof Error && error.name === 'SchedulerError') return {tasks: undefined, isDeaf: true}
      throw error
    },
  )

const rateOf = (before: TaskNumbers, after: TaskNumbers, ms: number): number | undefined =>
  ms > 0 && after.done >= before.done ? ((after.done - before.done) / ms) * 1000 : undefined

/** Workers report so often, by how many they are (distributed's `heartbeat_interval`): asking more often tells nothing new. */
const heartbeatMs = (workers: number): number => (workers < 200 ? ROUND_MS : (workers / 200 + 1) * 1000)

const portOf = ({spec}: Pod): number =>
  spec.containers.flatMap(({ports}) => ports ?? []).find(({name}) => name === PORT_COMM)?.containerPort ?? DEFAULT_COMM_PORT
