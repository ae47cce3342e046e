/** One schedule from the beginning to its verdict: an API server, a node, real Dask, and an operator that meets every fault of the schedule. */

import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as pause} from 'node:timers/promises'
import {findCondition} from '../../src/api/conditions.ts'
import {NODES, PODS, type Pod, SERVICES} from '../../src/api/core.ts'
import {
  API_VERSION,
  DASK_CLUSTERS,
  DASK_JOBS,
  DASK_KINDS,
  DASK_WORKER_GROUPS,
  type DaskCluster,
  type DaskClusterSpec,
  type DaskJob,
} from '../../src/api/dask.ts'
import {ANNOTATION_RETIRING, defaultGroupName, LABEL_GROUP} from '../../src/api/names.ts'
import type {Kind, KubeObject} from '../../src/api/object.ts'
import {applyCrds} from '../../src/cli/crds.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {isNotFound} from '../../src/kube/errors.ts'
import {startGround, TOKEN} from '../unit/sandbox/apiserver/ground.ts'
import {startApiProxy} from './api-proxy.ts'
import type {DaskHost} from './dask-host.ts'
import {createJudge, type Judge} from './judge.ts'
import {type ChaosNode, startNode} from './node.ts'
import {startOperatorProcess} from './operator-process.ts'
import type {Act, JobPlan, Schedule, Step} from './schedule.ts'

const NS = {namespace: 'default'}
const BUSY = 'busy'
const CALM = 'calm'
const JOB = 'job'
/** After the last fault; backoffs that it has caused run out within this time. */
const CONVERGE_MS = 90_000
/** After this long the faults end, whatever is still open. */
const CHAOS_MS = 8_000

/** What was never to happen and did, and what happened before it; `problems` is empty when all is well. */
export interface Verdict {
  readonly problems: readonly string[]
  readonly story: readonly string[]
}

export async function runSchedule(schedule: Schedule, dask: DaskHost, operatorProgram: string): Promise<Verdict> {
  const began = performance.now()
  const story: string[] = []
  const note = (what: string): void => void story.push(`${((performance.now() - began) / 1000).toFixed(3)} ${what}`)
  const judge = createJudge()
  const directory = await mkdtemp(join(tmpdir(), 'chaos-'))
  const ground = await startGround()
  const client = connect(loadKubeConfig({kubeconfig: ground.kubeconfig}))
  const ends: (() => Promise<unknown>)[] = [() => rm(directory, {recursive: true, force: true}), () => ground.stop(), () => client.close()]
  try {
    await applyCrds(client, new AbortController().signal)
    const name = `chaos-${schedule.seed}-${process.pid}`
    await client.create(NODES, {apiVersion: 'v1', kind: 'Node', metadata: {name}} as KubeObject)
    const node = startNode({
      ...{client, dask, name, note, dials: schedule.dials, exits: schedule.job?.exits ?? [0]},
      onPod: (before, after) => {
        judge.see(before, after)
        note(podLine(before, after))
      },
      onProblem: (what) => judge.problem(what),
    })
    ends.push(() => node.stop())
    await node.synced
    const proxy = await startApiProxy({
      server: ground,
      requests: schedule.requests,
      watches: schedule.watches,
      kill: () => operator.kill(),
      note,
    })
    ends.push(() => proxy.stop())
    const kubeconfig = join(directory, 'kubeconfig')
    await writeFile(kubeconfig, kubeconfigFor(proxy.url))
    const operator = startOperatorProcess(operatorProgram, kubeconfig, note)
    ends.push(() => operator.stop())

    const people = await live({schedule, client, dask, node, judge, note, directory})
    note('the faults end')
    proxy.calm()
    node.calm()
    await people.settle()
  } catch (error) {
    judge.problem(error instanceof Error ? error.message : String(error))
  } finally {
    for (const end of ends.reverse()) await end().catch((error: unknown) => judge.problem(`at the end: ${String(error)}`))
  }
  return {problems: judge.problems(), story}
}

const kubeconfigFor = (server: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{name: 't', cluster: {server}}],
    users: [{name: 't', user: {token: TOKEN}}],
    contexts: [{name: 't', context: {cluster: 't', user: 't'}}],
    'current-context': 't',
  })

interface World {
  readonly schedule: Schedule
  readonly client: KubeClient
  readonly dask: DaskHost
  readonly node: ChaosNode
  readonly judge: Judge
  readonly note: (what: string) => void
  readonly directory: string
}

/** What a person wants of a cluster at last. */
interface Wish {
  replicas: number
  suspended: boolean
}

/** Carries the steps out; then `settle` waits until all is as wanted, and that nothing is left of it after it was deleted. */
const live = async (world: World): Promise<{readonly settle: () => Promise<void>}> => {
  const {schedule, client, dask, node, judge, note, directory} = world
  const wishes = new Map<string, Wish>()
  const chaos = pause(CHAOS_MS)
  await make(world, wishes, BUSY, schedule.replicas)
  if (schedule.calm) await make(world, wishes, CALM, 2)
  if (schedule.job) {
    judge.wants(defaultGroupName(JOB), 1)
    await client.create(DASK_JOBS, jobOf(schedule.job))
  }

  const busy = async (): Promise<void> => {
    await until(async () => node.daskOf(BUSY) !== undefined, 'the scheduler of the busy cluster is started')
    await dask.beginLoad(node.daskOf(BUSY) ?? '', directory)
    await carryOut(world, wishes, BUSY, schedule.busy)
  }
  await Promise.all([busy(), carryOut(world, wishes, CALM, schedule.calm ?? [])])
  await Promise.race([chaos, settled(world, wishes)])
  return {
    settle: async () => {
      await settled(world, wishes)
      const tasks = await dask.endLoad(node.daskOf(BUSY) ?? '')
      await judgeTasks(world, tasks)
      note(`${tasks} tasks are right`)
      // Whoever was kept because of the work goes on leaving now.
      await settled(world, wishes)
      for (const kind of [DASK_CLUSTERS, DASK_JOBS] as readonly Kind[])
        for (const object of (await client.list(kind, NS)).items) await client.delete(kind, object.metadata)
      await until(
        async () => (await leftOvers(client)).length === 0,
        async () => `left over: ${(await leftOvers(client)).join(', ')}`,
      )
    },
  }
}

const carryOut = async (world: World, wishes: Map<string, Wish>, cluster: string, steps: readonly Step[]): Promise<void> => {
  for (const {afterMs, act} of steps) {
    await pause(afterMs)
    world.note(`${cluster}: ${JSON.stringify(act)}`)
    await perform(world, wishes, cluster, act)
  }
}

const make = async ({client, judge}: World, wishes: Map<string, Wish>, name: string, replicas: number): Promise<void> => {
  wishes.set(name, {replicas, suspended: false})
  judge.wants(defaultGroupName(name), replicas)
  await client.create(DASK_CLUSTERS, {apiVersion: API_VERSION, kind: 'DaskCluster', metadata: {name, ...NS}, spec: specOf(name, replicas)})
}

const perform = async (world: World, wishes: Map<string, Wish>, name: string, act: Act): Promise<void> => {
  const {client, judge} = world
  const wish = wishes.get(name)
  if (!wish) return
  const change = (spec: object): Promise<DaskCluster> => client.patch(DASK_CLUSTERS, {...NS, name}, {spec}, {type: 'merge'})
  switch (act.do) {
    case 'scale':
      wish.replicas = act.replicas
      judge.wants(defaultGroupName(name), act.replicas)
      await change({worker: {replicas: act.replicas}})
      return
    case 'roll':
      await change({worker: {spec: {containers: [{name: 'worker', image: 'dask', env: [{name: 'TURN', value: String(Math.random())}]}]}}})
      return
    case 'suspend':
    case 'resume':
      wish.suspended = act.do === 'suspend'
      await change({suspend: wish.suspended})
      return
    case 'lose-worker': {
      const [victim] = await workersOf(client, name)
      if (victim)
        await client.delete(PODS, victim.metadata).catch((error: unknown) => {
          if (!isNotFound(error)) throw error
        })
      return
    }
    case 'remake':
      await client.delete(DASK_CLUSTERS, {...NS, name})
      await make(world, wishes, name, wish.replicas)
  }
}

const workersOf = async (client: KubeClient, cluster: string): Promise<readonly Pod[]> =>
  (await client.list(PODS, {...NS, labelSelector: `${LABEL_GROUP}=${defaultGroupName(cluster)}`})).items

/** All is as it was wanted last; rejects with what is not. */
const settled = async (world: World, wishes: ReadonlyMap<string, Wish>): Promise<void> => {
  const missing = async (): Promise<string | undefined> => {
    for (const [name, wish] of wishes) {
      const lack = await lackOf(world, name, wish)
      if (lack !== undefined) return `${name}: ${lack}`
    }
    return world.schedule.job ? lackOfJob(world, world.schedule.job) : undefined
  }
  await until(
    async () => (await missing()) === undefined,
    async () => (await missing()) ?? 'in time',
  )
}

const lackOf = async ({client, dask, node}: World, name: string, wish: Wish): Promise<string | undefined> => {
  const cluster = await client.get(DASK_CLUSTERS, {...NS, name})
  const pods = await workersOf(client, name)
  const ready = findCondition(cluster.status?.conditions, 'Ready')
  if (cluster.status?.observedGeneration !== cluster.metadata.generation) return 'its last change has not been seen'
  if (wish.suspended) {
    if (pods.length > 0 || node.daskOf(name) !== undefined) return `suspended with ${pods.length} workers`
    return ready?.status === 'False' ? undefined : `suspended, and Ready is ${ready?.status}`
  }
  const is = `${pods.length} pods, wanted ${wish.replicas}; status ${JSON.stringify(cluster.status)}`
  if (pods.length !== wish.replicas) return is
  if (pods.some(({metadata}) => metadata.annotations?.[ANNOTATION_RETIRING] !== undefined)) return `a worker is still leaving; ${is}`
  if ((await dask.count(node.daskOf(name) ?? '').catch(() => -1)) !== wish.replicas) return `Dask has other workers; ${is}`
  const group = await client.get(DASK_WORKER_GROUPS, {...NS, name: defaultGroupName(name)})
  const {readyReplicas, updatedReplicas = 0} = cluster.status ?? {}
  const isTold = ready?.status === 'True' && readyReplicas === wish.replicas && updatedReplicas === wish.replicas
  return isTold && group.status?.readyReplicas === wish.replicas ? undefined : `not told: ${is}; group ${JSON.stringify(group.status)}`
}

/** How a job of this plan ends: with its first success, or when it may not be tried again. */
const endOf = ({exits, backoffLimit}: JobPlan): {readonly attempts: number; readonly status: string} => {
  const success = exits.indexOf(0)
  const isSuccess = success >= 0 && success <= backoffLimit
  return {attempts: isSuccess ? success + 1 : backoffLimit + 1, status: isSuccess ? 'Successful' : 'Failed'}
}

const lackOfJob = async ({client, judge}: World, plan: JobPlan): Promise<string | undefined> => {
  const job = await client.get(DASK_JOBS, {...NS, name: JOB})
  const {attempts, status} = endOf(plan)
  if (judge.runners().length > attempts) throw new Error(`the job's program was begun ${judge.runners().length} times, not ${attempts}`)
  if (job.status?.jobStatus !== status) return `the job is not ${status}: ${JSON.stringify(job.status)}`
  const clusters = (await client.list(DASK_CLUSTERS, NS)).items.filter(({metadata}) => metadata.name === JOB)
  return clusters.length === 0 ? undefined : 'the cluster of the job is still there'
}

const judgeTasks = async ({judge, directory}: World, tasks: number): Promise<void> => {
  const counts = new Map<string, number>()
  const text = await readFile(join(directory, 'starts'), 'utf8').catch(() => '')
  for (const key of text.split('\n').filter((line) => line !== '')) counts.set(key, (counts.get(key) ?? 0) + 1)
  if (counts.size !== tasks) judge.problem(`${tasks} tasks, ${counts.size} were started`)
  for (const [key, count] of counts) if (count > 1) judge.problem(`task ${key} was started ${count} times`)
}

const leftOvers = async (client: KubeClient): Promise<readonly string[]> => {
  const lists = await Promise.all(
    [...DASK_KINDS, PODS, SERVICES].map(async (kind) =>
      (await client.list(kind, NS)).items.map(({metadata}) => `${kind.kind} ${metadata.name}`),
    ),
  )
  return lists.flat().filter((each) => each !== 'Service kubernetes')
}

const specOf = (cluster: string, replicas: number): DaskClusterSpec => ({
  scheduler: {
    spec: {containers: [{name: 'scheduler', image: 'dask'}]},
    service: {selector: {'dask.org/cluster-name': cluster, 'dask.org/component': 'scheduler'}, ports: [{name: 'tcp-comm', port: 8786}]},
  },
  worker: {replicas, spec: {containers: [{name: 'worker', image: 'dask'}]}},
})

const jobOf = ({backoffLimit}: JobPlan): DaskJob => ({
  apiVersion: API_VERSION,
  kind: 'DaskJob',
  metadata: {name: JOB, ...NS},
  spec: {
    backoffLimit,
    job: {spec: {restartPolicy: 'Never', containers: [{name: 'job', image: 'dask'}]}},
    cluster: {spec: specOf(JOB, 1)},
  },
})

const podLine = (before: Pod | undefined, after: Pod | undefined): string => {
  const {name = '', annotations, deletionTimestamp} = (after ?? before)?.metadata ?? {}
  const is = after
    ? `${after.status?.phase}${annotations?.[ANNOTATION_RETIRING] ? ' retiring' : ''}${deletionTimestamp ? ' ends' : ''}`
    : 'gone'
  return `pod ${name}: ${before ? '' : 'new '}${is}`
}

const until = async (isSo: () => Promise<boolean>, what: string | (() => Promise<string>)): Promise<void> => {
  const deadline = performance.now() + CONVERGE_MS
  while (!(await isSo())) {
    if (performance.now() > deadline)
      throw new Error(`not within ${CONVERGE_MS / 1000} s: ${typeof what === 'string' ? what : await what()}`)
    await pause(50)
  }
}
