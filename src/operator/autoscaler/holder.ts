import {areBoundsValid, boundsOf, groupNameOf} from '../../api/autoscaler-bounds.ts'
import type {DaskAutoscaler, DaskWorkerGroup} from '../../api/dask.ts'
import type {Ref} from '../../api/object.ts'

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
