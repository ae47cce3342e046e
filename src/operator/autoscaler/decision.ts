import {type Bounds, boundsOf} from '../../api/autoscaler-bounds.ts'
import type {Claim} from '../../api/conditions.ts'
import type {DaskAutoscaler, DaskWorkerGroup} from '../../api/dask.ts'
import {ANNOTATION_COOLDOWN} from '../../api/names.ts'
import {leastAllowed, longestPeriodMs, mostAllowed, type Rules, rulesOf} from './behavior.ts'
import {demandOn, excessOf} from './demand.ts'
import {replicasOf} from './holder.ts'
import {neededWithin, type Readings} from './readings.ts'
import {REASON} from './reasons.ts'
import type {AutoscalerWorld} from './world.ts'

export interface Decision {
  readonly desired: number
  /** Why, as the Event of a change tells it. */
  readonly why: string
  readonly active: Claim
  readonly able: Claim
  readonly limited: Claim
}

const IN_RANGE: Claim = {status: false, reason: REASON.inRange, message: 'the desired number is within the bounds'}
const READY: Claim = {status: true, reason: REASON.ready, message: 'nothing keeps the number from being changed'}

/** The number that a group should have now. Its autoscaler's bounds hold whatever the scheduler says, and also while it says nothing. */
export function decide(autoscaler: DaskAutoscaler, group: DaskWorkerGroup, world: AutoscalerWorld, now: number): Decision {
  const bounds = boundsOf(autoscaler)
  const current = replicasOf(group)
  const active = activeClaim(bounds, world)
  if (current < bounds.minimum)
    return {desired: bounds.minimum, why: 'the number was below the minimum', active, able: READY, limited: tooFew(bounds)}
  if (current > bounds.maximum)
    return {desired: bounds.maximum, why: 'the number was above the maximum', active, able: READY, limited: tooMany(bounds)}
  const {readings} = world
  const target = readings?.latest?.target
  if (!readings || target === undefined || active.status !== true || bounds.minimum === bounds.maximum)
    return {desired: current, why: '', active, able: READY, limited: IN_RANGE}
  return {...follow(autoscaler, group, world, {current, target, readings, now}), active}
}

interface Now {
  readonly current: number
  readonly target: number
  readonly readings: Readings
  readonly now: number
}

/** What the scheduler asks for, made steady, then limited to what the policies allow at once. */
const follow = (
  autoscaler: DaskAutoscaler,
  group: DaskWorkerGroup,
  world: AutoscalerWorld,
  {current, target, readings, now}: Now,
): Omit<Decision, 'active'> => {
  const bounds = boundsOf(autoscaler)
  const {up, down} = rulesOf(autoscaler)
  const demand = (of: number): number => demandOn(group.metadata.name, of, world)
  const needed = readings.spans.at(-1)?.needed ?? target
  const wished = demand(needed)
  const lately = ({windowMs}: Rules): readonly number[] => [
    ...neededWithin(readings, windowMs, now).map(demand),
    // A window that this operator has not seen all of: what there was before is taken for steady.
    ...(readings.since > now - windowMs ? [current] : []),
  ]
  const least = Math.min(...lately(up))
  const most = Math.max(...lately(down))
  const steady = current < least ? least : current > most ? most : current
  const why = `the scheduler asks for ${target} ${target === 1 ? 'worker' : 'workers'}`
  const held = (able: Claim, limited: Claim = IN_RANGE): Omit<Decision, 'active'> => ({desired: current, why, able, limited})

  if (steady > current) {
    const desired = Math.min(steady, mostAllowed(current, up, world.steps, now))
    return {desired, why, able: READY, limited: desired < steady ? limit(REASON.upLimit, desired, up) : edge(needed, bounds, world)}
  }
  if (steady < current) {
    const unrunnable = readings.latest?.unrunnable ?? 0
    // Nobody knows yet whether a task waits for something that an idle worker may be there for.
    if (readings.latest?.isWhole === false) return held(READY)
    if (unrunnable > 0) return held(READY, {status: true, reason: REASON.unrunnable, message: unrunnableText(unrunnable)})
    if (isCoolingDown(autoscaler, down, world, now)) return held(downStabilized(down))
    const desired = Math.max(steady, leastAllowed(current, down, world.steps, now))
    return {desired, why, able: READY, limited: desired > steady ? limit(REASON.downLimit, desired, down) : edge(needed, bounds, world)}
  }
  if (wished < current) return held(downStabilized(down))
  if (wished > current) return held(upStabilized(up))
  return held(READY, edge(needed, bounds, world))
}

/**
 * Whether a number was lowered by an operator before this one so lately that the policies do not let it be lowered again. What this operator
 * has lowered itself is among its steps.
 */
const isCoolingDown = ({metadata}: DaskAutoscaler, down: Rules, {watchedSince}: AutoscalerWorld, now: number): boolean => {
  const until = 1000 * Number(metadata.annotations?.[ANNOTATION_COOLDOWN] ?? Number.NaN)
  return now < until && until - longestPeriodMs(down) < watchedSince
}

const activeClaim = ({minimum, maximum}: Bounds, {scheduler, readings}: AutoscalerWorld): Claim => {
  if (minimum === maximum)
    return {status: true, reason: REASON.fixed, message: `minimum and maximum are both ${minimum}: the scheduler is not asked`}
  if (!scheduler) return {status: false, reason: REASON.schedulerNotReady, message: 'the number stays until the scheduler is ready'}
  if (readings?.failure !== undefined)
    return {
      status: false,
      reason: REASON.schedulerUnreachable,
      message: `the number stays; the scheduler was asked: ${readings.failure.message}`,
    }
  if (!readings?.latest) return {status: 'Unknown', reason: REASON.awaiting, message: 'the scheduler has not answered yet'}
  return {status: true, reason: REASON.valid, message: 'the scheduler tells how many workers it would like to have'}
}

const edge = (needed: number, bounds: Bounds, world: AutoscalerWorld): Claim => {
  const excess = excessOf(needed, world)
  return excess === 'too many' ? tooMany(bounds) : excess === 'too few' ? tooFew(bounds) : IN_RANGE
}

const tooMany = ({maximum}: Bounds): Claim => ({
  status: true,
  reason: REASON.tooMany,
  message: `the number is held at the maximum of ${maximum}`,
})
const tooFew = ({minimum}: Bounds): Claim => ({
  status: true,
  reason: REASON.tooFew,
  message: `the number is held at the minimum of ${minimum}`,
})

const limit = (reason: string, desired: number, {select, policies}: Rules): Claim => ({
  status: true,
  reason,
  message:
    select === 'Disabled'
      ? 'the policy allows no change in this direction'
      : `no further than ${desired} for now (${policies.map(({type, value, periodSeconds}) => `${type === 'Pods' ? value : `${value}%`} in ${periodSeconds} s`).join(', ')})`,
})

const downStabilized = ({windowMs}: Rules): Claim => ({
  status: true,
  reason: REASON.downStabilized,
  message: `fewer are enough; they go once that has been so for ${windowMs / 1000} s`,
})
const upStabilized = ({windowMs}: Rules): Claim => ({
  status: true,
  reason: REASON.upStabilized,
  message: `more are asked for; they come once that has been so for ${windowMs / 1000} s`,
})

const unrunnableText = (count: number): string =>
  `${count} ${count === 1 ? 'task waits' : 'tasks wait'} for something that no worker offers (a resource, a worker of a name); no worker is taken away meanwhile`
