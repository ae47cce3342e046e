import {spawn} from 'node:child_process'
import type {Readable} from 'node:stream'
import {LAUNCHER} from './launcher.ts'
import {killSession} from './session.ts'
import type {Mount} from './volumes.ts'

/** What a container's program needs to start. */
export interface Launch {
  /** The interpreter that runs the launcher: the pod's own Python. */
  readonly python: string
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly mounts: readonly Mount[]
  /** An empty folder where the container's own view of the file system is put together. */
  readonly root: string
  /** Whole CPUs, as Dask counts its threads. */
  readonly cpus?: number
  /** Bytes, as Dask reads its memory limit. */
  readonly memory?: number
}

export interface Ended {
  readonly exitCode: number
  readonly signal?: number
  /** Set where the program did not even start. */
  readonly failure?: {readonly reason: string; readonly message: string}
}

export interface ContainerProcess {
  readonly pid: number
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves when the program has ended and nothing of its session is left. */
  readonly ended: Promise<Ended>
  /** Signals the program itself, as a runtime signals a container's first process. */
  signal(name: NodeJS.Signals): void
  /** Kills all of it. */
  kill(): Promise<void>
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
}

export function startProcess(
  launch: Launch,
  stdin: 'ignore' | 'pipe' = 'ignore',
): ContainerProcess & {readonly stdin: NodeJS.WritableStream | null} {
  const {python, env, ...rest} = launch
  const spec = {...rest, parent: process.pid}
  const child = spawn(python, ['-I', '-S', '-c', LAUNCHER, JSON.stringify(spec)], {
    stdio: [stdin, 'pipe', 'pipe', 'pipe'],
    env: {...env},
    cwd: '/',
  })
  const report: Buffer[] = []
  const channel = child.stdio[3] as Readable
  channel.on('data', (chunk: Buffer) => report.push(chunk))
  const ended = new Promise<Ended>((resolve) => {
    child.once('error', (error) => resolve({exitCode: 128, failure: {reason: 'StartError', message: error.message}}))
    child.once('exit', (code, signal) => {
      const end = async (): Promise<Ended> => {
        if (child.pid !== undefined) await killSession(child.pid)
        const failure = report.length > 0 ? (JSON.parse(Buffer.concat(report).toString()) as Ended['failure']) : undefined
        const number = signal === null ? undefined : (SIGNALS[signal] ?? 9)
        return {exitCode: code ?? 128 + (number ?? 0), ...(number !== undefined && {signal: number}), ...(failure && {failure})}
      }
      end().then(resolve, (error: unknown) => resolve({exitCode: 128, failure: {reason: 'Error', message: String(error)}}))
    })
  })
  return {
    pid: child.pid ?? 0,
    stdin: child.stdin,
    stdout: child.stdout as Readable,
    stderr: child.stderr as Readable,
    ended,
    signal: (name) => void child.kill(name),
    kill: async () => {
      child.kill('SIGKILL')
      if (child.pid !== undefined) await killSession(child.pid)
    },
  }
}
