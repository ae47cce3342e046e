/** Real Dask for all schedules of a file: one Python process holds their schedulers, workers and clients. */
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {daskEnvironment, NEWEST_DASK} from '../toolchain/pythons.ts'

export interface DaskHost {
  /** Starts a scheduler; resolves with its port on 127.0.0.1. */
  start(cluster: string): Promise<number>
  /** `host`: the address that it listens on. */
  addWorker(cluster: string, worker: string, host: string): Promise<void>
  /** The worker ends as a process does that is killed: what it executes and holds is lost. */
  endWorker(cluster: string, worker: string): Promise<void>
  /** Whether a worker is there and has tasks or results, or may be given some at any moment. */
  isUsed(cluster: string, worker: string): Promise<boolean>
  /** Tasks that append their number to `<directory>/starts` when they start; without end until `endLoad`. */
  beginLoad(cluster: string, directory: string): Promise<void>
  /** Resolves with the number of tasks once every result has been gathered and found right. */
  endLoad(cluster: string): Promise<number>
  /** Workers that the scheduler may give tasks to. */
  count(cluster: string): Promise<number>
  end(cluster: string): Promise<void>
  /** Calls `listener` for each worker of a cluster that ended of itself: its scheduler has retired it. */
  onEnded(cluster: string, listener: (worker: string) => void): void
  stop(): Promise<void>
}

interface Line {
  readonly id?: number
  readonly answer?: Readonly<Record<string, number>>
  readonly error?: string
  readonly ended?: {readonly cluster: string; readonly worker: string}
}

export async function startDaskHost(): Promise<DaskHost> {
  const python = join(daskEnvironment(NEWEST_DASK), 'bin', 'python')
  const child = spawn(python, [join(import.meta.dirname, 'dask_host.py')], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {...process.env, PYTHONWARNINGS: 'ignore', DASK_LOGGING__DISTRIBUTED: 'critical'},
  })
  const exited = once(child, 'exit')
  let story = ''
  child.stderr.on('data', (chunk: Buffer) => {
    story = (story + chunk).slice(-4000)
  })
  const waiting = new Map<number, {resolve: (answer: Readonly<Record<string, number>>) => void; reject: (error: Error) => void}>()
  const listeners = new Map<string, (worker: string) => void>()
  const ready = Promise.withResolvers<void>()
  createInterface({input: child.stdout}).on('line', (text) => {
    const {id, answer, error, ended} = JSON.parse(text) as Line
    if (ended) listeners.get(ended.cluster)?.(ended.worker)
    else if (id === undefined) ready.resolve()
    else {
      if (error === undefined) waiting.get(id)?.resolve(answer ?? {})
      else waiting.get(id)?.reject(new Error(error))
      waiting.delete(id)
    }
  })
  child.once('exit', (code, signal) => {
    const gone = new Error(`the Python process with Dask ended with ${signal ?? code}: ${story}`)
    ready.reject(gone)
    for (const {reject} of waiting.values()) reject(gone)
  })
  await ready.promise

  let count = 0
  const ask = (cluster: string, what: string, more: Readonly<Record<string, string>> = {}): Promise<Readonly<Record<string, number>>> => {
    const id = count++
    const {promise, resolve, reject} = Promise.withResolvers<Readonly<Record<string, number>>>()
    waiting.set(id, {resolve, reject})
    child.stdin.write(`${JSON.stringify({id, cluster, do: what, with: more})}\n`)
    return promise
  }
  return {
    start: async (cluster) => (await ask(cluster, 'start'))['port'] ?? 0,
    addWorker: async (cluster, worker, host) => void (await ask(cluster, 'add_worker', {worker, host})),
    endWorker: async (cluster, worker) => void (await ask(cluster, 'end_worker', {worker})),
    isUsed: async (cluster, worker) => (await ask(cluster, 'is_used', {worker}))['yes'] === 1,
    beginLoad: async (cluster, directory) => void (await ask(cluster, 'begin_load', {directory})),
    endLoad: async (cluster) => (await ask(cluster, 'end_load'))['tasks'] ?? 0,
    count: async (cluster) => (await ask(cluster, 'count'))['running'] ?? 0,
    end: async (cluster) => {
      listeners.delete(cluster)
      await ask(cluster, 'end')
    },
    onEnded: (cluster, listener) => void listeners.set(cluster, listener),
    stop: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
