/**
 * One operator process for an hour (or as long as asked) of everyday work on a real control plane, with real Dask and a node that plays the
 * kubelet: clusters scaled up and down, a cluster made, loaded and deleted in each round, jobs, lost workers, and every few minutes an API server
 * that is killed and comes back on what etcd has kept. Every change has to be carried out within a minute, and memory has to stay where it was.
 */
import {mkdir, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as pause} from 'node:timers/promises'
import {findCondition} from '../../src/api/conditions.ts'
import {NODES, PODS, type Pod} from '../../src/api/core.ts'
import {API_VERSION, DASK_CLUSTERS, DASK_JOBS, type DaskClusterSpec, type DaskJobSpec} from '../../src/api/dask.ts'
import {defaultGroupName, LABEL_GROUP} from '../../src/api/names.ts'
import type {KubeObject} from '../../src/api/object.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {startDaskHost} from '../chaos/dask-host.ts'
import {startNode} from '../chaos/node.ts'
import {starts} from '../dask/real-dask.ts'
import type {ControlPlane} from '../kubernetes/control-plane.ts'
import {median} from './figures.ts'
import {startOurs} from './operator-process.ts'
import {allowAll} from './operators.ts'

const NS = {namespace: 'default'}
const STEADY = ['steady-a', 'steady-b']
const PASSING = 'passing'
const JOB = 'passing-job'
const SOON_MS = 60_000
const LOOK_MS = 100
/** Rounds between two deaths of the API server. */
const ROUNDS_PER_DEATH = 10
const STORY_LINES = 1000

/** Resolves with a Markdown table. Throws for a change that was not carried out, a task that was started twice, and what was left over. */
export async function soak(plane: ControlPlane, client: KubeClient, directory: string, minutes: number): Promise<string> {
  await allowAll(client)
  const name = 'soak'
  await client.create(NODES, {apiVersion: 'v1', kind: 'Node', metadata: {name}} as KubeObject)
  const dask = await startDaskHost()
  const problems: string[] = []
  /** Of the last minutes, for a failure. */
  const story: string[] = []
  const note = (what: string): void => {
    if (story.push(`${new Date().toISOString()} ${what}`) > STORY_LINES) story.shift()
  }
  const node = startNode({
    ...{client, dask, name, dials: [], exits: [0], note},
    onPod: (before, after) => note(`pod ${podLine(before, after)}`),
    onProblem: (what) => problems.push(what),
  })
  const ends: (() => Promise<void>)[] = [() => dask.stop(), () => node.stop()]

  const waits: number[] = []
  /** Resolves when all is as asked for; how long that took is a figure. */
  const comesAbout = async (what: string, lack: () => Promise<string | undefined>): Promise<void> => {
    const began = performance.now()
    for (;;) {
      const lacking = await lack()
      if (lacking === undefined) break
      if (performance.now() - began > SOON_MS) {
        console.error(story.join('\n'))
        throw new Error(`${what}: not within ${SOON_MS / 1000} s: ${lacking}`)
      }
      await pause(LOOK_MS)
    }
    const seconds = (performance.now() - began) / 1000
    waits.push(seconds)
    note(`${what}: ${seconds.toFixed(1)} s`)
  }
  const workersOf = async (cluster: string): Promise<readonly Pod[]> =>
    (await client.list(PODS, {...NS, labelSelector: `${LABEL_GROUP}=${defaultGroupName(cluster)}`})).items
  const has = (cluster: string, replicas: number) => async (): Promise<string | undefined> => {
    const {status} = await client.get(DASK_CLUSTERS, {...NS, name: cluster})
    const pods = (await workersOf(cluster)).length
    const isReady = findCondition(status?.conditions, 'Ready')?.status === 'True' && status?.readyReplicas === replicas
    return isReady && pods === replicas ? undefined : `${pods} worker pods; ${JSON.stringify(status)}`
  }
  const isGone = (cluster: string) => async (): Promise<string | undefined> => {
    const {items} = await client.list(PODS, {...NS, labelSelector: `dask.org/cluster-name=${cluster}`})
    return items.length === 0 ? undefined : items.map(({metadata}) => metadata.name).join(', ')
  }
  const make = (cluster: string, replicas: number): Promise<unknown> =>
    client.create(DASK_CLUSTERS, {
      ...{apiVersion: API_VERSION, kind: DASK_CLUSTERS.kind, metadata: {...NS, name: cluster}},
      spec: specOf(cluster, replicas),
    })
  const scale = (cluster: string, replicas: number): Promise<unknown> =>
    client.patch(DASK_CLUSTERS, {...NS, name: cluster}, {spec: {worker: {replicas}}}, {type: 'merge'})

  const passing = async (): Promise<void> => {
    const starting = join(directory, 'load')
    await mkdir(starting)
    await make(PASSING, 4)
    await comesAbout('a new cluster', has(PASSING, 4))
    const own = node.daskOf(PASSING) ?? ''
    await dask.beginLoad(own, starting)
    await pause(1000)
    await scale(PASSING, 2)
    await comesAbout('scaled down under load', has(PASSING, 2))
    const tasks = await dask.endLoad(own)
    const counts = [...(await starts(starting)).values()]
    if (counts.length !== tasks || counts.some((count) => count !== 1)) throw new Error(`${tasks} tasks, started ${counts.join(' ')} times`)
    await client.delete(DASK_CLUSTERS, {...NS, name: PASSING})
    await comesAbout('a deleted cluster', isGone(PASSING))
    await rm(starting, {recursive: true})
  }
  const job = async (): Promise<void> => {
    const spec: DaskJobSpec = {
      job: {spec: {restartPolicy: 'Never', containers: [{name: 'job', image: 'dask'}]}},
      cluster: {spec: specOf(JOB, 1)},
    }
    await client.create(DASK_JOBS, {apiVersion: API_VERSION, kind: DASK_JOBS.kind, metadata: {...NS, name: JOB}, spec})
    await comesAbout('a job', async () => {
      const {status} = await client.get(DASK_JOBS, {...NS, name: JOB})
      return status?.jobStatus === 'Successful' ? undefined : JSON.stringify(status)
    })
    await client.delete(DASK_JOBS, {...NS, name: JOB})
    await comesAbout('a deleted job', isGone(JOB))
  }
  const steady = async (cluster: string, round: number): Promise<void> => {
    const replicas = 2 + (round % 4)
    await scale(cluster, replicas)
    await comesAbout('a scaled cluster', has(cluster, replicas))
    const [lost] = await workersOf(cluster)
    if (lost) await client.delete(PODS, lost.metadata)
    await comesAbout('a cluster that lost a worker', async () => {
      const isBack = (await workersOf(cluster)).every(({metadata}) => metadata.uid !== lost?.metadata.uid)
      return isBack ? has(cluster, replicas)() : 'the lost one is still there'
    })
  }

  try {
    await node.synced
    const operator = await startOurs(plane)
    ends.push(() => operator.stop())
    // The garbage collector of a new control plane learns of new kinds every half minute.
    await job()
    waits.length = 0
    for (const cluster of STEADY) await make(cluster, 2)
    const memory: number[] = []
    const began = performance.now()
    let deaths = 0
    for (let round = 1; performance.now() - began < minutes * 60_000; round++) {
      await Promise.all([...STEADY.map((cluster) => steady(cluster, round)), passing(), job()])
      if (problems.length > 0) throw new Error(problems.join('; '))
      memory.push(await operator.memory())
      console.error(`round ${round}: ${memory.at(-1)?.toFixed(0)} MB, slowest so far ${Math.max(...waits).toFixed(1)} s`)
      if (round % ROUNDS_PER_DEATH !== 0) continue
      await plane.restartApiServer()
      deaths += 1
    }
    const quarter = Math.max(1, Math.floor(memory.length / 4))
    const parts = [0, 1, 2, 3].map((part) => median(memory.slice(part * quarter, (part + 1) * quarter)).toFixed(0))
    return [
      '| what | figure |',
      '| --- | --- |',
      `| minutes | ${((performance.now() - began) / 60_000).toFixed(0)} |`,
      `| rounds | ${memory.length} |`,
      `| deaths of the API server | ${deaths} |`,
      `| changes carried out | ${waits.length}, all within ${Math.max(...waits).toFixed(1)} s (median ${median(waits).toFixed(1)} s) |`,
      `| resident memory, median of each quarter | ${parts.join(', ')} MB |`,
      `| CPU | ${(((await operator.cpuSeconds()) * 100_000) / (performance.now() - began)).toFixed(1)} % of a core |`,
    ].join('\n')
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

const podLine = (before: Pod | undefined, after: Pod | undefined): string => {
  const {name = '', deletionTimestamp} = (after ?? before)?.metadata ?? {}
  const isReady = after?.status?.conditions?.some(({type, status}) => type === 'Ready' && status === 'True')
  return `${name}: ${after ? `${isReady ? 'ready' : 'not ready'}${deletionTimestamp ? ', ends' : ''}` : 'gone'}`
}

const specOf = (cluster: string, replicas: number): DaskClusterSpec => ({
  scheduler: {
    spec: {containers: [{name: 'scheduler', image: 'dask'}]},
    service: {selector: {'dask.org/cluster-name': cluster, 'dask.org/component': 'scheduler'}, ports: [{name: 'tcp-comm', port: 8786}]},
  },
  worker: {replicas, spec: {containers: [{name: 'worker', image: 'dask'}]}},
})
