/** Where a sandbox keeps its things, and the file by which other processes know it. */
import {mkdir, readFile, rename, rm, statfs, writeFile} from 'node:fs/promises'
import {homedir} from 'node:os'
import {join} from 'node:path'
import {SandboxFailure} from './failure.ts'

export interface SandboxInfo {
  readonly name: string
  readonly pid: number
  /** Start of the process in clock ticks since boot: with the pid it names one process for ever (proc(5), field 22). */
  readonly pidStart: string
  readonly url: string
  /** Name of the kubeconfig context. */
  readonly context: string
  /** The sandbox's own kubeconfig, with its context as the current one. */
  readonly kubeconfig: string
  readonly directory: string
  readonly python: string
  /** Whether it began with what was kept of it (`sandbox down --keep`). */
  readonly hasKept: boolean
  /** Whether an operator of its own serves it (`sandbox up --no-operator`: none does). */
  readonly hasOperator: boolean
  readonly startedAt: string
}

export const DEFAULT_SANDBOX = 'default'

export const contextName = (name: string): string => (name === DEFAULT_SANDBOX ? 'dask-sandbox' : `dask-sandbox-${name}`)

/** `$XDG_STATE_HOME/dask-k8s/sandbox/<name>`, readable by the owner alone. */
export const sandboxDirectory = (name: string): string =>
  join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'dask-k8s', 'sandbox', name)

/** Where its process node keeps what belongs to pods. */
export const nodeDirectory = (name: string): string => join(sandboxDirectory(name), 'node')

const stateFile = (name: string): string => join(sandboxDirectory(name), 'state.json')

/** What a sandbox writes before its first pod, and some logs. */
const NEEDED_BYTES = 4 * 2 ** 20
const ANOTHER_PLACE = 'name another place in XDG_STATE_HOME'

/** Rejects with SandboxFailure where there is no place, or no room. */
export async function makeDirectory(name: string): Promise<string> {
  const directory = sandboxDirectory(name)
  await mkdir(directory, {recursive: true, mode: 0o700}).catch((cause: NodeJS.ErrnoException) => {
    throw new SandboxFailure(`the sandbox's files have no place: ${directory} cannot be made (${cause.code})`, {
      ...{cause, next: [ANOTHER_PLACE]},
    })
  })
  const {bavail, bsize} = await statfs(directory)
  if (bavail * bsize >= NEEDED_BYTES) return directory
  throw new SandboxFailure(
    `there is no room for the sandbox's files in ${directory} (${Math.round((bavail * bsize) / 1024)} kB are free)`,
    {
      next: ['make room', ANOTHER_PLACE],
    },
  )
}

/** The sandbox that the state file tells of, if its process is still that one. */
export async function readRunning(name: string): Promise<SandboxInfo | undefined> {
  const text = await readState(name)
  if (text === undefined) return undefined
  const info = parse(text)
  return info && (await processStart(info.pid)) === info.pidStart ? info : undefined
}

/** `undefined` where there is none, or none that may be read. */
const readState = (name: string): Promise<string | undefined> => readFile(stateFile(name), 'utf8').catch(() => undefined)

/** Whether the process of a sandbox has gone without a `sandbox down`: that takes the state file away. */
export const hasVanished = async (name: string): Promise<boolean> =>
  (await readRunning(name)) === undefined && (await readState(name)) !== undefined

/** A file that was cut off tells of no sandbox: the next `up` writes it anew. */
const parse = (text: string): SandboxInfo | undefined => {
  try {
    return JSON.parse(text) as SandboxInfo
  } catch {
    return undefined
  }
}

export async function writeState(info: SandboxInfo): Promise<void> {
  const file = stateFile(info.name)
  await writeFile(`${file}.new`, `${JSON.stringify(info, null, 2)}\n`, {mode: 0o600})
  await rename(`${file}.new`, file)
}

export const removeState = (name: string): Promise<void> => rm(stateFile(name), {force: true})

/** `undefined` where no such process lives (a zombie does not). */
export async function processStart(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The command's name stands in parentheses and may hold anything; what follows it is plain.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields && fields[0] !== 'Z' ? fields[19] : undefined
}
