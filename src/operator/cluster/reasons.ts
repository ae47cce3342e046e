import type {Notable} from '../engine/contract.ts'

/** Conditions of a DaskCluster and the reasons that the operator itself gives; a pod's own cause is told in its own words. */

export const SCHEDULER_READY = 'SchedulerReady'
export const WORKERS_READY = 'WorkersReady'
export const PROGRESSING = 'Progressing'
export const DEGRADED = 'Degraded'
export const READY = 'Ready'
export const SUSPENDED = 'Suspended'
/** Only of a cluster that has had such tasks after workers had gone. */
export const TASKS_UNRUNNABLE = 'TasksUnrunnable'
/** Only of a cluster whose spec asks for a way to its dashboard. */
export const EXPOSED = 'Exposed'

export const REASON = {
  ready: 'Ready',
  starting: 'Starting',
  settled: 'Settled',
  asExpected: 'AsExpected',
  invalidName: 'InvalidName',
  /** A value that has no meaning; the rest of the spec is carried out. */
  invalidSpec: 'InvalidSpec',
  /** The name of one of the cluster's objects belongs to something else. */
  nameTaken: 'NameTaken',
  /** What a cluster of the same name has left is still going. */
  predecessorLeaves: 'PredecessorLeaves',
  schedulerLost: 'SchedulerLost',
  /** The very scheduler that was ready runs, and does not answer its probe. */
  schedulerSilent: 'SchedulerNotResponding',
  schedulerLeaves: 'SchedulerLeaves',
  retiring: 'Retiring',
  /** The scheduler's spec has changed, and nobody has asked for another scheduler yet. */
  schedulerUpdateWaits: 'SchedulerUpdateWaits',
  /** The scheduler's pod is on a node that has gone; it is removed by force. */
  nodeLost: 'NodeLost',
  /** Its pods are kept by Deployments of the Python operator, and have not been taken over. */
  ofPythonOperator: 'OfPythonOperator',
  suspended: 'Suspended',
  suspending: 'Suspending',
  notSuspended: 'NotSuspended',
  /** Nothing has run for as long as `idleTimeout` says. */
  idle: 'Idle',
  idleUnknown: 'IdleUnknown',
  /** Tasks are pinned to workers that have gone, or ask for resources that no worker has. */
  noSuitableWorker: 'NoSuitableWorker',
  /** The way to the dashboard is made, and nobody serves it yet. */
  addressPending: 'AddressPending',
  routeNotAccepted: 'RouteNotAccepted',
  gatewayApiMissing: 'GatewayApiMissing',
  /** `spec.tls`, but the operator has no right to Secrets. */
  secretsForbidden: 'SecretsForbidden',
  certificateMissing: 'CertificateMissing',
  certificateUnfit: 'CertificateUnfit',
  /** The certificate was renewed, and the scheduler has read the one before. */
  certificateRunsOut: 'CertificateRunsOut',
} as const

/** What is told by Events as well. */
export const NOTABLES: readonly Notable[] = [
  {of: DEGRADED, status: 'True', type: 'Warning'},
  {of: SCHEDULER_READY, status: 'False', reasons: [REASON.schedulerLost, REASON.nodeLost], type: 'Warning'},
  {of: PROGRESSING, reasons: [REASON.schedulerUpdateWaits, REASON.certificateRunsOut, 'RollingOut'], type: 'Normal'},
  {of: TASKS_UNRUNNABLE, status: 'True', type: 'Warning'},
  {of: EXPOSED, status: 'False', reasons: [REASON.gatewayApiMissing, REASON.routeNotAccepted], type: 'Warning'},
  {of: SUSPENDED, status: 'True', type: 'Normal'},
]
