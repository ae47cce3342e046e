import {boundsOf} from '../../api/autoscaler-bounds.ts'
import {findCondition} from '../../api/conditions.ts'
import type {DaskAutoscaler} from '../../api/dask.ts'
import {ANNOTATION_RETIRING} from '../../api/names.ts'
import {workerProcesses} from '../../api/worker-processes.ts'
import {holderOf, replicasOf} from './holder.ts'
import {shareOut, type Taker} from './share.ts'
import type {AutoscalerWorld, GroupView} from './world.ts'

/**
 * How many pods one group should have when the cluster needs so many workers that stay: what is left of them after the groups that nobody
 * scales, shared by the groups that have an autoscaler.
 */
export function demandOn(group: string, needed: number, {groups, autoscalers}: AutoscalerWorld): number {
  const takers = takersOf(groups, autoscalers)
  return shareOut(leftFor(takers, needed, groups), takers).get(group) ?? 0
}

/** Whether the bounds of all the autoscalers together leave a part of the wish unfulfilled, or give more than is wished for. */
export function excessOf(needed: number, {groups, autoscalers}: AutoscalerWorld): 'too many' | 'too few' | 'none' {
  const takers = takersOf(groups, autoscalers)
  const left = leftFor(takers, needed, groups)
  const sum = (bound: (taker: Taker) => number): number => takers.reduce((all, taker) => all + bound(taker) * taker.processes, 0)
  return left > sum(({maximum}) => maximum) ? 'too many' : left < sum(({minimum}) => minimum) ? 'too few' : 'none'
}

/** Workers that are to come from groups with an autoscaler. */
const leftFor = (takers: readonly Taker[], needed: number, groups: readonly GroupView[]): number => {
  const scaled = new Set(takers.map(({name}) => name))
  const fixed = groups.filter(({group: {metadata}}) => !scaled.has(metadata.name)).reduce((sum, view) => sum + offeredBy(view), 0)
  return Math.max(0, needed - fixed)
}

/** Groups with an autoscaler that may scale them. */
const takersOf = (groups: readonly GroupView[], autoscalers: readonly DaskAutoscaler[]): readonly Taker[] =>
  groups.flatMap(({group}) => {
    const {name} = group.metadata
    const holder = holderOf(name, autoscalers)
    return holder ? [{name, ...boundsOf(holder), processes: workerProcesses(group.spec.worker.spec)}] : []
  })

/** Dask workers in pods that leave. */
export const leavingIn = (groups: readonly GroupView[]): number =>
  groups.reduce((sum, {group, pods}) => {
    const marked = pods.filter(({metadata}) => metadata.annotations?.[ANNOTATION_RETIRING] !== undefined)
    return sum + marked.length * workerProcesses(group.spec.worker.spec)
  }, 0)

/** Workers of a group that nobody scales: all that it wants, but where they cannot start only those that are ready. */
const offeredBy = ({group}: GroupView): number => {
  const isStuck = findCondition(group.status?.conditions, 'Degraded')?.status === 'True'
  return (isStuck ? (group.status?.readyReplicas ?? 0) : replicasOf(group)) * workerProcesses(group.spec.worker.spec)
}
