import type {DaskAutoscaler} from './dask.ts'
import {defaultGroupName} from './names.ts'

/** The hard limits of a group's number. */
export interface Bounds {
  readonly minimum: number
  readonly maximum: number
}

/** Where nothing is said (api-additions). */
export const USUAL_BOUNDS: Bounds = {minimum: 0, maximum: 10}

export const boundsOf = ({spec: {minimum, maximum}}: DaskAutoscaler): Bounds => ({
  minimum: Math.max(0, minimum ?? USUAL_BOUNDS.minimum),
  maximum: maximum ?? USUAL_BOUNDS.maximum,
})

export const areBoundsValid = ({minimum, maximum}: Bounds): boolean => minimum <= maximum

/** The group that an autoscaler is for: the cluster's default group where it names none. */
export const groupNameOf = ({spec: {cluster, workerGroup}}: DaskAutoscaler): string => workerGroup ?? defaultGroupName(cluster)
