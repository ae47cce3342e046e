/** `sandbox up`, `down` and `status`: the sandbox as a background process that outlives the command. */
import {spawn} from 'node:child_process'
import {open, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {SandboxFailure} from './failure.ts'
import {dropWish, forgetKept, hasKept, isToKeep, wishToKeep} from './kept.ts'
import {removeContext, userKubeconfig} from './kubeconfig.ts'
import {killLeftOvers, markOf} from './node/session.ts'
import {
  contextName,
  makeDirectory,
  nodeDirectory,
  processStart,
  readRunning,
  removeState,
  type SandboxInfo,
  sandboxDirectory,
} from './state.ts'

/** How long a sandbox may take to serve (it takes less than a second on an idle machine). */
const UP_TIMEOUT_MS = 30_000
/** How long its pods may take to end. */
const DOWN_TIMEOUT_MS = 30_000

export interface UpOptions {
  readonly name: string
  /** The program that serves a sandbox in the foreground, with its arguments. */
  readonly serve: readonly [string, ...string[]]
  readonly signal?: AbortSignal
}

export interface Up extends SandboxInfo {
  /** Whether it ran before this call. */
  readonly already: boolean
}

/**
 * Resolves when the sandbox of this name serves; starts it where it does not run.
 * Rejects with its own last words when it dies instead; then nothing is left behind.
 */
export async function sandboxUp({name, serve, signal}: UpOptions): Promise<Up> {
  const running = await readRunning(name)
  if (running) return {...running, already: true}

  const directory = await makeDirectory(name)
  await removeState(name)
  await dropWish(directory)
  const logFile = join(directory, 'sandbox.log')
  const log = await open(logFile, 'w', 0o600)
  const [program, ...args] = serve
  const child = spawn(program, args, {detached: true, stdio: ['ignore', log.fd, log.fd], cwd: '/'})
  await log.close()
  let ended: string | undefined
  child.once('error', (error) => {
    ended = error.message
  })
  child.once('exit', (code, killedBy) => {
    ended ??= `it ended with ${killedBy ?? `exit code ${code}`}`
  })
  const deadline = performance.now() + UP_TIMEOUT_MS
  try {
    for (;;) {
      signal?.throwIfAborted()
      const info = await readRunning(name)
      if (info) return {...info, already: false}
      if (ended)
        throw new SandboxFailure(`the sandbox did not start: ${(await lastError(logFile)) ?? ended}`, {next: [`its log is ${logFile}`]})
      if (performance.now() > deadline)
        throw new SandboxFailure(`the sandbox did not serve within ${UP_TIMEOUT_MS / 1000} s`, {next: [`its log is ${logFile}`]})
      await pause(20)
    }
  } catch (error) {
    if (!ended) await end(child.pid)
    throw error
  } finally {
    child.unref()
  }
}

export interface DownOptions {
  readonly name: string
  /** Its objects and what its claims hold are there again at the next `up`; else whatever was kept of it is forgotten. */
  readonly keep?: boolean
}

export interface Down {
  /** Whether it, or something of it, ran before this call. */
  readonly ran: boolean
  /** Whether something is kept of it; without `keep`: whether something was, which is gone now. */
  readonly kept: boolean
}

/**
 * Resolves when the sandbox and every pod of it have ended and its context is gone.
 * What a sandbox that was killed has left of its pods ends too. Rejects with SandboxFailure where it has ended and could not be kept.
 */
export async function sandboxDown({name, keep = false}: DownOptions): Promise<Down> {
  const directory = sandboxDirectory(name)
  const running = await readRunning(name)
  if (running) {
    if (keep) await wishToKeep(directory)
    await end(running.pid)
  }
  const left = await killLeftOvers(markOf(nodeDirectory(name)))
  await removeState(name)
  await removeContext(userKubeconfig(), contextName(name))
  if (keep && running && (await isToKeep(directory)))
    throw new SandboxFailure(`sandbox "${name}" is down, but what it held could not be kept`, {next: [`its log is ${sandboxLog(name)}`]})
  const kept = await hasKept(directory)
  if (!keep) await forgetKept(directory)
  return {ran: running !== undefined || left > 0, kept}
}

/** The sandbox of this name, if it runs. */
export const sandboxStatus = ({name}: {readonly name: string}): Promise<SandboxInfo | undefined> => readRunning(name)

export const sandboxLog = (name: string): string => join(sandboxDirectory(name), 'sandbox.log')

/** Asks the process to end and waits; one that does not is killed, and the next `up` ends what it leaves. */
const end = async (pid: number | undefined): Promise<void> => {
  if (pid === undefined) return
  const start = await processStart(pid)
  const lives = async (): Promise<boolean> => start !== undefined && (await processStart(pid)) === start
  if (!(await lives())) return
  process.kill(pid, 'SIGTERM')
  const deadline = performance.now() + DOWN_TIMEOUT_MS
  while (await lives()) {
    if (performance.now() > deadline) {
      process.kill(pid, 'SIGKILL')
      return
    }
    await pause(20)
  }
}

/** What it said itself of why it ended. */
const lastError = async (file: string): Promise<string | undefined> =>
  /^error: (.*)$/m.exec((await readFile(file, 'utf8').catch(() => '')).trimEnd().split('\n').at(-1) ?? '')?.[1]

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
