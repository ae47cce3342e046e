import {HELD_BY_POD_GROUP} from '../../api/names.ts'
import type {Notable} from '../engine/contract.ts'

/** Conditions of a DaskWorkerGroup and the reasons that the operator itself gives; a pod's own cause is told in its own words. */

export const READY = 'Ready'
export const PROGRESSING = 'Progressing'
export const DEGRADED = 'Degraded'
export const RETIREMENT_BLOCKED = 'RetirementBlocked'

export const REASON = {
  ready: 'Ready',
  starting: 'Starting',
  settled: 'Settled',
  asExpected: 'AsExpected',
  retiring: 'Retiring',
  notBlocked: 'NotBlocked',
  clusterMissing: 'ClusterMissing',
  waitingForCluster: 'WaitingForCluster',
  ownedByOther: 'OwnedByOther',
  schedulerLost: 'SchedulerLost',
  schedulerUnreachable: 'SchedulerUnreachable',
  /** The scheduler found no place for the results that only this worker holds. */
  refused: 'UniqueDataHasNoPlace',
  timedOut: 'RetirementTimedOut',
  /** Workers of a changed spec come in. */
  rollingOut: 'RollingOut',
  /** They wait for the scheduler's own change. */
  waitsForScheduler: 'WaitsForScheduler',
  /** They wait until somebody deletes the old ones. */
  updateWaits: 'UpdateWaits',
  suspended: 'Suspended',
  heldByPodGroup: HELD_BY_POD_GROUP,
  /** Its pods are kept by Deployments of the Python operator, and have not been taken over. */
  ofPythonOperator: 'OfPythonOperator',
} as const

/** What is told by Events as well. */
export const NOTABLES: readonly Notable[] = [
  {of: RETIREMENT_BLOCKED, status: 'True', type: 'Warning'},
  {of: READY, status: 'False', reasons: [REASON.clusterMissing, REASON.ownedByOther], type: 'Warning'},
]
