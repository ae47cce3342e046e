/** A further program in a running container, whatever protocol its input and output travel by. */
import type {Readable, Writable} from 'node:stream'
import type {PodRunner} from './pod.ts'
import {startProcess} from './process.ts'

export interface ExecOutput {
  readonly stdout: (bytes: Buffer) => void
  readonly stderr: (bytes: Buffer) => void
}

export interface ExecEnd {
  readonly exitCode: number
  /** It did not even start. */
  readonly failure?: {readonly message: string} | undefined
}

export interface Exec {
  readonly stdin: Pick<Writable, 'write' | 'end'>
  /** Resolves when the program has ended and all its output has been told. */
  readonly ended: Promise<ExecEnd>
  readonly kill: () => void
}

export type RunExec = (output: ExecOutput) => Promise<Exec>

/** Rejects when the container does not run. */
export async function startExec(pod: PodRunner, name: string, command: readonly string[], {stdout, stderr}: ExecOutput): Promise<Exec> {
  const container = pod.container(name)
  if (!container?.pid()) throw new Error(`container ${name} is not running`)
  const running = startProcess(await container.launch(command), 'pipe')
  running.stdout.on('data', stdout)
  running.stderr.on('data', stderr)
  running.stdin?.on('error', () => {
    // The program has closed its input: what is still sent is not read by anybody.
  })
  return {
    stdin: {write: (bytes: Buffer) => running.stdin?.write(bytes) ?? false, end: () => running.stdin?.end()} as Exec['stdin'],
    ended: Promise.all([running.ended, closed(running.stdout), closed(running.stderr)]).then(([{exitCode, failure}]) => ({
      exitCode,
      failure,
    })),
    kill: () => void running.kill(),
  }
}

const closed = (stream: Readable): Promise<void> =>
  stream.readableEnded ? Promise.resolve() : new Promise((resolve) => stream.once('close', resolve))

/** How an exec ended, as the API tells it. */
export const execStatus = ({exitCode, failure}: ExecEnd): object => {
  if (exitCode === 0 && !failure) return {metadata: {}, status: 'Success'}
  return {
    metadata: {},
    status: 'Failure',
    reason: failure ? 'InternalError' : 'NonZeroExitCode',
    message: failure?.message ?? `command terminated with non-zero exit code: exit status ${exitCode}`,
    ...(!failure && {details: {causes: [{reason: 'ExitCode', message: String(exitCode)}]}}),
  }
}
