import {readdir, readFile} from 'node:fs/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {parse} from 'yaml'
import {CUSTOM_RESOURCE_DEFINITIONS, PODS, type Pod, type PodStatus} from '../../src/api/core.ts'
import {API_VERSION, DASK_CLUSTERS, DASK_WORKER_GROUPS, type DaskCluster} from '../../src/api/dask.ts'
import {ANNOTATION_RETIRING} from '../../src/api/names.ts'
import type {KubeObject} from '../../src/api/object.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {loadKubeConfig} from '../../src/kube/config.ts'
import {connect} from '../../src/kube/connect.ts'
import {startInformer} from '../../src/kube/start-informer.ts'
import {runOperator} from '../../src/operator/run.ts'
import {NEWEST_DASK, OLDEST_DASK} from '../toolchain/pythons.ts'
import {type Ground, startGround} from '../unit/sandbox/apiserver/ground.ts'
import {type RealDask, startDask, starts, until} from './real-dask.ts'

/** The operator over an API server and real Dask; the test plays the kubelet. */

const NS = {namespace: 'default'}
const TASKS = 40

const LOAD = `
import sys, time
from distributed import Client

def work(i, directory):
    with open(directory + '/starts', 'a') as file:
        file.write(f'{i}\\n')
    time.sleep(0.5)
    return i

client = Client(sys.argv[1])
futures = client.map(work, range(${TASKS}), directory=sys.argv[2])
assert client.gather(futures) == list(range(${TASKS}))
print('right')
`

/** Holds results, which no worker can take when all are to leave. */
const HOLD = `
import sys, time
from distributed import Client
client = Client(sys.argv[1])
futures = client.map(lambda i: bytes(1000), range(20))
client.gather(futures)
open(sys.argv[2] + '/held', 'w').close()
time.sleep(3)
assert len(client.gather(futures)) == 20
print('kept')
`

let ground: Ground
let client: KubeClient

beforeAll(async () => {
  ground = await startGround()
  client = connect(await loadKubeConfig({kubeconfig: ground.kubeconfig}))
  for (const file of await readdir('manifests/crds')) {
    const crd = parse(await readFile(`manifests/crds/${file}`, 'utf8')) as KubeObject
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, crd)
  }
})

afterAll(async () => {
  await client?.close()
  await ground?.stop()
})

const clusterOf = (name: string, replicas: number, port: number): DaskCluster => ({
  apiVersion: API_VERSION,
  kind: 'DaskCluster',
  metadata: {name, ...NS},
  spec: {
    scheduler: {
      spec: {containers: [{name: 'scheduler', image: 'dask'}]},
      service: {selector: {'dask.org/cluster-name': name}, ports: [{name: 'tcp-comm', port: 8786, targetPort: port}]},
    },
    worker: {replicas, spec: {containers: [{name: 'worker', image: 'dask'}]}},
  },
})

const running = (podIP?: string): PodStatus => {
  const now = `${new Date().toISOString().slice(0, 19)}Z`
  return {
    phase: 'Running',
    startTime: now,
    conditions: [{type: 'Ready', status: 'True', lastTransitionTime: now}],
    containerStatuses: [{name: 'main', ready: true, restartCount: 0, image: '', imageID: '', state: {running: {startedAt: now}}}],
    ...(podIP !== undefined && {podIP}),
  }
}

/** Starts a real worker for each worker pod, as a kubelet would; ends what the signal ends. */
const playKubelet = (dask: RealDask, signal: AbortSignal): Promise<void> => {
  const start = async (pod: Pod): Promise<void> => {
    const isScheduler = pod.metadata.name.endsWith('-scheduler')
    if (!isScheduler) await dask.addWorker(pod.metadata.name)
    await client.patch(PODS, pod.metadata, {status: running(isScheduler ? '127.0.0.1' : undefined)}, {type: 'merge', subresource: 'status'})
  }
  return startInformer({
    client,
    kind: PODS,
    signal,
    onChange: (before, after) => {
      // A pod that was deleted while its worker was starting has no status any more.
      if (!before && after) start(after).catch(() => undefined)
    },
  }).synced
}

describe.each([NEWEST_DASK, OLDEST_DASK])('an operator over Dask %s', (version) => {
  const name = `c${version.replaceAll('.', '-')}`
  const group = `${name}-default`
  const stop = new AbortController()
  let dask: RealDask
  let operator: {readonly stop: () => Promise<void>}

  const startOperator = (): typeof operator => {
    const term = new AbortController()
    const log: string[] = []
    const done = runOperator({
      client,
      identity: version,
      leaderElection: false,
      outside: true,
      signal: term.signal,
      log: (line) => log.push(line),
    })
    return {
      stop: async () => {
        term.abort()
        await done
      },
    }
  }
  const workers = async (): Promise<readonly Pod[]> =>
    (await client.list(PODS, {...NS, labelSelector: `dask.org/workergroup-name=${group}`})).items
  const connected = async (): Promise<number> => {
    const scheduler = await dask.connect()
    try {
      return (await scheduler.identity()).workers.filter(({status}) => status === 'running').length
    } finally {
      scheduler.close()
    }
  }
  const scale = (replicas: number): Promise<unknown> =>
    client.patch(DASK_CLUSTERS, {...NS, name}, {spec: {worker: {replicas}}}, {type: 'merge'})
  const settles = (count: number): Promise<void> =>
    until(async () => (await workers()).length === count && (await connected()) === count, `${count} workers`)

  beforeAll(async () => {
    dask = await startDask(version)
    await playKubelet(dask, stop.signal)
    operator = startOperator()
    await client.create(DASK_CLUSTERS, clusterOf(name, 5, dask.port))
    await settles(5)
  })

  afterAll(async () => {
    await operator?.stop()
    stop.abort()
    await dask?.stop()
    await client.delete(DASK_CLUSTERS, {...NS, name})
  })

  it('scales 5 → 2 → 4 → 1 under load, itself ended in between, and no task is started twice', async () => {
    const load = dask.python(LOAD)
    await until(async () => (await starts(dask.directory)).size >= 5, 'tasks run')
    await scale(2)
    await until(async () => (await workers()).some(({metadata}) => metadata.annotations?.[ANNOTATION_RETIRING]), 'victims are marked')
    await operator.stop()
    operator = startOperator()
    for (const count of [2, 4, 1]) {
      await scale(count)
      await settles(count)
    }
    expect((await load.output).trim()).toBe('right')
    const counts = await starts(dask.directory)
    expect(counts.size).toBe(TASKS)
    expect([...counts].filter(([, count]) => count > 1)).toEqual([])
  })

  it('goes to zero only when nobody needs the results any more, and says so meanwhile', async () => {
    const hold = dask.python(HOLD)
    await until(async () => (await readdir(dask.directory)).includes('held'), 'results are held')
    await scale(0)
    await until(async () => {
      const {status} = await client.get(DASK_WORKER_GROUPS, {...NS, name: group})
      return status?.conditions?.some(({type, status: is}) => type === 'RetirementBlocked' && is === 'True') ?? false
    }, 'the block is told')
    expect(await workers()).toHaveLength(1)
    expect((await hold.output).trim()).toBe('kept')
    await settles(0)
  })
})
