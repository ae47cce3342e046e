/** Real Dask processes on loopback, one cluster a call; everything ends with `stop`. */
import {type ChildProcess, spawn} from 'node:child_process'
import {mkdtemp, readFile, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type Dial, directDial} from '../../src/dask/dial.ts'
import {connectScheduler, type Scheduler} from '../../src/dask/scheduler.ts'
import {type TlsIdentity, tlsDial} from '../../src/dask/tls.ts'
import {daskEnvironment} from '../toolchain/pythons.ts'

export interface RealDask {
  readonly port: number
  readonly address: string
  /** The way to any of its ports for Dask's own protocol. */
  readonly dial: Dial
  /** Where the scheduler serves HTTP. */
  readonly dashboard: number
  readonly directory: string
  connect(): Promise<Scheduler>
  /** Ends the scheduler at once; its workers are left alone with it. */
  killScheduler(): void
  /** Starts a program of the environment, with more variables than this process has. */
  run(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess
  /** Starts a worker with a nanny, as `dask worker` does, and resolves when the scheduler knows it. */
  addWorker(name: string, ...flags: readonly string[]): Promise<ChildProcess>
  /** Ends a worker with all of its processes, whether it has joined or not. */
  killWorker(name: string): void
  /** Runs a Python program with the scheduler's address as its first argument; resolves with what it prints. */
  python(program: string, env?: Readonly<Record<string, string>>): {readonly child: ChildProcess; readonly output: Promise<string>}
  stop(): Promise<void>
}

/** How its processes speak TLS: their variables, and our own way in. */
export interface TlsGround {
  readonly env: Readonly<Record<string, string>>
  readonly identity: TlsIdentity
}

/** `env`: more variables for the scheduler. */
export async function startDask(version: string, env: Readonly<Record<string, string>> = {}, tls?: TlsGround): Promise<RealDask> {
  const directory = await mkdtemp(join(tmpdir(), 'real-dask-'))
  const bin = join(daskEnvironment(version), 'bin')
  const children: ChildProcess[] = []
  const run = (program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess => {
    const child = spawn(join(bin, program), args, {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: {...process.env, PYTHONWARNINGS: 'ignore', ...tls?.env, ...env},
    })
    child.stderr?.resume()
    children.push(child)
    return child
  }
  const workers = new Map<string, ChildProcess>()
  const file = join(directory, 'scheduler.json')
  const free = ['--host', '127.0.0.1', '--port', '0', '--dashboard-address', ':0']
  const scheduler = run('dask', ['scheduler', ...free, '--no-dashboard', '--scheduler-file', file], env)
  scheduler.stdout?.resume()
  const {port, dashboard} = await portsOf(file)
  const address = `${tls ? 'tls' : 'tcp'}://127.0.0.1:${port}`
  const dial = tls ? tlsDial(directDial('127.0.0.1'), async () => tls.identity) : directDial('127.0.0.1')
  const connect = (): Promise<Scheduler> => connectScheduler(dial, {port, timeoutMs: 10_000})
  await until(async () => {
    const connection = await connect().catch(() => undefined)
    connection?.close()
    return connection !== undefined
  }, 'the scheduler answers')

  return {
    port,
    address,
    dial,
    dashboard,
    directory,
    connect,
    run,
    killScheduler: () => void scheduler.kill('SIGKILL'),
    addWorker: async (name, ...flags) => {
      const child = run('dask', [
        'worker',
        address,
        '--name',
        name,
        '--nthreads',
        '1',
        '--memory-limit',
        '0',
        '--no-dashboard',
        '--local-directory',
        join(directory, name),
        ...flags,
      ])
      child.stdout?.resume()
      workers.set(name, child)
      const connection = await connect()
      await until(
        async () =>
          child.signalCode !== null ||
          (await connection.identity()).workers.some((worker) => worker.name === name || worker.name.startsWith(`${name}-`)),
        `worker ${name} joins`,
      )
      connection.close()
      return child
    },
    killWorker: (name) => killAll(workers.get(name)),
    python: (program, env) => {
      const child = run('python', ['-c', program, address, directory], env)
      const errors: Buffer[] = []
      child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk))
      const output = new Promise<string>((resolve, reject) => {
        const chunks: Buffer[] = []
        child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
        child.on('close', (code) =>
          code === 0
            ? resolve(Buffer.concat(chunks).toString())
            : reject(new Error(`python ended with ${code}: ${Buffer.concat(errors).toString()}`)),
        )
      })
      return {child, output}
    },
    stop: async () => {
      await Promise.all(
        children.map(async (child) => {
          const closed =
            child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : new Promise((resolve) => child.once('exit', resolve))
          killAll(child)
          await closed
        }),
      )
      await rm(directory, {recursive: true, force: true, maxRetries: 10, retryDelay: 100})
    },
  }
}

/** With its process group, which may have ended already. */
const killAll = (child: ChildProcess | undefined): void => {
  if (child?.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Asks again and again until the answer is yes; rejects after a minute with what was waited for. */
export async function until(condition: () => Promise<boolean> | boolean, what: string, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs / 1000} s in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Each task that starts appends its key to a file: how often did each start? */
export async function starts(directory: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  const text = await readFile(join(directory, 'starts'), 'utf8').catch(() => '')
  for (const key of text.split('\n').filter((line) => line !== '')) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

/** The ports that a scheduler has taken itself, from the file that it writes; one that a test gave back could be another's by then. */
const portsOf = async (file: string): Promise<{readonly port: number; readonly dashboard: number}> => {
  let text = ''
  await until(async () => {
    text = await readFile(file, 'utf8').catch(() => '')
    // It is not written at once.
    return text.trimEnd().endsWith('\n}')
  }, 'the scheduler tells its ports')
  const {address, services} = JSON.parse(text) as {readonly address: string; readonly services: {readonly dashboard: number}}
  return {port: Number(address.slice(address.lastIndexOf(':') + 1)), dashboard: services.dashboard}
}
