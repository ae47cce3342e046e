/** Sandboxes of one file of tests, as their user starts them: with a state folder and a kubeconfig of their own. */
import {execFile} from 'node:child_process'
import {mkdtemp, readdir, readFile, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {processStart} from '../../src/sandbox/state.ts'
import {type Output, until} from '../conformance/ground.ts'
import {kubectlPath} from '../kubernetes/kubectl.ts'
import {daskEnvironment, NEWEST_DASK} from '../toolchain/pythons.ts'

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'dask-k8s.js')
export const PYTHON = join(daskEnvironment(NEWEST_DASK), 'bin', 'python')

const call = promisify(execFile)

export interface OwnSandboxes {
  readonly directory: string
  readonly env: NodeJS.ProcessEnv
  /** Files of the sandbox of this name. */
  home(name: string): string
  /** Resolves with what the command answers. */
  up(name: string, more?: NodeJS.ProcessEnv): Promise<string>
  down(name: string, ...flags: readonly string[]): Promise<string>
  /** Any command of ours, whatever its exit code. */
  dask(...args: readonly string[]): Promise<Output>
  /** What a command that fails with exit code 1 says; `within`: run by another one, which gets its program and its arguments. */
  refused(args: readonly string[], more?: NodeJS.ProcessEnv, within?: readonly string[]): Promise<string>
  /** Resolves with what kubectl answers, of the sandbox of this name. */
  kubectl(name: string, ...args: readonly string[]): Promise<string>
  /** The process that serves the sandbox of this name. */
  pid(name: string): Promise<number>
  /** Kills that process by -9; resolves when it has ended. */
  kill(name: string): Promise<void>
  /** Takes these down and removes every file. */
  remove(...names: readonly string[]): Promise<void>
}

/** `enter`: what runs each command, for a folder of its own; it gets the command's program and its arguments. */
export async function ownSandboxes(enter: (directory: string) => Promise<readonly string[]> = async () => []): Promise<OwnSandboxes> {
  const directory = await mkdtemp(join(tmpdir(), 'own-sandbox-'))
  const outer = await enter(directory)
  const kubectl = await kubectlPath()
  const env = {...process.env, XDG_STATE_HOME: directory, KUBECONFIG: join(directory, 'kubeconfig')}
  const home = (name: string): string => join(directory, 'dask-k8s', 'sandbox', name)
  const pid = async (name: string): Promise<number> =>
    (JSON.parse(await readFile(join(home(name), 'state.json'), 'utf8')) as {readonly pid: number}).pid
  const entered = (...words: readonly string[]): readonly [string, readonly string[]] => {
    const [program = '', ...args] = [...outer, ...words]
    return [program, args]
  }
  const answer = async (program: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<string> =>
    (await call(...entered(program, ...args), {env: {...env, ...more}})).stdout
  const sandbox = (args: readonly string[], more?: NodeJS.ProcessEnv, within: readonly string[] = []) => {
    const [program = process.execPath, ...words] = [...within, process.execPath, BIN, 'sandbox', ...args]
    return answer(program, words, more)
  }
  return {
    directory,
    env,
    home,
    up: (name, more) => sandbox(['up', '--name', name, '--python', PYTHON], more),
    down: (name, ...flags) => sandbox(['down', '--name', name, ...flags]),
    dask: (...args) =>
      new Promise((resolve) => {
        execFile(...entered(process.execPath, BIN, ...args), {env, maxBuffer: 2 ** 24}, (error, stdout, stderr) =>
          resolve({code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr}),
        )
      }),
    refused: async (args, more, within) => {
      const failure = await sandbox(args, more, within).then(
        (said) => ({code: 0, stderr: said}),
        (error: {readonly stderr: string; readonly code: number}) => error,
      )
      if (failure.code !== 1) throw new Error(`sandbox ${args.join(' ')} ended with ${failure.code}: ${failure.stderr}`)
      return failure.stderr
    },
    kubectl: (name, ...args) => answer(kubectl, ['--context', `dask-sandbox-${name}`, ...args]),
    pid,
    kill: async (name) => {
      const killed = await pid(name)
      process.kill(killed, 'SIGKILL')
      await until(async () => (await processStart(killed)) === undefined, 'the killed process ends')
    },
    remove: async (...names) => {
      for (const name of names) await sandbox(['down', '--name', name])
      await rm(directory, {recursive: true, force: true, maxRetries: 5})
    },
  }
}

/** Arguments of every process of this machine, by its pid. */
export async function commandLines(): Promise<ReadonlyMap<number, readonly string[]>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  // One that has gone meanwhile has none.
  const read = async (pid: string) => (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
  return new Map(await Promise.all(pids.map(async (pid) => [Number(pid), await read(pid)] as const)))
}
