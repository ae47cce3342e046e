import {type ChildProcess, spawn} from 'node:child_process'
import {readdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {PODS, type Pod} from '../../src/api/core.ts'
import {DASK_CLUSTERS, type DaskCluster, type PartMetadata} from '../../src/api/dask.ts'
import type {Kind, KubeObject} from '../../src/api/object.ts'
import {isPodLeaving, isPodReady} from '../../src/api/pod-state.ts'
import {until} from '../conformance/ground.ts'
import {starts} from '../dask/real-dask.ts'
import {type EmptyKubernetes, PYTHON, startEmptyKubernetes} from './empty-kubernetes.ts'
import {kueueBuild, startKueue} from './kueue.ts'

/** What docs/operator.md says of Kueue, with Kueue itself: a queue has room for so many pods, and Kueue lets them begin. */

/** Built by Go; where there is none the tests are skipped, which fails where CI is set. */
const build = await kueueBuild((line) => console.error(line)).catch((error: Error) => void console.error(`no Kueue here: ${error.message}`))

const NS = {namespace: 'default'}
const QUEUE = {'kueue.x-k8s.io/queue-name': 'dask'}
const QUEUED = ['--label', 'kueue.x-k8s.io/queue-name=dask']
const kueueKind = (kind: string, plural: string, namespaced = false): Kind => ({
  ...{apiVersion: 'kueue.x-k8s.io/v1beta2', kind, plural, namespaced},
})
const WORKLOADS = kueueKind('Workload', 'workloads', true)
const CLUSTER_QUEUES = kueueKind('ClusterQueue', 'clusterqueues')

let ground: EmptyKubernetes
let stopKueue: (() => Promise<void>) | undefined
let client: ChildProcess | undefined

const make = ({apiVersion, kind, ...place}: Kind, name: string, content: object, labels = {}): Promise<unknown> =>
  ground.client.create({apiVersion, kind, ...place}, {
    ...{apiVersion, kind, metadata: {name, labels, ...(place.namespaced && NS)}},
    ...content,
  } as KubeObject)
const works = async (...args: readonly string[]): Promise<string> => {
  const {code, stdout, stderr} = await ground.dask(...args)
  expect(code, `${args.join(' ')}: ${stdout}${stderr}`).toBe(0)
  return stdout
}

/** A scheduler has a priority of its own: without it, its workers are worth nothing. */
const makeCluster = async (workers: number, metadata: PartMetadata = {}): Promise<unknown> => {
  const flags = ['--workers', String(workers), ...QUEUED, '--dry-run=client', '-o', 'json']
  const manifest = JSON.parse(await works('cluster', 'create', 'demo', ...flags)) as DaskCluster
  const {scheduler, worker} = manifest.spec
  return ground.client.create(DASK_CLUSTERS, {
    ...{...manifest, metadata: {...manifest.metadata, ...NS}},
    spec: {
      ...manifest.spec,
      scheduler: {...scheduler, metadata: {labels: {'kueue.x-k8s.io/priority-class': 'first'}}},
      worker: {...worker, metadata},
    },
  })
}

/** A queue in which an urgent pod takes the place of another. */
const room = (pods: number): object => ({
  spec: {
    namespaceSelector: {},
    preemption: {withinClusterQueue: 'LowerPriority'},
    resourceGroups: [{coveredResources: ['pods'], flavors: [{name: 'any', resources: [{name: 'pods', nominalQuota: String(pods)}]}]}],
  },
})
const makeRoom = (pods: number): Promise<unknown> => ground.client.patch(CLUSTER_QUEUES, {name: 'dask'}, room(pods), {type: 'merge'})

const pods = async (component: string): Promise<readonly Pod[]> =>
  (await ground.client.list(PODS, {...NS, labelSelector: `dask.org/component=${component}`})).items
const readyPods = async (component: string, count: number): Promise<void> =>
  until(async () => (await pods(component)).filter(isPodReady).length === count, `${count} ${component} pods are ready`)
const gated = async (): Promise<readonly Pod[]> =>
  (await pods('worker')).filter(({spec}) => ((spec as {readonly schedulingGates?: readonly object[]}).schedulingGates ?? []).length > 0)
const workloads = async (): Promise<number> => (await ground.client.list(WORKLOADS, NS)).items.length
const nothingIsLeft = async (): Promise<void> => {
  await until(async () => (await ground.client.list(PODS, NS)).items.length === 0, 'all pods go')
  await until(async () => (await workloads()) === 0, 'all Workloads go')
}
const saysOfWorkers = async (reason: string, words: string): Promise<void> =>
  until(async () => {
    const {status} = await ground.client.get(DASK_CLUSTERS, {...NS, name: 'demo'})
    const told = status?.conditions?.find(({type}) => type === 'WorkersReady')
    return told?.reason === reason && told.message.includes(words)
  }, `the cluster says of its workers: ${reason}: … ${words} …`)

/** Holds results on all workers until a file says enough, and then has them all; each task tells its start. */
const HOLD = `
import os, sys, time
from distributed import Client, wait
directory = sys.argv[1]
def work(i):
    with open(directory + '/starts', 'a') as file:
        file.write(f'{i}\\n')
    time.sleep(0.1)
    return i
client = Client(timeout=30)
held = client.map(work, range(20), pure=False)
wait(held)
assert len({worker for workers in client.who_has(held).values() for worker in workers}) == 2
open(directory + '/held', 'w').close()
while not os.path.exists(directory + '/enough'):
    time.sleep(0.05)
assert client.gather(held) == list(range(20))
open(directory + '/right', 'w').close()
`
const has = async (file: string): Promise<boolean> => (await readdir(ground.directory)).includes(file)

describe.runIf(build !== undefined)('Kueue', () => {
  beforeAll(async () => {
    ground = await startEmptyKubernetes()
    await works('operator', 'install', '--timeout', '90s')
    stopKueue = await startKueue(ground, build ?? '', NS.namespace)
    await make(kueueKind('ResourceFlavor', 'resourceflavors'), 'any', {})
    await make(CLUSTER_QUEUES, 'dask', room(3))
    await make(kueueKind('LocalQueue', 'localqueues', true), 'dask', {spec: {clusterQueue: 'dask'}})
    const priorities = {urgent: 100, first: 1000}
    for (const [name, value] of Object.entries(priorities))
      await make(kueueKind('WorkloadPriorityClass', 'workloadpriorityclasses'), name, {value})
  }, 180_000)
  afterAll(async () => {
    // The program of the client too, which would hold what vitest waits for.
    if (client?.pid !== undefined && client.exitCode === null) process.kill(-client.pid, 'SIGKILL')
    await stopKueue?.()
    await ground?.stop()
  })

  describe('one pod at a time', () => {
    it('lets in as many workers as there is room for: they compute, and the cluster says why the others wait', async () => {
      await makeCluster(4)
      await readyPods('worker', 2)
      await saysOfWorkers('SchedulingGated', '2 of 4 workers are ready')
      expect(await gated()).toHaveLength(2)
      expect(await works('cluster', 'describe', 'demo')).toMatch(/SchedulingGated.*kubectl get workloads -n default/s)
      const program = 'from distributed import Client; print(Client(timeout=20).submit(sum, [1, 2, 3]).result())'
      expect(await works('cluster', 'run', 'demo', '--', PYTHON, '-c', program)).toBe('6\n')
    })

    it('lets the others in when there is room', async () => {
      await makeRoom(5)
      await works('cluster', 'wait', 'demo', '--timeout', '60s')
      await readyPods('worker', 4)
    })

    it('gives the room of workers back that leave', async () => {
      await works('cluster', 'scale', 'demo', '2', '--wait', '--timeout', '60s')
      await until(async () => (await workloads()) === 3, 'a Workload each is left for the scheduler and two workers')
    })

    it('replaces a worker that gives its place to something urgent; no result is lost and no task starts twice', async () => {
      await makeRoom(3)
      const {directory} = ground
      const bin = join(import.meta.dirname, '..', '..', 'bin', 'kubectl-dask.js')
      client = spawn(process.execPath, [bin, 'cluster', 'run', 'demo', '--', PYTHON, '-c', HOLD, directory], {
        ...{stdio: 'inherit', detached: true, env: {...process.env, KUBECONFIG: join(directory, 'plane', 'kubeconfig')}},
      })
      await until(() => has('held'), 'both workers hold results')
      const before = (await pods('worker')).map(({metadata}) => metadata.name)
      const urgent = {containers: [{name: 'urgent', image: 'python', command: ['python', '-c', 'import time; time.sleep(600)']}]}
      await make(PODS, 'urgent', {spec: urgent}, {...QUEUE, 'kueue.x-k8s.io/priority-class': 'urgent'})
      await until(async () => isPodReady(await ground.client.get(PODS, {...NS, name: 'urgent'})), 'what is urgent runs')
      await until(async () => (await pods('worker')).filter((pod) => !isPodLeaving(pod)).length === 2, 'another worker is made')
      await until(async () => (await gated()).length === 1, 'it waits')
      await ground.client.delete(PODS, {...NS, name: 'urgent'})
      await readyPods('worker', 2)
      expect((await pods('worker')).filter(({metadata}) => before.includes(metadata.name))).toHaveLength(1)
      await writeFile(join(directory, 'enough'), '')
      await until(() => has('right'), 'every result is right')
      expect([...(await starts(directory))].filter(([, count]) => count > 1)).toEqual([])
    })

    it('leaves no Workload of a cluster that is deleted', async () => {
      await works('cluster', 'delete', 'demo', '--yes', '--timeout', '60s')
      await nothingIsLeft()
    })
  })

  describe('all workers at once', () => {
    const group = {
      labels: {'kueue.x-k8s.io/pod-group-name': 'demo-workers'},
      annotations: {'kueue.x-k8s.io/pod-group-total-count': '3', 'kueue.x-k8s.io/retriable-in-group': 'false'},
    }
    const anyWorker = async (): Promise<string> => (await pods('worker'))[0]?.metadata.name ?? ''

    it('lets none begin before there is room for all, and leaves nothing of a cluster that is deleted meanwhile', async () => {
      for (const isGivenUp of [true, false]) {
        await makeCluster(3, group)
        await readyPods('scheduler', 1)
        await until(async () => (await gated()).length === 3, 'all workers wait')
        await saysOfWorkers('SchedulingGated', '0 of 3 workers are ready')
        if (!isGivenUp) continue
        await works('cluster', 'delete', 'demo', '--yes', '--timeout', '60s')
        await nothingIsLeft()
      }
      await makeRoom(4)
      await readyPods('worker', 3)
    })

    it('takes another worker into the place of one that has failed', async () => {
      const name = await anyWorker()
      await ground.client.delete(PODS, {...NS, name}, {gracePeriodSeconds: 1})
      await until(async () => (await pods('worker')).every(({metadata}) => metadata.name !== name), 'it goes')
      await readyPods('worker', 3)
    })

    it('takes none for one that leaves in peace: the cluster says so, and what makes it whole again', async () => {
      await ground.client.delete(PODS, {...NS, name: await anyWorker()})
      await saysOfWorkers('HeldByPodGroup', 'kubectl dask cluster suspend demo')
      expect(await pods('worker')).toHaveLength(3)
      await works('cluster', 'suspend', 'demo', '--wait', '--timeout', '60s')
      await works('cluster', 'resume', 'demo', '--wait', '--timeout', '60s')
      await readyPods('worker', 3)
    })

    it('leaves nothing of a cluster that is deleted', async () => {
      await works('cluster', 'delete', 'demo', '--yes', '--timeout', '60s')
      await nothingIsLeft()
    })
  })

  it('runs a job to its end', async () => {
    const program = 'from distributed import Client; c = Client(timeout=30); print(sum(c.gather(c.map(int, range(10)))))'
    expect(await works('job', 'run', '--name', 'sum', '--workers', '2', ...QUEUED, '--', 'python', '-c', program)).toContain('45')
    await works('job', 'delete', 'sum', '--yes', '--timeout', '60s')
    await nothingIsLeft()
  })
})
