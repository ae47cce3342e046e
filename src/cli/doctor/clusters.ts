import {PODS, type Pod, SERVICES} from '../../api/core.ts'
import {DASK_CLUSTERS} from '../../api/dask.ts'
import {LABEL_CLUSTER, LABEL_COMPONENT, schedulerName} from '../../api/names.ts'
import {workerIdentity} from '../../api/worker-pod.ts'
import type {Scheduler, SchedulerIdentity, SchedulerWorker} from '../../dask/scheduler.ts'
import {workersOf} from '../../dask/victims.ts'
import {isForbidden, isNotFound} from '../../kube/errors.ts'
import {clusterStatus} from '../columns.ts'
import {lastLogLines} from '../pod-logs.ts'
import {withScheduler} from '../scheduler.ts'
import {describeSkew, versionGap} from '../version-gap.ts'
import {type Check, type DoctorCall, type Finding, failed, isOlder, ok, warning} from './finding.ts'

/** Schedulers are asked one by one through the API server: enough to see that it works. */
const ASKED_CLUSTERS = 5
/** And as many of their workers for their packages. */
const ASKED_WORKERS = 50
/** A worker that is well has found its scheduler after this long. */
const CONNECTED_MS = 30_000
/** As far back as Python's words about a failed look-up stand above the end of its report. */
const LOG_LINES = 400
/** What resolvers of Linux, musl and macOS say of a name that they do not know, or cannot ask for. */
const UNRESOLVED =
  /name or service not known|name resolution|nodename nor servname|name does not resolve|no address associated with hostname/i
export const tellsOfNoName = (log: readonly string[]): boolean => log.some((line) => UNRESOLVED.test(line))

const NOT_ASKED: ReadonlySet<string> = new Set(['Suspended', 'Deleting'])

/** Whether schedulers answer, their workers find them by name, and all speak the same Dask. */
export const checkSchedulers: Check = async (call) => {
  const {client, namespace, signal} = call
  const {items} = await client.list(DASK_CLUSTERS, {namespace, signal})
  const asked = items.filter((cluster) => !NOT_ASKED.has(clusterStatus(cluster, Date.now()))).slice(0, ASKED_CLUSTERS)
  const found = await Promise.all(
    asked.map((cluster) => checkCluster(call, cluster.metadata.name, clusterStatus(cluster, Date.now()) === 'Ready')),
  )
  return found.flat()
}

interface Answers {
  readonly identity: SchedulerIdentity
  readonly skew: string | undefined
}

const ask = async (scheduler: Scheduler): Promise<Answers> => {
  const identity = await scheduler.identity()
  // A scheduler may pass on no messages to its workers: then there is nothing to compare.
  const workers = await scheduler.workerVersions(identity.workers.slice(0, ASKED_WORKERS).map(({address}) => address)).catch(() => [])
  return {identity, skew: describeSkew(await scheduler.versions(), workers)}
}

const checkCluster = async (call: DoctorCall, cluster: string, isReady: boolean): Promise<readonly Finding[]> => {
  const {client, namespace, bin, signal} = call
  try {
    const answers = await withScheduler(client, {namespace, cluster, signal}, ask)
    if (!answers)
      return isReady
        ? [failed('scheduler', `DaskCluster "${cluster}" has no ready scheduler`, `"${bin} cluster describe ${cluster}" says why`)]
        : []
    const {identity, skew} = answers
    const gap = await versionGap(client, namespace, cluster, signal)
    return [
      ok('scheduler', `that of "${cluster}" answers, with ${identity.workers.length} workers`),
      ...(await checkNames(call, cluster, identity)),
      ...[skew, gap].flatMap((words) =>
        words === undefined ? [] : [warning('versions', words, 'use one image and one environment with the same versions')],
      ),
    ]
  } catch (error) {
    // What may not be looked at is no fault of the cluster.
    if (signal.aborted || isForbidden(error)) throw error
    const words = error instanceof Error ? error.message : String(error)
    return [
      failed(
        'scheduler',
        `that of "${cluster}" does not answer: ${words}`,
        `"${bin} cluster logs ${cluster} --scheduler" shows what it does`,
      ),
    ]
  }
}

/**
 * Names are resolved by the pods and not here: workers know their scheduler by the name of its Service alone, so that one that is
 * connected has found it. Where none is, what they say about it stands in their log.
 */
const checkNames = async (call: DoctorCall, cluster: string, {workers}: SchedulerIdentity): Promise<readonly Finding[]> => {
  const {client, namespace, bin, signal} = call
  const service = schedulerName(cluster)
  const hasService = await client.get(SERVICES, {namespace, name: service}, {signal}).then(
    () => true,
    (error: unknown) => {
      if (isNotFound(error)) return false
      throw error
    },
  )
  if (!hasService)
    return [
      failed(
        'names',
        `the Service "${service}" is missing: nobody finds the scheduler`,
        `"${bin} operator logs" says why it is not made again`,
      ),
    ]
  const labelSelector = `${LABEL_CLUSTER}=${cluster},${LABEL_COMPONENT}=worker`
  const pods = (await client.list(PODS, {namespace, labelSelector, signal})).items
  const silent = silentWorkers(pods, workers)
  const [first] = silent
  if (!first) return workers.length === 0 ? [] : [ok('names', `the workers of "${cluster}" find its scheduler by name`)]
  return tellsOfNoName(await lastLogLines(client, first, signal, LOG_LINES))
    ? [
        failed(
          'names',
          `worker ${first.metadata.name} cannot resolve the name of the scheduler of "${cluster}"`,
          'look at the cluster\'s DNS ("kubectl get pods -n kube-system -l k8s-app=kube-dns") and at the address that the worker is given',
        ),
      ]
    : [
        failed(
          'workers',
          `${silent.length} workers of "${cluster}" run and are not connected with its scheduler, ${first.metadata.name} among them`,
          `"${bin} cluster logs ${cluster} --workers" shows what they do; a NetworkPolicy or a service mesh may keep them apart`,
        ),
      ]
}

/** Pods that have had their time and of which the scheduler knows no worker, whatever name that one has. */
export const silentWorkers = (pods: readonly Pod[], workers: readonly SchedulerWorker[]): readonly Pod[] =>
  pods.filter((pod) => isAtWork(pod) && workersOf(workerIdentity(pod), workers).length === 0)

/** Its program has had its time, or has come to nothing before. */
const isAtWork = ({metadata, status}: Pod): boolean =>
  metadata.deletionTimestamp === undefined &&
  (status?.containerStatuses ?? []).some(
    ({state, restartCount = 0}) => restartCount > 0 || isOlder(state?.running?.startedAt, CONNECTED_MS),
  )
