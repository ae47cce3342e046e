import {SERVICES} from '../../api/core.ts'
import {DASK_WORKER_GROUPS, type DaskCluster, type DaskClusterStatus, type DaskWorkerGroup} from '../../api/dask.ts'
import {handedDown, isBehind, wantedOf, workerPartOf} from '../../api/handed-down.ts'
import {nextHistory} from '../../api/history.ts'
import {mergePatch} from '../../api/json.ts'
import {isManagedElsewhere} from '../../api/managed-by.ts'
import {ANNOTATION_HANDED_DOWN, ANNOTATION_HANDED_DOWN_WORKER, isClusterName} from '../../api/names.ts'
import type {KubeObject, OwnerReference} from '../../api/object.ts'
import {controllerOf, isControlledBy} from '../../api/ownership.ts'
import {refOf} from '../../api/ref.ts'
import type {Action, Create, Patch, Plan} from '../engine/contract.ts'
import {accessorySteps, heldBefore} from './accessories.ts'
import {idleSteps} from './idle.ts'
import {defaultGroup, schedulerService} from './parts.ts'
import {schedulerSteps, withoutCertificate} from './scheduler.ts'
import {followService} from './service.ts'
import {clusterStatus, formerStatus, heldStatus, invalidStatus, withoutCertificateStatus} from './status.ts'
import {tlsSteps} from './tls.ts'
import type {ClusterWorld} from './world.ts'

/** Upstream's tests and the official client poll for `Created`: it can be seen for this long. */
const CREATED_FOR_MS = 2000
/** Nothing tells when a definition is installed. */
const NEW_KINDS_MS = 10_000

/**
 * What a cluster needs next: its scheduler, its service, its default group, and every group that names it as its own.
 * Never touches an object of somebody else; waits while an earlier cluster of the same name still holds one of the names.
 */
export function planCluster(cluster: DaskCluster, world: ClusterWorld, now: number): Plan<DaskClusterStatus> {
  if (isManagedElsewhere(cluster)) return {stages: [], status: undefined}
  if (!isClusterName(cluster.metadata.name)) return {stages: [], status: invalidStatus(cluster, now)}
  if (world.former) return {stages: [], status: formerStatus(cluster, world.former, now)}
  const holders = foreignHolders(cluster, world)
  if (holders.length > 0) return {stages: [], status: heldStatus(cluster, holders, now)}

  const tls = tlsSteps(cluster, world)
  if (tls.trouble && !world.scheduler)
    return {stages: [], status: withoutCertificateStatus(cluster, tls.trouble, now), wakeAfter: tls.trouble.againMs}
  const due = schedulerSteps(cluster, world, now)
  const repair = tls.trouble ? withoutCertificate(due, world, tls.trouble.againMs) : due
  const writes: readonly Action[] = [
    ...repair.create,
    ...(world.service ? followService(cluster, world.service) : [create(SERVICES, schedulerService(cluster))]),
    ...(world.defaultGroup ? [] : [create(DASK_WORKER_GROUPS, defaultGroup(cluster))]),
    ...world.groups.flatMap(({group}) => adopt(cluster, group)),
    ...(world.defaultGroup ? handDown(cluster, world.defaultGroup) : []),
    ...tls.restarts,
  ]
  const hasAll = [world.scheduler, world.service, world.defaultGroup].every((part) => part !== undefined && isControlledBy(part, cluster))
  const heldFor = hasAll ? createdFor(cluster, now) : 0
  const {guard, expose} = accessorySteps(cluster, world)
  const waits = [repair.waitMs, heldFor, world.accessories.noHttpRoutes === undefined ? 0 : NEW_KINDS_MS].filter((ms) => ms > 0)
  const {stages: ending, ...idle} = idleSteps(cluster, world.idle)
  return {
    // What an idle cluster has not been given does not keep it from going.
    stages: [...ending, repair.remove, guard, tls.secret, writes, expose].filter((stage) => stage.length > 0),
    status: {...clusterStatus(cluster, world, {hasAll: hasAll && heldFor === 0, now}), ...idle},
    ...(waits.length > 0 && {wakeAfter: Math.min(...waits)}),
  }
}

/** Objects under the cluster's names that belong to something else. A group that nobody controls is the cluster's to adopt. */
const foreignHolders = (
  cluster: DaskCluster,
  {scheduler, service, defaultGroup: group, accessories}: ClusterWorld,
): readonly KubeObject[] => [
  ...[scheduler, service].filter((part) => part !== undefined).filter((part) => !isControlledBy(part, cluster)),
  ...(group && controllerOf(group) && !isControlledBy(group, cluster) ? [group] : []),
  ...heldBefore(cluster, accessories),
]

const create = (kind: Create['kind'], object: KubeObject): Create => ({do: 'create', kind, object})

/** A group that names the cluster goes with it. Other references stay; the engine's own precondition keeps a concurrent edit. */
const adopt = (cluster: DaskCluster, group: DaskWorkerGroup): readonly Patch[] => {
  if (isLeaving(group) || controllerOf(group) !== undefined) return []
  const reference: OwnerReference = {
    apiVersion: cluster.apiVersion,
    kind: cluster.kind,
    name: cluster.metadata.name,
    uid: cluster.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
  return [
    patchGroup(
      group,
      {metadata: {ownerReferences: [...(group.metadata.ownerReferences ?? []), reference]}},
      group.metadata.resourceVersion,
    ),
  ]
}

const isLeaving = (group: DaskWorkerGroup): boolean => group.metadata.deletionTimestamp !== undefined

/**
 * Only a change of the cluster's own number, or of its worker part, overwrites the group's; a group that was taken over keeps its number
 * (design section 9). What the templates were before is written down with it, so that a change can be taken back.
 */
const handDown = (cluster: DaskCluster, group: DaskWorkerGroup): readonly Patch[] => {
  if (isLeaving(group) || isBehind(cluster, group)) return []
  const {[ANNOTATION_HANDED_DOWN]: toldNumber, [ANNOTATION_HANDED_DOWN_WORKER]: toldPart} = group.metadata.annotations ?? {}
  const all = handedDown(cluster)
  const {[ANNOTATION_HANDED_DOWN]: number, [ANNOTATION_HANDED_DOWN_WORKER]: part} = all
  const history = nextHistory(cluster, group.metadata.annotations)
  if (toldNumber === number && toldPart === part && !history) return []
  const worker = {
    ...(toldNumber !== undefined && toldNumber !== number && {replicas: wantedOf(cluster)}),
    ...(toldPart !== undefined && toldPart !== part && (mergePatch(workerPartOf(group), workerPartOf(cluster)) as object | undefined)),
  }
  const metadata = {annotations: {...all, ...history}}
  return [patchGroup(group, Object.keys(worker).length > 0 ? {metadata, spec: {worker}} : {metadata})]
}

const patchGroup = (group: DaskWorkerGroup, patch: Patch['patch'], resourceVersion?: string): Patch => ({
  do: 'patch',
  kind: DASK_WORKER_GROUPS,
  ref: refOf(group),
  uid: group.metadata.uid ?? '',
  ...(resourceVersion !== undefined && {resourceVersion}),
  patch,
})

/** Milliseconds that `Created` is still to be shown; the server's clock may differ from ours, so it is never longer than the span itself. */
const createdFor = (cluster: DaskCluster, now: number): number => {
  const phase = cluster.status?.phase
  if (phase !== undefined && phase !== 'Created') return 0
  const age = now - Date.parse(cluster.metadata.creationTimestamp ?? '')
  return age >= 0 && age < CREATED_FOR_MS ? CREATED_FOR_MS - age : 0
}
