/** An operator as a process of its own under an account of its own, so that its requests and its memory can be told from all others. */
import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {ControlPlane} from '../kubernetes/control-plane.ts'
import {clientPython} from '../toolchain/pythons.ts'

export interface OperatorProcess {
  /** Resident memory in MB. */
  memory(): Promise<number>
  /** Seconds of a core since it began. */
  cpuSeconds(): Promise<number>
  stop(): Promise<void>
}

/** Hundredths of a second: what Linux counts CPU in. */
const TICKS = 100

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'kubectl-dask.js')

const start = async (program: string, args: readonly string[], plane: ControlPlane, words: string): Promise<OperatorProcess> => {
  const env = {...process.env, KUBECONFIG: plane.operatorKubeconfig, PYTHONWARNINGS: 'ignore'}
  const child = spawn(program, args, {stdio: ['ignore', 'ignore', 'pipe'], env})
  await says(child, words)
  const proc = (file: string): Promise<string> => readFile(`/proc/${child.pid}/${file}`, 'utf8')
  return {
    memory: async () => Number(/^VmRSS:\s+(\d+) kB/m.exec(await proc('status'))?.[1]) / 1024,
    cpuSeconds: async () => {
      const fields = (await proc('stat')).split(') ')[1]?.split(' ') ?? []
      return (Number(fields[11]) + Number(fields[12])) / TICKS
    },
    stop: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const hard = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(hard)
    },
  }
}

export const startOurs = (plane: ControlPlane): Promise<OperatorProcess> =>
  start(process.execPath, [BIN, 'operator', 'run', '--no-leader-election'], plane, 'serving all namespaces')

/** From PyPI, as its image starts it. */
export const startPythons = (plane: ControlPlane): Promise<OperatorProcess> =>
  start(
    clientPython(),
    ['-m', 'kopf', 'run', '-m', 'dask_kubernetes.operator.controller', '--verbose', '--all-namespaces'],
    plane,
    'Starting the watch-stream for daskautoscalers',
  )

const says = (child: ChildProcess, words: string): Promise<void> =>
  new Promise((resolve, reject) => {
    let text = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      if (text.length < 1_000_000) text += chunk.toString()
      if (text.includes(words)) resolve()
    })
    child.once('exit', (code) => reject(new Error(`the operator ended with ${code}: ${text.slice(-2000)}`)))
  })
