import type {Notable} from '../engine/contract.ts'

/** Conditions of a DaskJob, in batch/v1 Job's words, and the reasons that the operator itself gives. */

export const COMPLETE = 'Complete'
export const FAILED = 'Failed'
export const SUSPENDED = 'Suspended'

export const REASON = {
  starting: 'Starting',
  running: 'Running',
  succeeded: 'Succeeded',
  invalidName: 'InvalidName',
  invalidSpec: 'InvalidSpec',
  nameTaken: 'NameTaken',
  predecessorLeaves: 'PredecessorLeaves',
  /** The runner's pod went while its program ran: whether it may run twice only its author knows. */
  runnerLost: 'RunnerLost',
  deadlineExceeded: 'DeadlineExceeded',
  backoffLimitExceeded: 'BackoffLimitExceeded',
  clusterMissing: 'ClusterMissing',
  suspended: 'Suspended',
  resumed: 'Resumed',
  /** Somebody has asked for its end. */
  stopped: 'Stopped',
  /** An attempt has failed; the next one begins after a pause. */
  tryingAgain: 'TryingAgain',
} as const

/** What is told by Events as well. */
export const NOTABLES: readonly Notable[] = [
  {of: COMPLETE, status: 'True', type: 'Normal'},
  {
    of: COMPLETE,
    status: 'False',
    reasons: [REASON.tryingAgain, REASON.clusterMissing, REASON.nameTaken, REASON.invalidSpec],
    type: 'Warning',
  },
  {of: FAILED, status: 'True', type: 'Warning'},
  {of: SUSPENDED, status: 'True', type: 'Normal'},
]
