/** A scheduler's operations over one connection (contract 4.4, 4.5). */
import {type Comm, LostConnection, openComm, within} from './comm.ts'
import {type Dial, dialWithin} from './dial.ts'
import {ACTIVITY, SHUFFLING, uniqueKeysOf} from './expressions.ts'
import {SchedulerError, unwrapReply} from './message.ts'
import {parsedList, pickledEval} from './python-eval.ts'

export interface SchedulerWorker {
  /** `tcp://host:port` */
  readonly address: string
  readonly host: string
  readonly name: string
  /** `running`, `paused`, `closing_gracefully` … */
  readonly status: string
  readonly nthreads: number
  /** Bytes; 0: none. */
  readonly memoryLimit: number
  /** When the scheduler last heard of it, in seconds by its own clock. */
  readonly lastSeen: number
  /** By its last heartbeat; it reports every 0.5 s and, in a large cluster, more seldom. */
  readonly load: WorkerLoad
}

export interface WorkerLoad {
  /** Bytes of the whole process. */
  readonly memory: number
  /** Per cent of one core. */
  readonly cpu: number
  /** Tasks that run, tasks that wait on this worker, results that it holds. */
  readonly executing: number
  readonly queued: number
  readonly results: number
  /** Bytes of those results, on disk or in memory. */
  readonly resultBytes: number
  /** Bytes that have gone to disk, since memory was short. */
  readonly spilled: number
}

export interface SchedulerIdentity {
  readonly id: string
  readonly address: string
  readonly workers: readonly SchedulerWorker[]
}

/** What a worker has to do, as it says itself (contract 4.5, step 5). */
export interface WorkerState {
  readonly status: string
  readonly running: boolean
  readonly executing: readonly unknown[]
  readonly longRunning: readonly unknown[]
  /** Keys that are queued and will not be started once the worker drains. */
  readonly queued: readonly unknown[]
}

/** Whether a scheduler has work, and how many steps its tasks have made since it began. */
export interface Activity {
  readonly isBusy: boolean
  readonly transitions: number
}

/** What a worker holds and no other one does. */
export interface UniqueKeys {
  /** Texts, at most a hundred. */
  readonly keys: readonly string[]
  /** Whether this scheduler carries out one `retire_workers` after another (Dask 2022): one that waits holds up all others. */
  readonly isSerial: boolean
}

export interface Scheduler {
  identity(): Promise<SchedulerIdentity>
  /** How many workers the scheduler would like to have. */
  adaptiveTarget(): Promise<number>
  /** Since when it has had nothing to do, in seconds since 1970 by its own clock; `undefined`: it has, or is older than 2023.4.1. */
  idleSince(): Promise<number | undefined>
  /** The same for older ones, which have no operation for it (contract 4.6); rejects where they are told to run no function. */
  activity(): Promise<Activity>
  /** Addresses, the first to leave first; workers with long-running tasks may be missing (since 2024.1.0). */
  workersToClose(count: number): Promise<readonly string[]>
  /**
   * Resolves with the addresses that were really retired, after their data has moved.
   * `remove: false, closeWorkers: false` drains: the workers finish what they execute and get nothing new.
   */
  retireWorkers(
    addresses: readonly string[],
    options: {readonly remove: boolean; readonly closeWorkers: boolean; readonly timeoutMs?: number},
  ): Promise<readonly string[]>
  /** Keys that the scheduler has assigned to this worker and that have not ended. */
  processing(address: string): Promise<readonly unknown[]>
  /** `undefined`: the worker cannot be reached. Rejects with a SchedulerError where the scheduler may pass on no messages. */
  workerState(address: string): Promise<WorkerState | undefined>
  /** Addresses of the workers that take part in a P2P shuffle; none where the scheduler is told to run no function. */
  shuffling(): Promise<readonly string[]>
  /** What only this worker holds; `undefined` where the scheduler is told to run no function. */
  uniqueKeys(address: string): Promise<UniqueKeys | undefined>
  /** Versions of Python packages at the scheduler, by name. */
  versions(): Promise<Readonly<Record<string, string>>>
  /** The same of each of these workers that answers. Rejects with a SchedulerError where the scheduler may pass on no messages. */
  workerVersions(addresses: readonly string[]): Promise<readonly Readonly<Record<string, string>>[]>
  /** How many requests have been answered on this connection. */
  answered(): number
  close(): void
}

export interface ConnectOptions {
  readonly port: number
  /** For each answer; a scheduler that listens but stays silent never holds a caller longer. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

type Json = Readonly<Record<string, unknown>>

export async function connectScheduler(dial: Dial, {port, timeoutMs, signal}: ConnectOptions): Promise<Scheduler> {
  const stream = await dialWithin(timeoutMs, dial, port, signal)
  const comm = await openComm(stream, {timeoutMs})
  let answers = 0
  let runsNothing = false
  const request = serialised(comm)
  const ask = async (message: Json, limit = timeoutMs): Promise<unknown> => {
    const reply = await request({...message, reply: true}, limit)
    answers += 1
    return reply
  }

  const evaluated = async (source: string): Promise<readonly unknown[] | undefined> => {
    if (runsNothing) return undefined
    try {
      return listOf(await ask({op: 'run_function', function: pickledEval(source), serializers: ['msgpack']}))
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error
      // Asked again and again, it would write each refusal into its log.
      runsNothing = true
      return undefined
    }
  }

  return {
    identity: async () => identityOf((await ask({op: 'identity'})) as Json),
    adaptiveTarget: async () => numberOf('adaptive_target', await ask({op: 'adaptive_target'})),
    idleSince: async () => {
      const reply = await ask({op: 'check_idle'})
      return typeof reply === 'number' ? reply : undefined
    },
    activity: async () => activityOf(await ask({op: 'run_function', function: pickledEval(ACTIVITY), serializers: ['msgpack']})),
    workersToClose: async (count) => {
      if (count === 0) return []
      const reply = await ask({op: 'workers_to_close', n: count, attribute: 'address'})
      return Array.isArray(reply) ? reply.map(String) : []
    },
    retireWorkers: async (addresses, {remove, closeWorkers, timeoutMs: limit}) => {
      const reply = await once(ask({op: 'retire_workers', workers: addresses, remove, close_workers: closeWorkers}, limit))
      return Object.keys((reply ?? {}) as Json)
    },
    processing: async (address) => {
      const reply = (await ask({op: 'processing', workers: [address]})) as Json | null
      const keys = reply?.[address]
      return Array.isArray(keys) ? keys : []
    },
    workerState: async (address) => {
      const msg = {op: 'dump_state', exclude: LEFT_OUT}
      const reply = (await ask({op: 'broadcast', workers: [address], on_error: 'ignore', msg: {...msg, reply: true}})) as Json | null
      return stateOf(reply?.[address])
    },
    shuffling: async () => ((await evaluated(SHUFFLING)) ?? []).map(String),
    uniqueKeys: async (address) => {
      const list = await evaluated(uniqueKeysOf(address))
      return list && {isSerial: list[0] === true, keys: list.slice(1).map(String)}
    },
    versions: async () => packagesOf(await ask({op: 'versions'})),
    workerVersions: async (addresses) => {
      if (addresses.length === 0) return []
      const reply = await ask({op: 'broadcast', workers: addresses, on_error: 'ignore', msg: {op: 'versions', reply: true}})
      return Object.values((reply ?? {}) as Json).map(packagesOf)
    },
    answered: () => answers,
    close: () => comm.close(),
  }
}

/** What changes the cluster must not be asked twice: a connection that is lost meanwhile is a failure like any other. */
const once = (reply: Promise<unknown>): Promise<unknown> =>
  reply.catch((error: unknown) => {
    throw error instanceof LostConnection ? new Error(`the scheduler went away meanwhile: ${error.message}`, {cause: error}) : error
  })

/** Parts of a worker's dump that are large and not needed. */
const LEFT_OUT = [
  ...['tasks', 'log', 'logs', 'stimulus_log', 'config', 'data', 'has_what'],
  ...['transfer_incoming_log', 'transfer_outgoing_log'],
] as const

/** Of the answer to `run_function`. */
const listOf = (reply: unknown): readonly unknown[] => parsedList((reply as {readonly result?: unknown} | null)?.result)

const packagesOf = (reply: unknown): Readonly<Record<string, string>> =>
  (reply as {readonly packages?: Readonly<Record<string, string>>} | null)?.packages ?? {}

const activityOf = (reply: unknown): Activity => {
  const [isBusy, transitions] = listOf(reply)
  if (typeof isBusy !== 'boolean' || typeof transitions !== 'number')
    throw new SchedulerError('the scheduler is older than 2023.4.1 and does not let itself be asked whether it is idle')
  return {isBusy, transitions}
}

/** A scheduler that does not know an operation, or is told to refuse it, answers nil (contract 4.4): that is no 0. */
const numberOf = (op: string, reply: unknown): number => {
  if (typeof reply !== 'number') throw new SchedulerError(`the scheduler does not tell ${op}`)
  return reply
}

/** One request at a time; after a time-out the connection is of no more use, since the late answer would be taken for another's. */
const serialised = (comm: Comm): ((message: Json, limitMs: number) => Promise<unknown>) => {
  let last: Promise<unknown> = Promise.resolve()
  return (message, limitMs) => {
    const turn = last.then(async () => {
      comm.send(message)
      try {
        return unwrapReply(String(message['op']), await within(limitMs, comm.receive(), `the scheduler does not answer ${message['op']}`))
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'SchedulerError') comm.close()
        throw error
      }
    })
    last = turn.catch(() => {})
    return turn
  }
}

const identityOf = (reply: Json): SchedulerIdentity => ({
  id: String(reply['id'] ?? ''),
  address: String(reply['address'] ?? ''),
  workers: Object.entries((reply['workers'] ?? {}) as Readonly<Record<string, Json>>).map(([address, worker]) => ({
    address,
    host: String(worker['host'] ?? hostOf(address)),
    name: String(worker['name'] ?? address),
    status: String(worker['status'] ?? 'running'),
    nthreads: Number(worker['nthreads'] ?? 0),
    memoryLimit: Number(worker['memory_limit'] ?? 0),
    lastSeen: Number(worker['last_seen'] ?? 0),
    load: loadOf((worker['metrics'] ?? {}) as Json),
  })),
})

/** Counts stand in `task_counts` since 2022.12.2, and beside the other metrics before. */
const loadOf = (metrics: Json): WorkerLoad => {
  const counts = (metrics['task_counts'] ?? metrics) as Json
  const number = (of: Json, ...names: readonly string[]): number => names.reduce((sum, name) => sum + Number(of[name] ?? 0), 0)
  return {
    memory: number(metrics, 'memory'),
    cpu: number(metrics, 'cpu'),
    executing: number(counts, 'executing', 'long-running'),
    queued: number(counts, 'ready', 'constrained'),
    results: counts === metrics ? number(counts, 'in_memory') : number(counts, 'memory'),
    resultBytes: number(metrics, 'managed_bytes'),
    spilled: number((metrics['spilled_bytes'] ?? {}) as Json, 'disk'),
  }
}

/** Host of `tcp://host:port`; IPv6 hosts lose their brackets. */
export const hostOf = (address: string): string => /^[a-z]+:\/\/(.+):\d+$/.exec(address)?.[1]?.replace(/^\[|\]$/g, '') ?? address

export const portOf = (address: string): number => Number(/:(\d+)$/.exec(address)?.[1] ?? 0)

/** A dump writes it as Python shows it, `<Status.running: 'running'>`. */
const statusName = (text: string): string => /^<Status\.(\w+)/.exec(text)?.[1] ?? text

const stateOf = (dump: unknown): WorkerState | undefined => {
  if (typeof dump !== 'object' || dump === null) return undefined
  const state = dump as Json
  if (state['status'] === undefined) return undefined
  const list = (name: string): readonly unknown[] => (Array.isArray(state[name]) ? state[name] : [])
  return {
    status: statusName(String(state['status'])),
    running: state['running'] === true,
    executing: list('executing'),
    longRunning: list('long_running'),
    queued: [...list('ready'), ...list('constrained')],
  }
}
