import type {DaskAutoscaler, DaskWorkerGroup} from '../../api/dask.ts'
import {defaultGroupName} from '../../api/names.ts'
import type {Ref} from '../../api/object.ts'

/** The hard limits of a group's number (api-additions: 0 and 10 where nothing is said). */
export interface Bounds {
  readonly minimum: number
  readonly maximum: number
}

export const boundsOf = ({spec: {minimum = 0, maximum = 10}}: DaskAutoscaler): Bounds => ({minimum: Math.max(0, minimum), maximum})

export const areBoundsValid = ({minimum, maximum}: Bounds): boolean => minimum <= maximum

export const groupNameOf = ({spec: {cluster, workerGroup}}: DaskAutoscaler): string => workerGroup ?? defaultGroupName(cluster)

export const groupRefOf = (autoscaler: DaskAutoscaler): Ref => ({
  name: groupNameOf(autoscaler),
  ...(autoscaler.metadata.namespace !== undefined && {namespace: autoscaler.metadata.namespace}),
})

export const replicasOf = ({spec}: DaskWorkerGroup): number => spec.worker.replicas ?? 1

/** Of several autoscalers of one group the oldest has it, and of those the first by name. */
export const holderOf = (group: string, autoscalers: readonly DaskAutoscaler[]): DaskAutoscaler | undefined =>
  autoscalers
    .filter((each) => groupNameOf(each) === group && areBoundsValid(boundsOf(each)))
    .toSorted((one, other) => compare(ageOf(one), ageOf(other)) || compare(one.metadata.name, other.metadata.name))[0]

const ageOf = ({metadata}: DaskAutoscaler): string => metadata.creationTimestamp ?? ''
const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)
