/** A node for one schedule: binds pods, runs real Dask for them, and lets them end, as a kubelet does; its own requests meet no fault. */
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {join} from 'node:path'
import {PODS, type Pod, type PodStatus} from '../../src/api/core.ts'
import {LABEL_CLUSTER, LABEL_COMPONENT} from '../../src/api/names.ts'
import {refOf} from '../../src/api/ref.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {isConflict, isNotFound} from '../../src/kube/errors.ts'
import {startInformer} from '../../src/kube/start-informer.ts'
import {daskEnvironment, NEWEST_DASK} from '../toolchain/pythons.ts'
import type {DaskHost} from './dask-host.ts'
import type {DialFault} from './schedule.ts'
import {type SchedulerProxy, startSchedulerProxy} from './scheduler-proxy.ts'

export interface ChaosNode {
  readonly synced: Promise<void>
  /** Name of the Dask cluster in the host that runs for a cluster now. */
  daskOf(cluster: string): string | undefined
  /** Connections of the operator meet no fault any more. */
  calm(): void
  /** Ends all that runs here. */
  stop(): Promise<void>
}

export interface ChaosNodeOptions {
  readonly client: KubeClient
  readonly dask: DaskHost
  /** Unlike that of any other schedule under way. */
  readonly name: string
  readonly dials: readonly DialFault[]
  /** How the runners of jobs end, in the order in which they are started. */
  readonly exits: readonly number[]
  readonly onPod: (before: Pod | undefined, after: Pod | undefined) => void
  readonly onProblem: (what: string) => void
  readonly note: (what: string) => void
}

/** Each pod has an address of its own on loopback: an operator knows workers by it, and all schedulers may listen on 8786. */
let addresses = 0
const nextAddress = (): string => {
  addresses += 1
  return `127.50.${Math.floor(addresses / 250)}.${1 + (addresses % 250)}`
}

/** A restarted container comes back after this long. */
const RESTART_MS = 200
const COMM_PORT = 8786

export function startNode(options: ChaosNodeOptions): ChaosNode {
  const {client, dask, name, dials, exits, onPod, onProblem, note} = options
  const life = new AbortController()
  /** Of each cluster: its Dask in the host, once its scheduler runs. */
  const schedulers = new Map<string, {readonly uid: string; readonly dask: string; readonly port: number; readonly proxy: SchedulerProxy}>()
  /** Worker pods that wait for the scheduler of their cluster, or run on it. */
  const workers = new Map<string, Pod>()
  const proxies = new Set<SchedulerProxy>()
  let dialed = 0
  let started = 0
  let isCalm = false

  const report = (pod: Pod, status: PodStatus): Promise<unknown> =>
    client.patch(PODS, pod.metadata, {status}, {type: 'merge', subresource: 'status'})

  const bind = async (pod: Pod): Promise<void> => {
    const body = JSON.stringify({apiVersion: 'v1', kind: 'Binding', metadata: {name: pod.metadata.name}, target: {name}})
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/binding`
    const answer = await client.raw({method: 'POST', path, headers: {'content-type': 'application/json'}, body})
    await answer.body.text()
  }

  const startScheduler = async (pod: Pod): Promise<void> => {
    const cluster = pod.metadata.labels?.[LABEL_CLUSTER] ?? ''
    const key = `${name}/${pod.metadata.uid}`
    const host = nextAddress()
    const proxy = await startSchedulerProxy({host, port: COMM_PORT}, () => dials[dialed++ % dials.length] ?? {do: 'pass'}, note)
    proxies.add(proxy)
    if (isCalm) proxy.calm()
    dask.onEnded(key, (worker) => {
      note(`worker ${worker} has ended`)
      const own = workers.get(worker)
      // The container's program has ended in peace, as that of a retired worker does; the pod restarts it unless it goes.
      if (own) setTimeout(() => then(own, () => startWorker(own)), RESTART_MS)
    })
    const port = await dask.start(key)
    proxy.leadTo(port)
    schedulers.set(cluster, {uid: pod.metadata.uid ?? '', dask: key, port, proxy})
    await report(pod, running(host))
    for (const worker of workers.values()) if (worker.metadata.labels?.[LABEL_CLUSTER] === cluster) then(worker, () => startWorker(worker))
  }

  const startWorker = async (pod: Pod): Promise<void> => {
    const scheduler = schedulers.get(pod.metadata.labels?.[LABEL_CLUSTER] ?? '')
    if (!scheduler || life.signal.aborted || workers.get(pod.metadata.name)?.metadata.uid !== pod.metadata.uid) return
    await careful(pod, async () => {
      const host = nextAddress()
      const hasStarted = await dask.addWorker(scheduler.dask, pod.metadata.name, host).then(
        () => true,
        () => false,
      )
      // As a container that has ended: its program is started again.
      if (!hasStarted) {
        setTimeout(() => then(pod, () => startWorker(pod)), RESTART_MS)
        return
      }
      await report(pod, running(host))
    })
  }

  const runJob = async (pod: Pod): Promise<void> => {
    const code = exits[started++ % exits.length] ?? 0
    await report(pod, running(nextAddress()))
    // Long ago: so that the pause between two attempts, which is tested elsewhere, costs nothing here.
    const at = new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+/, '')
    const state = {terminated: {exitCode: code, reason: code === 0 ? 'Completed' : 'Error', startedAt: at, finishedAt: at}}
    await report(pod, {
      phase: code === 0 ? 'Succeeded' : 'Failed',
      containerStatuses: [{name: 'job', ready: false, restartCount: 0, image: '', imageID: '', state}],
    })
  }

  const begin = async (pod: Pod): Promise<void> => {
    await bind(pod)
    const component = pod.metadata.labels?.[LABEL_COMPONENT]
    if (component === 'scheduler') return startScheduler(pod)
    if (component === 'job-runner') return runJob(pod)
    workers.set(pod.metadata.name, pod)
    return startWorker(pod)
  }

  /** The pod's own `preStop` hook, where its worker may have something to hand over; elsewhere it would only cost the start of a process. */
  const beforeEnd = async (pod: Pod): Promise<void> => {
    const scheduler = schedulers.get(pod.metadata.labels?.[LABEL_CLUSTER] ?? '')
    const [program, ...args] = pod.spec.containers[0]?.lifecycle?.preStop?.exec?.command ?? []
    if (!scheduler || program === undefined || !(await dask.isUsed(scheduler.dask, pod.metadata.name))) return
    note(`pod ${pod.metadata.name} hands over before its end`)
    const env = {...process.env, DASK_WORKER_NAME: pod.metadata.name, DASK_SCHEDULER_ADDRESS: `tcp://127.0.0.1:${scheduler.port}`}
    await once(spawn(join(daskEnvironment(NEWEST_DASK), 'bin', program), args, {stdio: 'ignore', env}), 'exit')
  }

  const end = async (pod: Pod): Promise<void> => {
    const {uid, labels = {}} = pod.metadata
    const cluster = labels[LABEL_CLUSTER] ?? ''
    const scheduler = schedulers.get(cluster)
    if (scheduler && scheduler.uid === uid) {
      schedulers.delete(cluster)
      await scheduler.proxy.stop()
      proxies.delete(scheduler.proxy)
      await dask.end(scheduler.dask)
    } else if (workers.get(pod.metadata.name)?.metadata.uid === uid) {
      workers.delete(pod.metadata.name)
      if (scheduler) await dask.endWorker(scheduler.dask, pod.metadata.name)
    }
  }

  /** What ends meanwhile (the pod, the scheduler, the schedule) is no problem. */
  const careful = async (pod: Pod, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      const isGone = isNotFound(error) || isConflict(error) || life.signal.aborted || /there is no cluster/.test(String(error))
      if (!isGone) onProblem(`pod ${pod.metadata.name}: ${String(error)}`)
    }
  }

  /** One after another for each pod. */
  const turns = new Map<string, Promise<void>>()
  const then = (pod: Pod, work: () => Promise<void>): void => {
    const uid = pod.metadata.uid ?? ''
    turns.set(
      uid,
      (turns.get(uid) ?? Promise.resolve()).then(() => careful(pod, work)),
    )
  }

  const informer = startInformer({
    client,
    kind: PODS,
    signal: life.signal,
    onChange: (before, after) => {
      onPod(before, after)
      if (before && before.metadata.uid !== after?.metadata.uid) then(before, () => end(before))
      if (after && before?.metadata.uid !== after.metadata.uid) then(after, () => begin(after))
      if (after?.metadata.deletionTimestamp !== undefined && before?.metadata.deletionTimestamp === undefined)
        then(after, async () => {
          await beforeEnd(after)
          await end(after)
          await client.delete(PODS, refOf(after), {gracePeriodSeconds: 0, uid: after.metadata.uid ?? ''})
        })
    },
  })
  return {
    synced: informer.synced,
    daskOf: (cluster) => schedulers.get(cluster)?.dask,
    calm: () => {
      isCalm = true
      for (const proxy of proxies) proxy.calm()
    },
    stop: async () => {
      life.abort()
      await Promise.all([...turns.values()])
      await Promise.all([...proxies].map((proxy) => proxy.stop()))
      await Promise.all([...schedulers.values()].map((scheduler) => dask.end(scheduler.dask)))
    },
  }
}

const running = (podIP: string): PodStatus => {
  const now = new Date().toISOString().replace(/\.\d+/, '')
  return {
    phase: 'Running',
    podIP,
    startTime: now,
    conditions: [{type: 'Ready', status: 'True', lastTransitionTime: now}],
    containerStatuses: [{name: 'main', ready: true, restartCount: 0, image: '', imageID: '', state: {running: {startedAt: now}}}],
  }
}
