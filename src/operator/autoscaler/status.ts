import {groupNameOf} from '../../api/autoscaler-bounds.ts'
import {type Claim, replaceConditions, timestamp, toConditions} from '../../api/conditions.ts'
import type {DaskAutoscaler, DaskAutoscalerStatus} from '../../api/dask.ts'
import {ANNOTATION_RETIRING} from '../../api/names.ts'
import type {Failure} from '../engine/contract.ts'
import type {Decision} from './decision.ts'
import {replicasOf} from './holder.ts'
import {targetAt} from './readings.ts'
import {ABLE_TO_SCALE, REASON, SCALING_ACTIVE, SCALING_LIMITED} from './reasons.ts'
import type {AutoscalerWorld} from './world.ts'

/** Something is in the way of scaling at all. */
export const inactiveStatus = (autoscaler: DaskAutoscaler, world: AutoscalerWorld, obstacle: Claim, now: number): DaskAutoscalerStatus =>
  statusOf(
    autoscaler,
    world,
    {
      [SCALING_ACTIVE]: obstacle,
      [ABLE_TO_SCALE]: {status: false, reason: obstacle.reason, message: obstacle.message},
      [SCALING_LIMITED]: {status: false, reason: REASON.inactive, message: ''},
    },
    now,
  )

export function activeStatus(autoscaler: DaskAutoscaler, world: AutoscalerWorld, decision: Decision, now: number): DaskAutoscalerStatus {
  const {desired, active, able, limited} = decision
  const isChange = world.group !== undefined && replicasOf(world.group) !== desired
  const rescaled: Claim = {status: true, reason: REASON.rescaled, message: `the worker group has been given the number ${desired}`}
  const claims = {[SCALING_ACTIVE]: active, [ABLE_TO_SCALE]: isChange ? rescaled : able, [SCALING_LIMITED]: limited}
  const target = world.readings?.latest?.target
  return {
    ...statusOf(autoscaler, world, claims, now),
    desiredReplicas: desired,
    ...(isChange && {lastScaleTime: timestamp(now), ...(target !== undefined && {target})}),
  }
}

export const failedAutoscalerStatus = (status: DaskAutoscalerStatus, {reason, message}: Failure, now: number): DaskAutoscalerStatus => ({
  ...status,
  conditions: replaceConditions(status.conditions, {[ABLE_TO_SCALE]: {status: false, reason, message}}, status.observedGeneration, now),
})

/** Under load the target is another at each look: it is told as of the last ten seconds' beginning, and as of the last change. */
const TOLD_EVERY_MS = 10_000
const toldAt = (lastScaleTime: string | undefined, now: number): number => {
  // A time in a status is rounded down to the second.
  const changed = Date.parse(lastScaleTime ?? '') + 1000
  return Math.max(now - (now % TOLD_EVERY_MS), changed <= now ? changed : 0)
}

const statusOf = (
  autoscaler: DaskAutoscaler,
  {group, groups, readings}: AutoscalerWorld,
  claims: Readonly<Record<string, Claim>>,
  now: number,
): DaskAutoscalerStatus => {
  const own = groups.find((each) => each.group.metadata.name === groupNameOf(autoscaler))
  const {lastScaleTime} = autoscaler.status ?? {}
  const target = readings && targetAt(readings, toldAt(lastScaleTime, now))
  return {
    ...(own && {
      currentReplicas: own.pods.filter(({metadata}) => metadata.annotations?.[ANNOTATION_RETIRING] === undefined).length,
    }),
    ...(group && {desiredReplicas: replicasOf(group)}),
    ...(target !== undefined && {target}),
    ...(lastScaleTime !== undefined && {lastScaleTime}),
    ...(autoscaler.metadata.generation !== undefined && {observedGeneration: autoscaler.metadata.generation}),
    conditions: toConditions(claims, autoscaler.metadata.generation, now),
  }
}
