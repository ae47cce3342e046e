import {boundsOf, groupNameOf} from '../api/autoscaler-bounds.ts'
import type {Event, Pod} from '../api/core.ts'
import type {DaskAutoscaler, DaskCluster, DaskJob, DaskWorkerGroup} from '../api/dask.ts'
import {LABEL_CLUSTER, LABEL_COMPONENT} from '../api/names.ts'
import type {KubeObject} from '../api/object.ts'
import {isReadyWorker} from '../api/worker-pod.ts'
import type {SchedulerWorker} from '../dask/scheduler.ts'
import type {TaskNumbers} from '../dask/task-feed.ts'
import type {AutoscalerCard, Board, ClusterCard, EventCard, GroupCard, JobCard, Load, WorkerCard} from '../ui/watch/model.ts'
import {autoscalerStatus} from './autoscalers.ts'
import {clusterProgress, withWorkerNumber} from './cluster-progress.ts'
import {clusterStatus, jobStatus, jobTime} from './columns.ts'
import {formatAge} from './duration.ts'
import {eventText, eventTime} from './events.ts'
import {workerRows} from './workers.ts'

/** What the API server has told of a place, as it is in the caches. */
export interface Sight {
  readonly place: string
  /** Absent: all namespaces. */
  readonly namespace: string | undefined
  readonly clusters: readonly DaskCluster[]
  readonly groups: readonly DaskWorkerGroup[]
  readonly jobs: readonly DaskJob[]
  readonly autoscalers: readonly DaskAutoscaler[]
  readonly pods: readonly Pod[]
  readonly events: readonly Event[]
}

/** What a scheduler has told last. */
export interface Reading {
  /** Absent before its first answer, and since it stopped answering. */
  readonly workers?: readonly SchedulerWorker[]
  readonly tasks?: TaskNumbers
  /** Tasks ended a second, at each reading; the newest last. */
  readonly rates: readonly number[]
}

const MAX_EVENTS = 30

/** The board of a sight and the readings of its schedulers, by `namespace/name`. Pure. */
export function boardOf(sight: Sight, readings: ReadonlyMap<string, Reading>, now: number, trouble?: string): Board {
  const ofCluster = <T extends KubeObject>(objects: readonly T[], cluster: (object: T) => string | undefined): ReadonlyMap<string, T[]> =>
    Map.groupBy(objects, (object) => `${object.metadata.namespace}/${cluster(object)}`)
  const groups = ofCluster(sight.groups, ({spec}) => spec.cluster)
  const autoscalers = ofCluster(sight.autoscalers, ({spec}) => spec.cluster)
  const pods = ofCluster(sight.pods, ({metadata}) => metadata.labels?.[LABEL_CLUSTER])
  const events = eventsByCluster(sight)
  const clusters = sight.clusters.toSorted(byPlace).map((cluster) => {
    const key = `${cluster.metadata.namespace}/${cluster.metadata.name}`
    const parts = {groups: groups.get(key) ?? [], autoscalers: autoscalers.get(key) ?? [], pods: pods.get(key) ?? []}
    return clusterCard(cluster, parts, events.get(key) ?? [], readings.get(key) ?? {rates: []}, now)
  })
  const {place, namespace} = sight
  return {place, namespace, at: now, clusters, jobs: sight.jobs.toSorted(byAge).map((job) => jobCard(job, now)), trouble}
}

const byPlace = (one: KubeObject, other: KubeObject): number => (placeOf(one) < placeOf(other) ? -1 : placeOf(one) > placeOf(other) ? 1 : 0)
const placeOf = ({metadata: {namespace, name}}: KubeObject): string => `${namespace}/${name}`

/** The newest first. */
const byAge = (one: KubeObject, other: KubeObject): number =>
  (other.metadata.creationTimestamp ?? '').localeCompare(one.metadata.creationTimestamp ?? '')

interface Parts {
  readonly groups: readonly DaskWorkerGroup[]
  readonly autoscalers: readonly DaskAutoscaler[]
  readonly pods: readonly Pod[]
}

const clusterCard = (found: DaskCluster, parts: Parts, events: readonly Event[], reading: Reading, now: number): ClusterCard => {
  const cluster = withWorkerNumber(found, parts.groups)
  const {metadata, status} = cluster
  const {isReady, problem} = clusterProgress(cluster, parts.pods)
  const ready = status?.conditions?.find(({type}) => type === 'Ready')
  const rows = workerRows(
    parts.pods.filter((pod) => pod.metadata.labels?.[LABEL_COMPONENT] === 'worker'),
    reading.workers,
  )
  const workers = rows.map(
    ({pod, worker, group, node, status: is, message, restarts}): WorkerCard => ({
      ...{pod, group, node, message, restarts},
      name: worker?.name ?? pod,
      status: is,
      load: worker && {
        threads: worker.nthreads,
        cpu: worker.load.cpu,
        memory: worker.load.memory,
        memoryLimit: worker.memoryLimit,
        running: worker.load.executing,
        queued: worker.load.queued,
        results: worker.load.results,
      },
    }),
  )
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    status: clusterStatus(cluster, now),
    message: problem ? `${problem.reason}: ${problem.message}` : ready?.message,
    isReady,
    age: formatAge(metadata.creationTimestamp, now),
    wanted: status?.replicas ?? parts.groups.reduce((sum, {spec}) => sum + (spec.worker.replicas ?? 0), 0),
    ready: status?.readyReplicas ?? parts.pods.filter(isReadyWorker).length,
    load: sumOf(workers),
    tasks: reading.tasks,
    rates: reading.rates,
    groups: parts.groups.toSorted(byPlace).map((group) => groupCard(group, parts.autoscalers, now)),
    workers,
    events: events
      .toSorted((one, other) => (eventTime(one) < eventTime(other) ? -1 : 1))
      .slice(-MAX_EVENTS)
      .map((event) => eventCard(event, now)),
  }
}

const sumOf = (workers: readonly WorkerCard[]): Load => {
  const connected = workers.flatMap(({load}) => load ?? [])
  const sum = (of: (numbers: (typeof connected)[number]) => number): number => connected.reduce((total, numbers) => total + of(numbers), 0)
  return {
    connected: connected.length,
    threads: sum(({threads}) => threads),
    cpu: sum(({cpu}) => cpu),
    memory: sum(({memory}) => memory),
    memoryLimit: sum(({memoryLimit}) => memoryLimit),
    running: sum(({running}) => running),
  }
}

const groupCard = (group: DaskWorkerGroup, autoscalers: readonly DaskAutoscaler[], now: number): GroupCard => {
  const {metadata, spec, status} = group
  const own = autoscalers.find((autoscaler) => groupNameOf(autoscaler) === metadata.name)
  return {
    name: metadata.name,
    wanted: spec.worker.replicas ?? 1,
    ready: status?.readyReplicas ?? 0,
    retiring: status?.retiringReplicas ?? 0,
    autoscaler: own && autoscalerCard(own, now),
  }
}

const autoscalerCard = (autoscaler: DaskAutoscaler, now: number): AutoscalerCard => ({
  ...boundsOf(autoscaler),
  target: autoscaler.status?.target,
  status: autoscalerStatus(autoscaler, now),
})

const jobCard = (job: DaskJob, now: number): JobCard => ({
  namespace: job.metadata.namespace ?? '',
  name: job.metadata.name,
  status: jobStatus(job, now),
  message: job.status?.message,
  duration: jobTime(job, now),
  age: formatAge(job.metadata.creationTimestamp, now),
  exitCode: job.status?.exitCode,
})

/** Events by the cluster that they are about: itself, its groups and autoscalers, its pods. */
const eventsByCluster = ({clusters, groups, autoscalers, pods, events}: Sight): ReadonlyMap<string, Event[]> => {
  const owners = new Map<string, string>()
  const add = (kind: string, {metadata: {namespace, name}}: KubeObject, cluster: string | undefined): void => {
    owners.set(`${kind}/${namespace}/${name}`, `${namespace}/${cluster}`)
  }
  for (const cluster of clusters) add('DaskCluster', cluster, cluster.metadata.name)
  for (const group of groups) add('DaskWorkerGroup', group, group.spec.cluster)
  for (const autoscaler of autoscalers) add('DaskAutoscaler', autoscaler, autoscaler.spec.cluster)
  for (const pod of pods) add('Pod', pod, pod.metadata.labels?.[LABEL_CLUSTER])
  return Map.groupBy(
    events,
    ({metadata, involvedObject: {kind, namespace, name}}) => owners.get(`${kind}/${namespace ?? metadata.namespace}/${name}`) ?? '',
  )
}

const eventCard = (event: Event, now: number): EventCard => ({
  id: event.metadata.uid ?? event.metadata.name,
  at: Date.parse(eventTime(event)) || 0,
  age: formatAge(eventTime(event), now),
  isWarning: event.type === 'Warning',
  about: `${event.involvedObject.kind.toLowerCase()}/${event.involvedObject.name}`,
  reason: event.reason,
  message: eventText(event),
})
