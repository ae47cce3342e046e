import {PODS, type Pod, SECRETS, SERVICES} from '../../api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, DASK_WORKER_GROUPS, type DaskCluster, type DaskJob, type DaskWorkerGroup} from '../../api/dask.ts'
import {hasJobEnded} from '../../api/job-state.ts'
import {defaultGroupName, LABEL_CLUSTER, LABEL_COMPONENT, schedulerName, workersName} from '../../api/names.ts'
import {HTTP_ROUTES, INGRESSES, NETWORK_POLICIES, POD_DISRUPTION_BUDGETS} from '../../api/networking.ts'
import type {KubeObject, Ref} from '../../api/object.ts'
import {isPodLeaving} from '../../api/pod-state.ts'
import {isOfPythonOperator} from '../../api/python-operator.ts'
import {refIn} from '../../api/ref.ts'
import {ownScheduler} from '../../api/scheduler-pod.ts'
import type {Controller, Reader} from '../engine/contract.ts'
import type {IdleWatch} from './idle-watch.ts'
import type {FindLostNode} from './lost-node.ts'
import {planCluster} from './plan.ts'
import {NOTABLES} from './reasons.ts'
import {failedStatus} from './status.ts'
import type {LookAtTls} from './tls-secret.ts'
import type {UnrunnableWatch} from './unrunnable-watch.ts'
import type {Accessories, ClusterWorld} from './world.ts'

/** The cluster that a group's spec names: it adopts the group. */
const namedBy = (object: KubeObject): readonly Ref[] => {
  const cluster: unknown = (object as Partial<DaskWorkerGroup>).spec?.cluster
  return typeof cluster === 'string' ? [refIn(object, cluster)] : []
}

/** The cluster that an object of this name may keep waiting, whoever owns it. */
const holder = (object: KubeObject): readonly Ref[] =>
  object.metadata.name.endsWith('-scheduler') ? [refIn(object, object.metadata.name.slice(0, -'-scheduler'.length))] : []

/** The cluster that a scheduler of the Python operator keeps waiting. */
const formerCluster = (pod: KubeObject): readonly Ref[] => {
  const {[LABEL_CLUSTER]: cluster, [LABEL_COMPONENT]: component} = pod.metadata.labels ?? {}
  return cluster !== undefined && component === 'scheduler' && isOfPythonOperator(pod as Pod) ? [refIn(pod, cluster)] : []
}

/** Workers, which their group owns; they count in the cluster's status. */
const clusterOfWorker = (pod: KubeObject): readonly Ref[] => {
  const {[LABEL_CLUSTER]: cluster, [LABEL_COMPONENT]: component} = pod.metadata.labels ?? {}
  return cluster !== undefined && component === 'worker' ? [refIn(pod, cluster)] : []
}

/** The cluster that a job has left behind: from now on its idleness counts. */
const clusterOfEnded = (job: KubeObject): readonly Ref[] => (hasJobEnded(job as DaskJob) ? [refIn(job, job.metadata.name)] : [])

/** Hundreds of workers may become ready one by one; what most of them mean comes at once, by their group's status. */
const WORKERS_MS = 1_000

/** Kinds of which a cluster has objects only where its spec asks for them. */
const ACCESSORIES = [NETWORK_POLICIES, INGRESSES, HTTP_ROUTES, POD_DISRUPTION_BUDGETS]

const observeAccessories = (cluster: DaskCluster, reader: Reader, operatorNamespace: string | undefined): Accessories => {
  const {name, namespace} = cluster.metadata
  const scheduler = {name: schedulerName(name), ...(namespace !== undefined && {namespace})}
  return {
    schedulerPolicy: reader.cache(NETWORK_POLICIES).get(scheduler),
    workersPolicy: reader.cache(NETWORK_POLICIES).get({...scheduler, name: workersName(name)}),
    budget: reader.cache(POD_DISRUPTION_BUDGETS).get(scheduler),
    ingress: reader.cache(INGRESSES).get(scheduler),
    httpRoute: reader.cache(HTTP_ROUTES).get(scheduler),
    // Only who needs them has the server asked for them again and again.
    noHttpRoutes: cluster.spec.scheduler.httpRoute && reader.refusal(HTTP_ROUTES),
    operatorNamespace,
  }
}

const observeCluster = (cluster: DaskCluster, reader: Reader, operatorNamespace: string | undefined): ClusterWorld => {
  const {name, namespace} = cluster.metadata
  const at = (own: string): Ref => ({name: own, ...(namespace !== undefined && {namespace})})
  const pods = reader.cache(PODS)
  const groups = reader.cache(DASK_WORKER_GROUPS)
  const scheduler = ownScheduler(cluster, pods) ?? pods.get(at(schedulerName(name)))
  return {
    scheduler,
    former: scheduler ? undefined : pods.list(namespace).find((pod) => formerCluster(pod).some((each) => each.name === name)),
    service: reader.cache(SERVICES).get(at(schedulerName(name))),
    accessories: observeAccessories(cluster, reader, operatorNamespace),
    defaultGroup: groups.get(at(defaultGroupName(name))),
    groups: groups
      .list(namespace)
      .filter(({spec}) => spec.cluster === name)
      .map((group) => ({group, pods: group.metadata.uid === undefined ? [] : pods.ownedBy(group.metadata.uid)})),
  }
}

/** What is to be known of a cluster and is in no cache. */
export interface Looks {
  readonly findLostNode: FindLostNode
  readonly idleWatch: IdleWatch
  readonly unrunnableWatch: UnrunnableWatch
  readonly lookAtTls: LookAtTls
}

/**
 * Keeps each DaskCluster's scheduler, service and default group there, and tells in its status how it is.
 * What becomes of workers mostly changes their group's status, which wakes it at once; but a worker that is back before that was written leaves it
 * as it was, and where the server drops that status it never changes.
 */
export const createClusterController = (
  {findLostNode, idleWatch, unrunnableWatch, lookAtTls}: Looks,
  operatorNamespace?: string,
): Controller<DaskCluster, ClusterWorld> => ({
  kind: DASK_CLUSTERS,
  owns: [PODS, SERVICES, DASK_WORKER_GROUPS, ...ACCESSORIES],
  optional: ACCESSORIES,
  watches: [
    {kind: DASK_WORKER_GROUPS, keysOf: namedBy},
    {kind: PODS, keysOf: holder},
    {kind: PODS, keysOf: formerCluster},
    {kind: PODS, keysOf: clusterOfWorker, afterMs: WORKERS_MS},
    {kind: SERVICES, keysOf: holder},
    {kind: DASK_JOBS, keysOf: clusterOfEnded},
  ],
  writes: [SECRETS],
  start: (enqueue, signal) => {
    idleWatch.start(enqueue, signal)
    unrunnableWatch.start(enqueue, signal)
  },
  observe: async (cluster, reader, signal) => {
    const seen = observeCluster(cluster, reader, operatorNamespace)
    const {scheduler, groups} = seen
    const pods = [...(scheduler ? [scheduler] : []), ...groups.flatMap((group) => group.pods)]
    const world: ClusterWorld = {
      ...seen,
      tls: await lookAtTls(cluster, pods, Date.now(), signal),
      // Nothing is waited for between this word and the plan.
      idle: idleWatch.of(refIn(cluster, cluster.metadata.name), reader),
      unrunnable: unrunnableWatch.of(cluster, groups, reader),
    }
    if (!scheduler || !isPodLeaving(scheduler)) return world
    return {...world, lostNode: await findLostNode(scheduler, Date.now(), signal)}
  },
  plan: planCluster,
  notables: NOTABLES,
  failed: failedStatus,
})
