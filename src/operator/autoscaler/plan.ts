import {areBoundsValid, boundsOf, groupNameOf} from '../../api/autoscaler-bounds.ts'
import type {Claim} from '../../api/conditions.ts'
import {
  DASK_AUTOSCALERS,
  DASK_WORKER_GROUPS,
  type DaskAutoscaler,
  type DaskAutoscalerStatus,
  type DaskCluster,
  type DaskWorkerGroup,
} from '../../api/dask.ts'
import {ANNOTATION_COOLDOWN} from '../../api/names.ts'
import type {KubeObject, OwnerReference} from '../../api/object.ts'
import {controllerOf} from '../../api/ownership.ts'
import type {Action, Patch, Plan} from '../engine/contract.ts'
import {longestPeriodMs, rulesOf} from './behavior.ts'
import {decide} from './decision.ts'
import {holderOf, replicasOf} from './holder.ts'
import {REASON, SUCCESSFUL_RESCALE} from './reasons.ts'
import {activeStatus, inactiveStatus} from './status.ts'
import type {AutoscalerWorld} from './world.ts'

/**
 * The number of workers that the autoscaler's group should have now, written into the group's spec. The autoscaler goes with its cluster.
 * Time alone never changes the answer: who asks the schedulers has the plan made again.
 */
export function planAutoscaler(autoscaler: DaskAutoscaler, world: AutoscalerWorld, now: number): Plan<DaskAutoscalerStatus> {
  const adoption = [adopt(autoscaler, world.cluster)].filter((stage) => stage.length > 0)
  const obstacle = obstacleOf(autoscaler, world)
  const {group} = world
  if (obstacle || !group) return {stages: adoption, status: inactiveStatus(autoscaler, world, obstacle ?? missing(autoscaler), now)}

  const decision = decide(autoscaler, group, world, now)
  const {desired, why} = decision
  const current = replicasOf(group)
  const status = activeStatus(autoscaler, world, decision, now)
  if (desired === current) return {stages: adoption, status}
  const told: Action = {do: 'tell', type: 'Normal', reason: SUCCESSFUL_RESCALE, message: `New size: ${desired}; reason: ${why}`}
  return {
    stages: [
      // First of all: who cannot write to the autoscaler could not write the cool-down that follows a number either.
      ...adoption,
      [scale(group, desired)],
      [...(desired < current ? [coolDown(autoscaler, now)] : []), told],
    ],
    status,
  }
}

/** What keeps the autoscaler from scaling anything, with the remedy. */
const obstacleOf = (autoscaler: DaskAutoscaler, {cluster, group, groups, autoscalers}: AutoscalerWorld): Claim | undefined => {
  const {cluster: clusterName} = autoscaler.spec
  const refuse = (reason: string, message: string): Claim => ({status: false, reason, message})
  const bounds = boundsOf(autoscaler)
  if (!areBoundsValid(bounds))
    return refuse(
      REASON.invalidBounds,
      `minimum (${bounds.minimum}) is greater than maximum (${bounds.maximum}); correct one of them: kubectl edit daskautoscaler ${autoscaler.metadata.name}`,
    )
  if (!cluster)
    return refuse(REASON.clusterMissing, `there is no DaskCluster "${clusterName}" in this namespace; the autoscaler begins when there is`)
  if (!group) return missing(autoscaler)
  if (group.spec.cluster !== clusterName)
    return refuse(
      REASON.groupElsewhere,
      `DaskWorkerGroup "${group.metadata.name}" is of DaskCluster "${group.spec.cluster}"; name a group of "${clusterName}" in spec.workerGroup`,
    )
  if (!groups.some((each) => each.group.metadata.uid === group.metadata.uid))
    return refuse(REASON.groupNotTakenIn, `DaskCluster "${clusterName}" has not taken DaskWorkerGroup "${group.metadata.name}" in`)
  const holder = holderOf(group.metadata.name, autoscalers)
  if (holder && holder.metadata.name !== autoscaler.metadata.name)
    return refuse(
      REASON.groupTaken,
      `DaskAutoscaler "${holder.metadata.name}" scales DaskWorkerGroup "${group.metadata.name}" already; delete one of the two`,
    )
  if (cluster.spec.suspend === true) return refuse(REASON.suspended, `DaskCluster "${clusterName}" is suspended`)
  return undefined
}

const missing = (autoscaler: DaskAutoscaler): Claim => ({
  status: false,
  reason: REASON.groupMissing,
  message: `there is no DaskWorkerGroup "${groupNameOf(autoscaler)}" in this namespace; the autoscaler begins when there is`,
})

/** Refused by the server when somebody has changed the group meanwhile: a person's number is not overwritten unseen. */
const scale = (group: DaskWorkerGroup, replicas: number): Patch => ({
  do: 'patch',
  kind: DASK_WORKER_GROUPS,
  ...identityOf(group),
  ...(group.metadata.resourceVersion !== undefined && {resourceVersion: group.metadata.resourceVersion}),
  patch: {spec: {worker: {replicas}}},
})

/** For an operator that comes after this one: by then the policies allow the next step. */
const coolDown = (autoscaler: DaskAutoscaler, now: number): Patch => ({
  do: 'patch',
  kind: DASK_AUTOSCALERS,
  ...identityOf(autoscaler),
  patch: {metadata: {annotations: {[ANNOTATION_COOLDOWN]: String((now + longestPeriodMs(rulesOf(autoscaler).down)) / 1000)}}},
})

/** Whoever controls it already goes on doing so. One that was a cluster's of the same name before goes with that. */
const adopt = (autoscaler: DaskAutoscaler, cluster: DaskCluster | undefined): readonly Patch[] => {
  const {ownerReferences = [], resourceVersion} = autoscaler.metadata
  if (!cluster || ownerReferences.some(({kind}) => kind === cluster.kind)) return []
  const reference = referenceTo(cluster, controllerOf(autoscaler) === undefined)
  const patch = {metadata: {ownerReferences: [...ownerReferences, reference]}}
  return [{do: 'patch', kind: DASK_AUTOSCALERS, ...identityOf(autoscaler), ...(resourceVersion !== undefined && {resourceVersion}), patch}]
}

const referenceTo = ({apiVersion, kind, metadata: {name, uid = ''}}: DaskCluster, controller: boolean): OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid,
  ...(controller && {controller: true}),
  blockOwnerDeletion: true,
})

const identityOf = ({metadata: {name, namespace, uid = ''}}: KubeObject): Pick<Patch, 'ref' | 'uid'> => ({
  ref: {name, ...(namespace !== undefined && {namespace})},
  uid,
})
