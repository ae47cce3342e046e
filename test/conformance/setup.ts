/** Makes the ground that GROUND names, once for all product tests, and takes it down again. */
import {type ChildProcess, spawn} from 'node:child_process'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {build, isStale} from '../../scripts/build.ts'
import {ETCD} from '../kubernetes/control-plane.ts'
import {daskEnvironment, NEWEST_DASK} from '../toolchain/pythons.ts'
import {judgeRights} from './rights.ts'

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'kubectl-dask.js')

/** Two projects of one run stand on one ground: whoever comes first makes it and takes it down. */
const MADE = 'CONFORMANCE_GROUND_IS_MADE'

export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[MADE]) return undefined
  process.env[MADE] = 'yes'
  // Commands and the sandbox run from the bundle: never from one that is older than the source under test.
  if (await isStale()) await build()
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'))
  const python = join(daskEnvironment(NEWEST_DASK), 'bin', 'python')
  const ground = await (process.env['GROUND'] === 'kubernetes' ? realGround(directory, python) : sandboxGround(directory, python))
  process.env['KUBECONFIG'] = ground.kubeconfig
  return async () => {
    await ground.stop()
    await rm(directory, {recursive: true, force: true, maxRetries: 5})
  }
}

interface Ground {
  readonly kubeconfig: string
  stop(): Promise<void>
}

/** The product itself, as its user starts it. */
const sandboxGround = async (directory: string, python: string): Promise<Ground> => {
  process.env['XDG_STATE_HOME'] = directory
  process.env['KUBECONFIG'] = join(directory, 'kubeconfig')
  await run('sandbox', 'up', '--name', 'conformance', '--python', python)
  return {
    kubeconfig: join(directory, 'dask-k8s', 'sandbox', 'conformance', 'kubeconfig'),
    stop: async () => {
      process.env['KUBECONFIG'] = join(directory, 'kubeconfig')
      await run('sandbox', 'down', '--name', 'conformance')
    },
  }
}

/** In a process of its own, so that the node's many sockets are none of the test runner's. */
const realGround = async (directory: string, python: string): Promise<Ground> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'real-ground.ts'), directory, python], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  await says(child, 'ready')
  // For tests that have it forget (past.ts).
  process.env['ETCD'] = ETCD
  return {
    kubeconfig: join(directory, 'plane', 'kubeconfig'),
    stop: async () => {
      child.kill('SIGTERM')
      if ((await ended) !== 0) throw new Error('the operator has ended by itself: its last words stand above')
      await judgeRights(join(directory, 'plane', 'audit.log'), {isWhole: process.env['WHOLE_SUITE'] !== undefined})
    },
  }
}

const says = (child: ChildProcess, words: string): Promise<void> =>
  new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes(words)) resolve()
    })
    child.once('exit', (code) => reject(new Error(`the ground ended with ${code}: ${text}`)))
  })

const run = (...args: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], {stdio: ['ignore', 'ignore', 'inherit']})
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${args.join(' ')} ended with ${code}`))))
  })
