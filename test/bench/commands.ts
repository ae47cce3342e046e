/** How long our commands take on the wall, against kubectl's own. */
import {execFile} from 'node:child_process'
import {stat} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {NAMESPACES} from '../../src/api/core.ts'
import {DASK_CLUSTERS, type DaskCluster} from '../../src/api/dask.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {createLimit, mapLimited} from '../../src/operator/engine/limit.ts'
import {kubectlPath} from '../kubernetes/kubectl.ts'
import {cluster} from './cluster.ts'
import {median, type Row} from './figures.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const ROUNDS = 20
const CLUSTERS = 1_000
const WORKERS = 10
const NAMESPACE = 'large-list'
const COMPLETION_MS = 150

/** The server is the one that KUBECONFIG names; `client` is one of it. */
export async function benchCommands(client: KubeClient): Promise<readonly Row[]> {
  const kubectl = await kubectlPath()
  const against = async (ours: readonly string[], theirs: readonly string[], bound: string): Promise<Row> => {
    const [mine, other] = await inTurns([...program('kubectl-dask'), ...ours], [kubectl, ...theirs])
    const what = `kubectl-dask ${ours.join(' ')} / kubectl ${theirs.join(' ')}`
    console.error(`${what}: ${ms(mine)} to ${ms(other)}`)
    return {what, ours: ms(mine), theirs: ms(other), ratio: mine / other, bound}
  }
  const rows = [
    await against(['--help'], ['version', '--client'], 'at most 1.0'),
    await against(['version', '--client'], ['version', '--client'], 'at most 1.0'),
    await against(['cluster', 'list'], ['get', 'daskclusters'], 'at most 1.5, better 1.0'),
    await benchCompletion(),
  ]
  const remove = await makeClusters(client)
  try {
    const large = await against(['cluster', 'list', '-A'], ['get', 'daskclusters', '-A'], 'at most 1.2')
    return [...rows, {...large, what: `${large.what}, ${CLUSTERS} clusters of ${WORKERS} workers`}]
  } finally {
    await remove()
  }
}

/** What is installed, and what the start of a command reads of it. */
export async function packageSize(): Promise<string> {
  const {stdout} = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {cwd: root, maxBuffer: 2 ** 24})
  const [{size, unpackedSize, entryCount}] = JSON.parse(stdout) as [
    {readonly size: number; readonly unpackedSize: number; readonly entryCount: number},
  ]
  const start = (await Promise.all(['program.cjs', 'tree.json'].map((file) => stat(join(root, 'dist', file))))).reduce(
    (sum, each) => sum + each.size,
    0,
  )
  return `installed: ${mb(unpackedSize)} in ${entryCount} files (${mb(size)} packed); read at the start of an everyday command: ${Math.round(start / 1000)} kB in 2 files`
}

const program = (name: string): readonly string[] => [process.execPath, join(root, 'bin', `${name}.js`)]

/** Names of clusters, as a shell asks for them when TAB is pressed. */
const benchCompletion = async (): Promise<Row> => {
  const words = ['cluster', 'describe', '']
  const [mine] = await inTurns([...program('kubectl_complete-dask'), ...words])
  const what = 'kubectl_complete-dask cluster describe "" / what is felt as at once'
  return {what, ours: ms(mine), theirs: ms(COMPLETION_MS), ratio: mine / COMPLETION_MS, bound: 'at most 1.0'}
}

/** With the status that an operator gives them, and without the pods, which neither list reads. Resolves with what takes them away. */
const makeClusters = async (client: KubeClient): Promise<() => Promise<void>> => {
  await client.create(NAMESPACES, {apiVersion: 'v1', kind: 'Namespace', metadata: {name: NAMESPACE}})
  const names = Array.from({length: CLUSTERS}, (_, index) => `demo-${index}`)
  const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const condition = (type: string, reason: string, message: string) => ({type, status: 'True', reason, message, lastTransitionTime})
  const status = {
    ...{phase: 'Running', observedGeneration: 1, replicas: WORKERS, readyReplicas: WORKERS},
    conditions: [
      condition('Ready', 'AllReady', 'the scheduler and all workers are ready'),
      condition('SchedulerReady', 'PodReady', 'the scheduler is ready'),
      condition('WorkersReady', 'AllReady', `${WORKERS} of ${WORKERS} workers are ready`),
    ],
  } as Partial<DaskCluster['status'] & object>
  await mapLimited(createLimit(4), '', names, async (name) => {
    await client.create(DASK_CLUSTERS, cluster(NAMESPACE, name, WORKERS))
    await client.patch(DASK_CLUSTERS, {namespace: NAMESPACE, name}, {status}, {type: 'merge', subresource: 'status'})
  })
  return async () => {
    await mapLimited(createLimit(4), '', names, (name) => client.delete(DASK_CLUSTERS, {namespace: NAMESPACE, name}))
    await client.delete(NAMESPACES, {name: NAMESPACE})
  }
}

/** Medians of the commands' times, each called once a round, so that the machine's moods meet all of them. */
const inTurns = async (...commands: readonly (readonly string[])[]): Promise<readonly [number, number]> => {
  const times = commands.map((): number[] => [])
  for (let round = 0; round <= ROUNDS; round++)
    for (const [index, command] of commands.entries()) {
      const time = await wall(command)
      // The first round warms the caches of files and of code.
      if (round > 0) times[index]?.push(time)
    }
  const [mine = 0, other = 0] = times.map(median)
  return [mine, other]
}

const wall = async ([file = '', ...args]: readonly string[]): Promise<number> => {
  const started = performance.now()
  await run(file, args, {maxBuffer: 2 ** 26})
  return performance.now() - started
}

const ms = (time: number): string => `${time.toFixed(0)} ms`
const mb = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`
