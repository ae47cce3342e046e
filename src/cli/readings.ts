import type {Pod} from '../api/core.ts'
import {PORT_COMM} from '../api/names.ts'
import {namedPort} from '../api/scheduler-address.ts'
import type {SchedulerWorker} from '../dask/scheduler.ts'
import type {TaskNumbers} from '../dask/task-feed.ts'
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
const ANSWER_MS = 3_000
const RATES = 120

interface Follower {
  readonly uid: string | undefined
  readonly reading: () => Reading
  /** Asks for what is due; resolves when it is there, or cannot be had. */
  readonly round: () => Promise<void>
  readonly close: () => void
}

/**
 * Follows schedulers until `signal` aborts, over two forwarded connections each: on one they tell the numbers of their tasks by themselves, on the
 * other they are asked for their workers as often as those report. Resolves after the first round, or when it takes too long.
 */
export async function openReadings({client, schedulers, signal, onReadings}: ReadingsCall): Promise<void> {
  const [{connectScheduler}, {openTaskFeed}, {forwardDial}, {daskDial}] = await Promise.all([
    import('../dask/scheduler.ts'),
    import('../dask/task-feed.ts'),
    import('../dask/dial.ts'),
    import('../dask/tls-identity.ts'),
  ])
  const follow = (pod: Pod): Follower => {
    const dial = daskDial(client, pod)(forwardDial(client, pod.metadata.namespace ?? '', pod.metadata.name))
    const port = namedPort(PORT_COMM, pod)
    const tasks = followTasks(() => openTaskFeed(dial, {port, timeoutMs: ANSWER_MS, everyMs: ROUND_MS, signal}))
    const workers = followWorkers(() => connectScheduler(dial, {port, timeoutMs: ANSWER_MS, signal}))
    return {
      uid: pod.metadata.uid,
      reading: () => ({...workers.latest(), ...tasks.latest()}),
      round: async () => {
        await Promise.all([tasks.round(), workers.round()])
      },
      close: () => {
        tasks.close()
        workers.close()
      },
    }
  }
  const followers = new Map<string, Follower>()
  const round = async (): Promise<void> => {
    const now = new Map(schedulers().map(({key, pod}) => [key, pod]))
    for (const [key, {uid, close}] of followers) {
      if (now.get(key)?.metadata.uid === uid) continue
      close()
      followers.delete(key)
    }
    for (const [key, pod] of now) if (!followers.has(key)) followers.set(key, follow(pod))
    await Promise.all([...followers.values()].map((follower) => follower.round()))
    if (!signal.aborted) onReadings(new Map([...followers].map(([key, {reading}]) => [key, reading()])))
  }

  let timer: NodeJS.Timeout | undefined
  const again = (): void => {
    if (!signal.aborted) timer = setTimeout(() => round().then(again), ROUND_MS)
  }
  signal.addEventListener('abort', () => {
    clearTimeout(timer)
    for (const {close} of followers.values()) close()
  })
  const first = round().then(again)
  await Promise.race([first, new Promise<void>((resolve) => setTimeout(resolve, ROUND_MS).unref())])
}

type OpenFeed = () => ReturnType<typeof import('../dask/task-feed.ts').openTaskFeed>

interface Part<T> {
  readonly latest: () => T
  readonly round: () => Promise<void>
  readonly close: () => void
}

/** A scheduler that runs no functions says so once and is not asked again; one that does not answer is asked again the next round. */
const followTasks = (open: OpenFeed): Part<Pick<Reading, 'tasks' | 'rates'>> => {
  let rates: readonly number[] = []
  let last: {readonly tasks: TaskNumbers; readonly at: number} | undefined
  let state: 'closed' | 'open' | 'deaf' = 'closed'
  let isClosed = false
  let close = (): void => undefined
  const take = (tasks: TaskNumbers): void => {
    const at = performance.now()
    const rate = last && rateOf(last.tasks, tasks, at - last.at)
    if (rate !== undefined) rates = [...rates, rate].slice(-RATES)
    last = {tasks, at}
  }
  const fail = (error: unknown): void => {
    last = undefined
    state = error instanceof Error && error.name === 'SchedulerError' ? 'deaf' : 'closed'
  }
  return {
    latest: () => ({rates, ...(last && {tasks: last.tasks})}),
    round: async () => {
      if (isClosed || state !== 'closed') return
      state = 'open'
      try {
        const feed = await open()
        if (isClosed) return feed.close()
        close = feed.close
        take(await feed.next())
        const listen = async (): Promise<never> => {
          for (;;) take(await feed.next())
        }
        listen().catch(fail)
      } catch (error) {
        fail(error)
      }
    },
    close: () => {
      isClosed = true
      close()
    },
  }
}

type Connect = () => ReturnType<typeof import('../dask/scheduler.ts').connectScheduler>

/** A scheduler that does not answer is shown without workers, and asked again the next round. */
const followWorkers = (connect: Connect): Part<Pick<Reading, 'workers'>> => {
  let workers: readonly SchedulerWorker[] | undefined
  let scheduler: Awaited<ReturnType<Connect>> | undefined
  let dueAt = 0
  let isClosed = false
  return {
    latest: () => (workers ? {workers} : {}),
    round: async () => {
      if (isClosed || performance.now() < dueAt) return
      try {
        scheduler ??= await connect()
        workers = (await scheduler.identity()).workers
        dueAt = performance.now() + heartbeatMs(workers.length) - ROUND_MS / 2
      } catch {
        scheduler?.close()
        scheduler = undefined
        workers = undefined
      }
      if (isClosed) scheduler?.close()
    },
    close: () => {
      isClosed = true
      scheduler?.close()
    },
  }
}

const rateOf = (before: TaskNumbers, after: TaskNumbers, ms: number): number | undefined =>
  ms > 0 && after.done >= before.done ? ((after.done - before.done) / ms) * 1000 : undefined

/** Workers report so often, by how many they are (distributed's `heartbeat_interval`): asking more often tells nothing new. */
const heartbeatMs = (workers: number): number => (workers < 200 ? ROUND_MS : (workers / 200 + 1) * 1000)
