import type {DaskCluster, DaskJob, DaskWorkerGroup} from '../api/dask.ts'
import {isManagedElsewhere} from '../api/managed-by.ts'
import type {Condition, KubeObject} from '../api/object.ts'
import {formatAge, formatDuration} from './duration.ts'
import type {Column} from './table.ts'

/** What `cluster list`, `workergroup list` and `job list` show of each object. */

const name = <T extends KubeObject>(): Column<T> => ({header: 'NAME', value: (object) => object.metadata.name})
const age = <T extends KubeObject>(): Column<T> => ({
  header: 'AGE',
  value: (object, now) => formatAge(object.metadata.creationTimestamp, now),
})

export const conditionOf = (conditions: readonly Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find((condition) => condition.type === type)

/** An operator that serves its kind has told something by then. */
const UNTOLD_MS = 5_000

/** What an object says of itself that has no status: that it is new, or that no operator serves it. */
export const untold = ({metadata: {creationTimestamp = ''}}: KubeObject, now: number): string =>
  now - Date.parse(creationTimestamp) < UNTOLD_MS ? 'Pending' : 'NotServed'

/** `Deleting`, `Ready`, the reason why it is not, or the phase where no condition says more. */
export const clusterStatus = (cluster: DaskCluster, now: number): string => {
  const {metadata, status} = cluster
  if (metadata.deletionTimestamp !== undefined) return 'Deleting'
  if (!status && isManagedElsewhere(cluster)) return 'ManagedElsewhere'
  const ready = conditionOf(status?.conditions, 'Ready')
  if (ready?.status === 'True') return 'Ready'
  return ready?.reason ?? status?.phase ?? untold(cluster, now)
}

const ratio = (ready: number | undefined, wanted: number | undefined): string => `${ready ?? '?'}/${wanted ?? '?'}`

const imageOf = (spec: {readonly containers?: readonly {readonly image?: string}[]} | undefined): string =>
  spec?.containers?.[0]?.image ?? ''

export const clusterColumns: readonly Column<DaskCluster>[] = [
  name(),
  {header: 'STATUS', value: clusterStatus},
  {header: 'WORKERS', value: ({spec, status}) => ratio(status?.readyReplicas, status?.replicas ?? spec.worker?.replicas)},
  age(),
  {header: 'IMAGE', wide: true, value: ({spec}) => imageOf(spec.worker?.spec)},
  {header: 'SCHEDULER', wide: true, value: ({status}) => status?.schedulerAddress ?? ''},
  {header: 'DASHBOARD', wide: true, value: ({status}) => status?.dashboardURL ?? ''},
  {header: 'MESSAGE', wide: true, value: ({status}) => conditionOf(status?.conditions, 'Ready')?.message ?? ''},
]

export const groupColumns: readonly Column<DaskWorkerGroup>[] = [
  name(),
  {header: 'CLUSTER', value: ({spec}) => spec.cluster},
  {header: 'READY', value: ({spec, status}) => ratio(status?.readyReplicas, spec.worker?.replicas)},
  {header: 'RETIRING', value: ({status}) => String(status?.retiringReplicas ?? 0)},
  age(),
  {header: 'IMAGE', wide: true, value: ({spec}) => imageOf(spec.worker?.spec)},
  {
    header: 'MESSAGE',
    wide: true,
    value: ({status}) => status?.conditions?.find(({type, status: is}) => type === 'Ready' && is !== 'True')?.message ?? '',
  },
]

/** How long its program has run or ran; empty before it began. */
export const jobTime = ({status}: DaskJob, now: number): string => {
  if (status?.startTime === undefined) return ''
  return formatDuration((status.endTime === undefined ? now : Date.parse(status.endTime)) - Date.parse(status.startTime))
}

export const jobStatus = (job: DaskJob, now: number): string =>
  job.metadata.deletionTimestamp !== undefined
    ? 'Deleting'
    : conditionOf(job.status?.conditions, 'Suspended')?.status === 'True'
      ? 'Suspended'
      : (job.status?.jobStatus ?? untold(job, now))

export const jobColumns: readonly Column<DaskJob>[] = [
  name(),
  {header: 'STATUS', value: jobStatus},
  {header: 'EXIT CODE', value: ({status}) => (status?.exitCode === undefined ? '' : String(status.exitCode))},
  {header: 'DURATION', value: jobTime},
  age(),
  {header: 'WORKERS', wide: true, value: ({spec}) => String(spec.cluster?.spec?.worker?.replicas ?? '')},
  {header: 'IMAGE', wide: true, value: ({spec}) => imageOf(spec.job?.spec)},
  {header: 'MESSAGE', wide: true, value: ({status}) => status?.message ?? ''},
]
