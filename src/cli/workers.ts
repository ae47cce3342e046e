import {PODS, type Pod} from '../api/core.ts'
import {DASK_CLUSTERS} from '../api/dask.ts'
import {ANNOTATION_RETIRING, LABEL_CLUSTER, LABEL_COMPONENT, LABEL_GROUP} from '../api/names.ts'
import {podCause} from '../api/pod-cause.ts'
import {isPodReady} from '../api/pod-state.ts'
import {workerIdentity} from '../api/worker-pod.ts'
import type {SchedulerWorker} from '../dask/scheduler.ts'
import {type WorkerPodIdentity, workersOf} from '../dask/victims.ts'
import type {KubeClient} from '../kube/client.ts'
import {formatBytes} from '../ui/bytes.ts'
import {formatAge} from './duration.ts'
import {withScheduler} from './scheduler.ts'
import type {Column} from './table.ts'

/** One worker process, or a pod in which none is connected. */
export interface WorkerRow {
  readonly pod: string
  readonly group: string
  readonly node: string | undefined
  readonly restarts: number
  readonly created: string | undefined
  /** In Dask's own words where it is connected, else why it is not. */
  readonly status: string
  readonly message: string | undefined
  /** What the scheduler knows of it. */
  readonly worker: SchedulerWorker | undefined
}

export interface Workers {
  readonly rows: readonly WorkerRow[]
  /** Whether the scheduler answered: else nothing is known of who is connected. */
  readonly isAsked: boolean
  readonly isSuspended: boolean
}

/** The pods of a cluster's workers joined with what its scheduler knows of them. Rejects when there is no such cluster. */
export async function readWorkers(client: KubeClient, namespace: string, cluster: string, signal: AbortSignal): Promise<Workers> {
  const {spec} = await client.get(DASK_CLUSTERS, {namespace, name: cluster}, {signal})
  const selector = `${LABEL_CLUSTER}=${cluster},${LABEL_COMPONENT}=worker`
  const [pods, known] = await Promise.all([
    client.list(PODS, {namespace, labelSelector: selector, signal}),
    withScheduler(client, {namespace, cluster, signal}, async (scheduler) => (await scheduler.identity()).workers),
  ])
  return {rows: workerRows(pods.items, known), isAsked: known !== undefined, isSuspended: spec.suspend === true}
}

/** A row for each process of each pod, by group and name. `known`: absent where the scheduler could not be asked. */
export const workerRows = (pods: readonly Pod[], known: readonly SchedulerWorker[] | undefined): readonly WorkerRow[] => {
  const candidates = indexWorkers(known ?? [])
  return pods
    .toSorted((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1))
    .flatMap((pod) => {
      const identity = workerIdentity(pod)
      const found = workersOf(identity, candidates(identity))
      const row = (worker: SchedulerWorker | undefined): WorkerRow => ({
        pod: pod.metadata.name,
        group: pod.metadata.labels?.[LABEL_GROUP] ?? '',
        node: pod.spec.nodeName,
        restarts: pod.status?.containerStatuses?.reduce((sum, {restartCount}) => sum + restartCount, 0) ?? 0,
        created: pod.metadata.creationTimestamp,
        ...statusOf(pod, worker, known !== undefined),
        worker,
      })
      return found.length > 0 ? found.map(row) : [row(undefined)]
    })
}

/** Those that may be a pod's, found by address and name, so that a thousand pods are not each held against a thousand workers. */
const indexWorkers = (known: readonly SchedulerWorker[]): ((pod: WorkerPodIdentity) => readonly SchedulerWorker[]) => {
  const byHost = Map.groupBy(known, ({host}) => host)
  const byName = Map.groupBy(known, ({name}) => name)
  /** Several processes of one pod are `name-0`, `name-1` and so on. */
  const byStem = Map.groupBy(known, ({name}) => name.replace(/-\d+$/, ''))
  return ({ip, workerName}) => [
    ...new Set([...(byHost.get(ip ?? '') ?? []), ...(byName.get(workerName) ?? []), ...(byStem.get(workerName) ?? [])]),
  ]
}

const statusOf = (pod: Pod, worker: SchedulerWorker | undefined, isAsked: boolean): Pick<WorkerRow, 'status' | 'message'> => {
  const cause = podCause(pod)
  if (pod.metadata.deletionTimestamp !== undefined) return {status: 'Terminating', message: undefined}
  if (worker && pod.metadata.annotations?.[ANNOTATION_RETIRING] !== undefined) return {status: 'retiring', message: undefined}
  if (worker) return {status: worker.status, message: undefined}
  if (cause) return {status: cause.reason, message: cause.message}
  if (!isPodReady(pod)) return {status: pod.status?.phase ?? 'Pending', message: undefined}
  return isAsked
    ? {status: 'NotConnected', message: 'the pod runs, but the scheduler does not know its worker'}
    : {status: 'Ready', message: undefined}
}

const ORDERS = {
  cpu: ({load}: SchedulerWorker) => load.cpu,
  memory: ({load}: SchedulerWorker) => load.memory,
  spilled: ({load}: SchedulerWorker) => load.spilled,
  running: ({load}: SchedulerWorker) => load.executing,
} as const
export type WorkerOrder = keyof typeof ORDERS
export const WORKER_ORDERS = Object.keys(ORDERS) as readonly WorkerOrder[]

/** The largest first; those that are not connected come last. */
export const sortWorkerRows = (rows: readonly WorkerRow[], by: WorkerOrder): readonly WorkerRow[] => {
  const size = ({worker}: WorkerRow): number => (worker ? ORDERS[by](worker) : -1)
  return rows.toSorted((one, other) => size(other) - size(one))
}

const ofWorker = (show: (worker: SchedulerWorker) => string) => (row: WorkerRow) => (row.worker ? show(row.worker) : '-')

export const workerColumns: readonly Column<WorkerRow>[] = [
  {header: 'WORKER', value: (row) => row.worker?.name ?? row.pod},
  {header: 'STATUS', value: (row) => row.status},
  {header: 'THREADS', value: ofWorker(({nthreads}) => String(nthreads))},
  {
    header: 'MEMORY',
    value: ofWorker(({load, memoryLimit}) => `${formatBytes(load.memory)}/${memoryLimit > 0 ? formatBytes(memoryLimit) : '∞'}`),
  },
  {header: 'CPU', value: ofWorker(({load}) => `${Math.round(load.cpu)}%`)},
  {header: 'RUNNING', value: ofWorker(({load}) => String(load.executing))},
  {header: 'QUEUED', value: ofWorker(({load}) => String(load.queued))},
  {header: 'RESULTS', value: ofWorker(({load}) => String(load.results))},
  {header: 'RESTARTS', value: (row) => String(row.restarts)},
  {header: 'AGE', value: (row, now) => formatAge(row.created, now)},
  {header: 'SPILLED', wide: true, value: ofWorker(({load}) => formatBytes(load.spilled))},
  {header: 'GROUP', wide: true, value: (row) => row.group},
  {header: 'POD', wide: true, value: (row) => row.pod},
  {header: 'NODE', wide: true, value: (row) => row.node ?? ''},
  {header: 'ADDRESS', wide: true, value: ofWorker(({address}) => address)},
  {header: 'MESSAGE', wide: true, value: (row) => row.message ?? ''},
]
