import type {Notable} from '../engine/contract.ts'

/** Conditions of a DaskAutoscaler and their reasons: HorizontalPodAutoscaler's own where it has the case. */

export const SCALING_ACTIVE = 'ScalingActive'
export const ABLE_TO_SCALE = 'AbleToScale'
export const SCALING_LIMITED = 'ScalingLimited'

export const REASON = {
  clusterMissing: 'ClusterMissing',
  groupMissing: 'WorkerGroupMissing',
  /** The group is of another cluster. */
  groupElsewhere: 'WorkerGroupOfOtherCluster',
  groupNotTakenIn: 'WaitingForWorkerGroup',
  /** An older autoscaler has the group. */
  groupTaken: 'AmbiguousSelector',
  invalidBounds: 'InvalidBounds',
  suspended: 'Suspended',
  schedulerNotReady: 'SchedulerNotReady',
  schedulerUnreachable: 'FailedGetTarget',
  /** The scheduler has not answered yet. */
  awaiting: 'AwaitingTarget',
  valid: 'ValidTargetFound',
  /** Minimum and maximum are the same. */
  fixed: 'FixedNumber',
  ready: 'ReadyForNewScale',
  rescaled: 'SucceededRescale',
  downStabilized: 'ScaleDownStabilized',
  upStabilized: 'ScaleUpStabilized',
  inRange: 'DesiredWithinRange',
  tooFew: 'TooFewReplicas',
  tooMany: 'TooManyReplicas',
  downLimit: 'ScaleDownLimit',
  upLimit: 'ScaleUpLimit',
  unrunnable: 'UnrunnableTasks',
  inactive: 'ScalingInactive',
} as const

/** The Event of each change of a group's number. */
export const SUCCESSFUL_RESCALE = 'SuccessfulRescale'

/** What is told by Events as well. */
export const NOTABLES: readonly Notable[] = [
  {
    of: SCALING_ACTIVE,
    status: 'False',
    reasons: [
      REASON.clusterMissing,
      REASON.groupMissing,
      REASON.groupElsewhere,
      REASON.groupTaken,
      REASON.invalidBounds,
      REASON.schedulerUnreachable,
    ],
    type: 'Warning',
  },
]
