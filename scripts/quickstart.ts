/**
 * `npm run quickstart`: the main job with nothing but this checkout: a sandbox, a cluster, a scale, a job.
 * Every step is a command that a person could type; what it starts it also ends, whatever happens in between.
 */
import {type ChildProcess, spawn} from 'node:child_process'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {isStale} from './build.ts'

const SANDBOX = 'quickstart'

/** A kubeconfig of its own: the user's stays untouched. */
const directory = await mkdtemp(join(tmpdir(), 'dask-k8s-quickstart-'))
const env = {...process.env, KUBECONFIG: join(directory, 'kubeconfig')}

let current: ChildProcess | undefined
let stopped: NodeJS.Signals | undefined

/** Runs one command of the product on this terminal; resolves with its exit code. */
const dask = (...args: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join('bin', 'kubectl-dask.js'), ...args], {stdio: ['ignore', 'inherit', 'inherit'], env})
    current = child
    child.on('error', reject)
    child.on('close', (code, signal) => {
      current = undefined
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1))
    })
  })

/** A command as a person would type it, in lines that fit a terminal of 80 columns; broken before a flag or `--`. */
const asTyped = (words: readonly string[]): string => {
  const lines: string[] = []
  let line = ' '
  for (const [index, word] of words.entries()) {
    const next = words.findIndex((other, at) => at > index && other.startsWith('-'))
    const phrase = words.slice(index, word === '--' || next < 0 ? words.length : next).join(' ')
    if (word.startsWith('-') && line.length + phrase.length > 75) {
      lines.push(line)
      line = '   '
    }
    line += ` ${word}`
  }
  return [...lines, line].join(' \\\n')
}

class Stopped extends Error {}

const step = async (what: string, ...args: readonly string[]): Promise<void> => {
  if (stopped) throw new Stopped()
  console.error(`\n▸ ${what}\n${asTyped(['kubectl', 'dask', ...args])}`)
  const code = await dask(...args)
  if (stopped) throw new Stopped()
  if (code !== 0) throw new Error(`"kubectl dask ${args.join(' ')}" ended with exit code ${code}`)
}

/** In a process group of its own, so that a second Ctrl-C does not end the clean-up. */
const end = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const args = [join('bin', 'kubectl-dask.js'), 'sandbox', 'down', '--name', SANDBOX]
    const child = spawn(process.execPath, args, {stdio: ['ignore', 'inherit', 'inherit'], env, detached: true})
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })

const build = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['scripts/build.ts'], {stdio: ['ignore', 'ignore', 'inherit']})
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error('the build failed; its own words stand above'))))
  })

// Ctrl-C reaches the running command by itself (one terminal, one process group); a lone SIGTERM is handed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    stopped ??= signal
    if (signal !== 'SIGINT') current?.kill(signal)
  })

const started = performance.now()
let failure: unknown
try {
  if ((await isStale()) || process.env['CI']) await build()
  await step('Start a sandbox: an API server, a node whose pods are processes, the operator', 'sandbox', 'up', '--name', SANDBOX)
  await step(
    'Create a Dask cluster with three workers',
    'cluster',
    'create',
    'demo',
    '--context',
    `dask-sandbox-${SANDBOX}`,
    '--workers',
    '3',
    '--wait',
  )
  await step('Look at it', 'cluster', 'list', '--context', `dask-sandbox-${SANDBOX}`)
  await step(
    'Scale it down; no task would be lost or started twice',
    'cluster',
    'scale',
    'demo',
    '2',
    '--context',
    `dask-sandbox-${SANDBOX}`,
    '--wait',
  )
  await step(
    'Run a job: a script of this checkout, on a cluster of its own',
    ...[
      'job',
      'run',
      '--context',
      `dask-sandbox-${SANDBOX}`,
      '--name',
      'pi',
      '--workers',
      '2',
      '--',
      'python',
      join('manifests', 'examples', 'pi.py'),
    ],
  )
  await step('The job is done, and its cluster is gone', 'job', 'list', '--context', `dask-sandbox-${SANDBOX}`)
  await step('Only the first cluster is left', 'cluster', 'list', '--context', `dask-sandbox-${SANDBOX}`)
} catch (error) {
  failure = error
}

if (stopped) console.error('\nStopping …')
const left = await end()
await rm(directory, {recursive: true, force: true})
if (failure instanceof Stopped) process.exitCode = 130
else if (failure || left !== 0) {
  console.error(`\n✘ ${failure instanceof Error ? failure.message : 'the sandbox did not end'}`)
  process.exitCode = 1
} else {
  console.error(
    `\n✔ All of it in ${((performance.now() - started) / 1000).toFixed(1)} s. Now your own:\n  bin/dask-k8s.js sandbox run -- python your-script.py`,
  )
}
