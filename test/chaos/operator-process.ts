/** An operator that is started again whenever it was killed. */
import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'

export interface OperatorProcess {
  /** SIGKILL, and another one. */
  kill(): void
  stop(): Promise<void>
}

export function startOperatorProcess(program: string, kubeconfig: string, note: (what: string) => void): OperatorProcess {
  let isStopped = false
  let child: ChildProcess
  const start = (): void => {
    child = spawn(process.execPath, [program], {stdio: ['ignore', 'ignore', 'pipe'], env: {...process.env, KUBECONFIG: kubeconfig}})
    child.stderr?.on('data', (chunk: Buffer) => note(`operator: ${chunk.toString().trim()}`))
    child.once('exit', (code, signal) => {
      if (isStopped) return
      if (signal !== 'SIGKILL') note(`operator: ended with ${signal ?? code}`)
      start()
    })
  }
  start()
  return {
    kill: () => {
      child.kill('SIGKILL')
    },
    stop: async () => {
      isStopped = true
      const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      child.kill('SIGKILL')
      await exited
    },
  }
}
