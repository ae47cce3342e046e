/** `sandbox up`, `down` and `status`: the sandbox as a background process that outlives the command. */
import {spawn} from 'node:child_process'
import {open, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {SandboxFailure} from './failure.ts'
import {forgetKept, hasKept} from './kept.ts'
import {removeContext, userKubeconfig} from './kubeconfig.ts'
import {killLeftOvers, marked, markOf} from './node/session.ts'
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
import {inTurn} from './turn.ts'

/** How long a sandbox may take to serve (it takes less than a second on an idle machine). */
const UP_TIMEOUT_MS = 30_000
/** How long its pods may take to end. */
const DOWN_TIMEOUT_MS = 30_000

/** What a process that serves this sandbox has in its environment, whether it has told of itself yet or not. */
const serverMark = (name: string): readonly [variable: string, value: string] => ['SANDBOX_SERVER', sandboxDirectory(name)]
const serversOf = (name: string): Promise<readonly number[]> => marked(serverMark(name).join('='))

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
 * Resolves when the sandbox of this name serves; starts it where it does not run, and no other command does.
 * Rejects with its own last words when it dies instead; then nothing is left behind.
 */
export async function sandboxUp(options: UpOptions): Promise<Up> {
  const {name, signal} = options
  const running = await readRunning(name)
  if (running) return {...running, already: true}
  await makeDirectory(name)
  const start = async (): Promise<Up> => {
    const before = await settled(name, signal)
    return before ? {...before, already: true} : startServer(options)
  }
  return inTurn(name, start, signal)
}

/** The sandbox that another command has started, once it serves; `undefined` once there is none, or no more. */
const settled = async (name: string, signal: AbortSignal | undefined): Promise<SandboxInfo | undefined> => {
  const deadline = performance.now() + UP_TIMEOUT_MS
  for (;;) {
    signal?.throwIfAborted()
    const info = await readRunning(name)
    if (info) return info
    const [pid] = await serversOf(name)
    if (pid === undefined) return undefined
    if (performance.now() > deadline)
      throw new SandboxFailure(`process ${pid} of sandbox "${name}" neither serves nor ends`, {next: ['"sandbox down" ends it']})
    await pause(100)
  }
}

const startServer = async ({name, serve, signal}: UpOptions): Promise<Up> => {
  const directory = sandboxDirectory(name)
  await removeState(name)
  const logFile = join(directory, 'sandbox.log')
  const log = await open(logFile, 'w', 0o600)
  const [program, ...args] = serve
  const [variable, value] = serverMark(name)
  // It runs in another folder, where a relative path would lead elsewhere.
  const env = {...process.env, [variable]: value, KUBECONFIG: userKubeconfig()}
  const child = spawn(program, args, {detached: true, stdio: ['ignore', log.fd, log.fd], cwd: '/', env})
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
 * So do all others that serve under its name, and what one that was killed has left of its pods. Rejects with SandboxFailure where it cannot be kept: it runs on then.
 */
export const sandboxDown = (options: DownOptions): Promise<Down> => inTurn(options.name, () => endAll(options))

const endAll = async ({name, keep = false}: DownOptions): Promise<Down> => {
  const directory = sandboxDirectory(name)
  const running = await readRunning(name)
  if (running && keep) await keepAll(running)
  const servers = new Set([...(running ? [running.pid] : []), ...(await serversOf(name))])
  await Promise.all([...servers].map(end))
  const left = await killLeftOvers(markOf(nodeDirectory(name)))
  await removeState(name)
  await removeContext(userKubeconfig(), contextName(name)).catch((cause: unknown) => {
    if (!(cause instanceof SandboxFailure)) throw cause
    throw new SandboxFailure(`sandbox "${name}" is down, but its context stays: ${cause.message}`, {cause, next: cause.next})
  })
  const kept = await hasKept(directory)
  if (!keep) await forgetKept(directory)
  return {ran: servers.size + left > 0, kept}
}

/** Has it write what it holds. Rejects where it cannot, with nothing changed. */
const keepAll = async ({name, kubeconfig}: SandboxInfo): Promise<void> => {
  const [{loadKubeConfig}, {connect}] = await Promise.all([import('../kube/config.ts'), import('../kube/connect.ts')])
  const client = connect(loadKubeConfig({kubeconfig}))
  const ask = async (): Promise<string | undefined> => {
    const {status, body} = await client.raw({method: 'POST', path: '/sandbox/keep', signal: AbortSignal.timeout(DOWN_TIMEOUT_MS)})
    const text = await body.text()
    return status === 200 ? undefined : (JSON.parse(text) as {readonly message: string}).message
  }
  const why = await ask()
    .catch((error: Error) => error.message)
    .finally(() => client.close())
  if (why !== undefined)
    throw new SandboxFailure(`sandbox "${name}" runs on, since what it holds cannot be kept: ${why}`, {
      next: ['mend that and try again', 'end it without --keep, which forgets everything'],
    })
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
