import {type Claim, findCondition, replaceConditions, toConditions} from '../../api/conditions.ts'
import type {Pod} from '../../api/core.ts'
import type {ClusterPhase, DaskCluster, DaskClusterStatus} from '../../api/dask.ts'
import {replicasToBe, wantedOf} from '../../api/handed-down.ts'
import {
  ANNOTATION_RETIRING,
  defaultGroupName,
  HELD_BY_POD_GROUP,
  invalidClusterName,
  LABEL_CLUSTER,
  LABEL_COMPONENT,
  PORT_DASHBOARD,
  schedulerHost,
} from '../../api/names.ts'
import {HTTP_ROUTES, INGRESSES, POD_DISRUPTION_BUDGETS} from '../../api/networking.ts'
import type {KubeObject} from '../../api/object.ts'
import {controllerOf, isOfPredecessor} from '../../api/ownership.ts'
import {type PodCause, podCause} from '../../api/pod-cause.ts'
import {namePodSecurity, VIOLATES_POD_SECURITY} from '../../api/pod-security.ts'
import {isPodEnded, isPodLeaving, isPodReady} from '../../api/pod-state.ts'
import {isOfEarlierSpec, schedulerTarget} from '../../api/revision.ts'
import {schedulerAddress} from '../../api/scheduler-address.ts'
import {schemeOf, spokenBy} from '../../api/tls.ts'
import type {Failure} from '../engine/contract.ts'
import {DEGRADED, EXPOSED, PROGRESSING, READY, REASON, SCHEDULER_READY, SUSPENDED, WORKERS_READY} from './reasons.ts'
import {dashboardAddress, exposedClaim} from './routes.ts'
import {schedulerCertificateClaim, type TlsTrouble, tlsSteps} from './tls.ts'
import {unrunnableClaim} from './unrunnable.ts'
import type {ClusterWorld, GroupView} from './world.ts'

export function invalidStatus(cluster: DaskCluster, now: number): DaskClusterStatus {
  const claim = {status: false, reason: REASON.invalidName, message: invalidClusterName(cluster.metadata.name)}
  return {
    ...observed(cluster),
    phase: 'Error',
    conditions: toConditions({[READY]: claim, [DEGRADED]: {...claim, status: true}}, cluster.metadata.generation, now),
  }
}

/** One of the cluster's names is held by something else. */
export function heldStatus(cluster: DaskCluster, holders: readonly KubeObject[], now: number): DaskClusterStatus {
  const [holder] = holders
  const what = holder ? `${holder.kind} "${holder.metadata.name}"` : 'an object'
  const controller = holder && controllerOf(holder)
  const isPredecessors = holder !== undefined && isOfPredecessor(holder, cluster)
  const claim = isPredecessors
    ? {reason: REASON.predecessorLeaves, message: `${what} of an earlier DaskCluster of this name still exists; waiting until it is gone`}
    : {
        reason: REASON.nameTaken,
        message: `${what} exists and belongs to ${controller ? `${controller.kind} "${controller.name}"` : 'nobody'}; delete it, or choose another name for the cluster`,
      }
  return waitingStatus(cluster, claim, isPredecessors, now)
}

/** A scheduler of the Python operator is still there: another one beside it would share its Service with it. */
export function formerStatus(cluster: DaskCluster, former: Pod, now: number): DaskClusterStatus {
  const claim = {
    reason: REASON.ofPythonOperator,
    message: `pod "${former.metadata.name}" is kept by a Deployment of the Python operator; "operator install --take-over" carries the cluster on`,
  }
  return waitingStatus(cluster, claim, false, now)
}

/** Its pods would wait for the certificate without an end. */
export const withoutCertificateStatus = (cluster: DaskCluster, {reason, message, isPassing}: TlsTrouble, now: number): DaskClusterStatus =>
  waitingStatus(cluster, {reason, message}, isPassing, now)

/** Nothing is made; `isPassing`: nobody has to do anything about it. */
const waitingStatus = (
  cluster: DaskCluster,
  claim: {readonly reason: string; readonly message: string},
  isPassing: boolean,
  now: number,
): DaskClusterStatus => {
  const waits = {...claim, status: false}
  return {
    ...observed(cluster),
    phase: cluster.status?.phase ?? 'Created',
    conditions: toConditions(
      {
        [SCHEDULER_READY]: waits,
        [WORKERS_READY]: waits,
        [PROGRESSING]: {...claim, status: isPassing},
        [DEGRADED]: {...claim, status: !isPassing},
        [READY]: waits,
      },
      cluster.metadata.generation,
      now,
    ),
  }
}

export function clusterStatus(
  cluster: DaskCluster,
  world: ClusterWorld,
  {hasAll, now}: {readonly hasAll: boolean; readonly now: number},
): DaskClusterStatus {
  const {name, namespace = ''} = cluster.metadata
  const workers = countWorkers(cluster, world.groups)
  const port = world.service?.spec.ports?.find((each) => each.name === PORT_DASHBOARD)?.port
  const inside = port === undefined ? undefined : `http://${schedulerHost(name, namespace)}:${port}`
  const dashboardURL = dashboardAddress(cluster, world.accessories) ?? inside
  const exposed = exposedClaim(cluster, world.accessories)
  const claims = {
    ...claimsOf(cluster, world, workers),
    ...unrunnableClaim(cluster, world.unrunnable),
    ...(exposed && {[EXPOSED]: exposed}),
  }
  return {
    ...observed(cluster),
    phase: phaseOf(cluster, world, hasAll),
    replicas: workers.live.length,
    readyReplicas: workers.ready,
    updatedReplicas: world.groups.reduce((sum, {group}) => sum + (group.status?.updatedReplicas ?? 0), 0),
    selector: `${LABEL_CLUSTER}=${name},${LABEL_COMPONENT}=worker`,
    schedulerAddress: schedulerAddress(name, namespace, world.service, schemeOf(spokenBy(cluster, world.scheduler))),
    ...(dashboardURL !== undefined && {dashboardURL}),
    conditions: toConditions(claims, cluster.metadata.generation, now),
  }
}

/** A cluster works as well without what only leads to it. */
export const failedStatus = (status: DaskClusterStatus, failure: Failure, now: number): DaskClusterStatus => {
  const {reason, message, kind} = namePodSecurity(failure)
  const isBeside = BESIDE.some(({plural}) => plural === kind?.plural)
  const failed = {status: false, reason, message}
  const claims = {
    [DEGRADED]: {...failed, status: true},
    ...(isBeside ? kind !== POD_DISRUPTION_BUDGETS && {[EXPOSED]: failed} : {[READY]: failed}),
  }
  return {...status, conditions: replaceConditions(status.conditions, claims, status.observedGeneration, now)}
}

const BESIDE = [HTTP_ROUTES, INGRESSES, POD_DISRUPTION_BUDGETS]

const observed = (cluster: DaskCluster): {readonly observedGeneration?: number} =>
  cluster.metadata.generation === undefined ? {} : {observedGeneration: cluster.metadata.generation}

/** `Running` says that the components exist, as upstream's does; `Ready` is the truth (design section 9). */
const phaseOf = ({status}: DaskCluster, {service}: ClusterWorld, hasAll: boolean): ClusterPhase => {
  const isNew = status?.phase === undefined || status.phase === 'Created' || status.phase === 'Error'
  if (status?.phase === undefined || !hasAll) return isNew ? 'Created' : 'Pending'
  const hasAddress = service?.spec.type !== 'LoadBalancer' || (service.status?.loadBalancer?.ingress ?? []).length > 0
  return hasAddress ? 'Running' : 'Pending'
}

interface Workers {
  readonly wanted: number
  readonly live: readonly Pod[]
  readonly ready: number
  readonly leaving: number
  readonly trouble: readonly Pod[]
  /** What keeps a group from making its pods: a quota, say. */
  readonly refusal: PodCause | undefined
}

const isMarked = (pod: Pod): boolean => pod.metadata.annotations?.[ANNOTATION_RETIRING] !== undefined

const countWorkers = (cluster: DaskCluster, groups: readonly GroupView[]): Workers => {
  const present = groups.flatMap(({pods}) => pods).filter((pod) => !isPodLeaving(pod))
  const live = present.filter((pod) => !isPodEnded(pod))
  const staying = live.filter((pod) => !isMarked(pod))
  const wanted = groups.reduce((sum, {group}) => sum + (replicasToBe(group, cluster) ?? group.spec.worker.replicas ?? 1), 0)
  const hasDefault = groups.some(({group}) => group.metadata.name === defaultGroupName(cluster.metadata.name))
  return {
    wanted: hasDefault ? wanted : wanted + wantedOf(cluster),
    live,
    ready: staying.filter(isPodReady).length,
    leaving: live.length - staying.length,
    trouble: present.filter((pod) => !isMarked(pod) && !isPodReady(pod)),
    refusal: groups
      .flatMap(({group}) => findCondition(group.status?.conditions, DEGRADED) ?? [])
      .filter(({status, reason}) => status === 'True' && (reason.startsWith('Failed') || OF_GROUPS.has(reason)))
      .map(({reason, message}) => ({reason, message}))[0],
  }
}

/** What no pod of a group says of itself. */
const OF_GROUPS: ReadonlySet<string> = new Set([VIOLATES_POD_SECURITY, HELD_BY_POD_GROUP])

const claimsOf = (cluster: DaskCluster, world: ClusterWorld, workers: Workers): Readonly<Record<string, Claim>> => {
  if (cluster.spec.suspend === true) return suspendedClaims(cluster, world, workers)
  const scheduler = schedulerClaim(cluster, world)
  const others = workersClaim(workers, scheduler)
  const blocked = world.groups
    .map(({group}) => findCondition(group.status?.conditions, 'RetirementBlocked'))
    .find((condition) => condition?.status === 'True')
  const update = updateClaim(cluster, world) ?? schedulerCertificateClaim(cluster, world)
  const uncertified = tlsSteps(cluster, world).trouble
  const unready = [scheduler, others].find(({status}) => status !== true)
  const trouble =
    firstCause([world.scheduler, ...workers.trouble].filter((pod) => pod !== undefined && !isPodReady(pod))) ?? workers.refusal
  return {
    [SCHEDULER_READY]: scheduler,
    [WORKERS_READY]: others,
    [PROGRESSING]: progress(workers, unready, trouble, blocked, update),
    [DEGRADED]: trouble
      ? {status: true, ...trouble}
      : uncertified
        ? {status: true, reason: uncertified.reason, message: uncertified.message}
        : (invalidClaim(cluster) ?? AS_EXPECTED),
    [READY]: unready ?? {
      status: true,
      reason: REASON.ready,
      message: `the scheduler and ${workers.ready} of ${workers.wanted} workers are ready`,
    },
    [SUSPENDED]: {status: false, reason: REASON.notSuspended, message: ''},
  }
}

const AS_EXPECTED: Claim = {status: false, reason: REASON.asExpected, message: ''}

/** What the definition lets through: refused there, an object that has it already could not be changed any more, nor its finalizers taken away. */
const invalidClaim = ({spec: {idleTimeout = 0}}: DaskCluster): Claim | undefined =>
  idleTimeout < 0
    ? {
        status: true,
        reason: REASON.invalidSpec,
        message: `spec.idleTimeout is ${idleTimeout}, which counts as 0: the cluster never goes; give seconds`,
      }
    : undefined

const suspendedClaims = (cluster: DaskCluster, world: ClusterWorld, workers: Workers): Readonly<Record<string, Claim>> => {
  const left = workers.live.length + (world.scheduler ? 1 : 0)
  const off = {
    status: false,
    reason: REASON.suspended,
    message: `the cluster is suspended; kubectl dask cluster resume ${cluster.metadata.name} brings it back`,
  }
  const going = {status: true, reason: REASON.suspending, message: `${left} ${left === 1 ? 'pod is' : 'pods are'} still there`}
  return {
    [SCHEDULER_READY]: off,
    [WORKERS_READY]: off,
    [PROGRESSING]: left > 0 ? going : off,
    [DEGRADED]: AS_EXPECTED,
    [READY]: off,
    [SUSPENDED]: left > 0 ? {...going, status: false} : {...off, status: true},
  }
}

/** What of a change of the spec is still to come, and for what it waits. */
const updateClaim = (cluster: DaskCluster, {scheduler, groups}: ClusterWorld): Claim | undefined => {
  if (scheduler && !isPodLeaving(scheduler) && !isPodEnded(scheduler) && isOfEarlierSpec(scheduler, schedulerTarget(cluster)))
    return {
      status: false,
      reason: REASON.schedulerUpdateWaits,
      message:
        "the scheduler's spec has changed; the one of the earlier spec runs on, for all tasks and results would go with it, until somebody asks: " +
        `kubectl dask cluster restart ${cluster.metadata.name}`,
    }
  const told = groups
    .map(({group}) => findCondition(group.status?.conditions, 'Progressing'))
    .find((each) => ROLLING.has(each?.reason ?? ''))
  return told && {status: told.status === 'True', reason: told.reason, message: told.message}
}

/** Reasons with which a group tells of its own rollout. */
const ROLLING: ReadonlySet<string> = new Set(['RollingOut', 'WaitsForScheduler', 'UpdateWaits'])

const firstCause = (pods: readonly (Pod | undefined)[]): PodCause | undefined => {
  for (const pod of pods) {
    const cause = pod && podCause(pod)
    if (cause) return {reason: cause.reason, message: `${pod.metadata.name}: ${cause.message}`}
  }
  return undefined
}

const schedulerClaim = (cluster: DaskCluster, {scheduler: pod, lostNode}: ClusterWorld): Claim => {
  if (pod && isPodReady(pod)) return {status: true, reason: REASON.ready, message: ''}
  const before = findCondition(cluster.status?.conditions, SCHEDULER_READY)
  const isLost = before?.status === 'True' || WAS_READY.has(before?.reason ?? '')
  const cause = firstCause([pod])
  if (pod && lostNode !== undefined)
    return {
      status: false,
      reason: REASON.nodeLost,
      message: `${pod.metadata.name}: ${lostNode}; it is removed, and another takes its place`,
    }
  if (isLost && before?.reason !== REASON.schedulerLost && pod && hasRunSince(pod, before?.lastTransitionTime))
    return {
      status: false,
      reason: REASON.schedulerSilent,
      message: `${pod.metadata.name} runs and does not answer its probe; its workers wait for it`,
    }
  if (isLost)
    return {
      status: false,
      reason: REASON.schedulerLost,
      message: `the scheduler was ready and is lost${cause ? `: ${cause.message}` : ''}; workers begin anew once another is ready`,
    }
  if (cause) return {status: false, ...cause}
  return pod && isPodLeaving(pod)
    ? {status: false, reason: REASON.schedulerLeaves, message: `${pod.metadata.name} is being deleted`}
    : {status: false, reason: REASON.starting, message: 'the scheduler is starting'}
}

/** Why a scheduler that has been ready is not. */
const WAS_READY: ReadonlySet<string> = new Set([REASON.schedulerLost, REASON.schedulerSilent, REASON.nodeLost])

const hasRunSince = (pod: Pod, lastTransitionTime: string | undefined): boolean =>
  !isPodLeaving(pod) &&
  Date.parse(pod.status?.containerStatuses?.[0]?.state?.running?.startedAt ?? '') <= Date.parse(lastTransitionTime ?? '')

const workersClaim = ({wanted, ready, trouble, refusal}: Workers, scheduler: Claim): Claim => {
  const numbers = `${ready} of ${wanted} workers are ready`
  if (scheduler.reason === REASON.schedulerLost)
    return {status: false, reason: REASON.schedulerLost, message: 'workers end with their scheduler and begin anew with the next'}
  if (ready >= wanted) return {status: true, reason: REASON.ready, message: numbers}
  const cause = firstCause(trouble) ?? refusal
  return {status: false, reason: cause?.reason ?? REASON.starting, message: cause ? `${numbers}; ${cause.message}` : numbers}
}

const progress = (
  {leaving}: Workers,
  unready: Claim | undefined,
  trouble: PodCause | undefined,
  blocked: PodCause | undefined,
  update: Claim | undefined,
): Claim => {
  if (blocked) return {status: false, reason: 'RetirementBlocked', message: blocked.message}
  if (trouble) return {status: false, ...trouble}
  if (unready) return {status: true, reason: unready.reason, message: unready.message}
  if (update) return update
  if (leaving > 0)
    return {
      status: true,
      reason: REASON.retiring,
      message: `${leaving} ${leaving === 1 ? 'worker finishes its' : 'workers finish their'} work before leaving`,
    }
  return {status: false, reason: REASON.settled, message: ''}
}
