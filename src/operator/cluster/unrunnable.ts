import {type Claim, findCondition} from '../../api/conditions.ts'
import type {DaskCluster} from '../../api/dask.ts'
import {REASON, TASKS_UNRUNNABLE} from './reasons.ts'

/** The condition of tasks that no worker can run, once a cluster has had some; while nobody knows, what was told last stands. */
export function unrunnableClaim({spec, status}: DaskCluster, unrunnable: number | undefined): Readonly<Record<string, Claim>> {
  const told = findCondition(status?.conditions, TASKS_UNRUNNABLE)
  // With the scheduler its tasks go.
  if (spec.suspend === true || (!told && !unrunnable)) return {}
  if (unrunnable === undefined && told)
    return {[TASKS_UNRUNNABLE]: {status: told.status === 'True', reason: told.reason, message: told.message}}
  if (!unrunnable) return {[TASKS_UNRUNNABLE]: {status: false, reason: REASON.asExpected, message: ''}}
  const message =
    `${unrunnable} ${unrunnable === 1 ? 'task waits' : 'tasks wait'} for a worker that is not there: pinned to one that has gone or has paused, or in ` +
    'need of resources that none has; cancel such tasks and submit them anew, or add such a worker'
  return {[TASKS_UNRUNNABLE]: {status: true, reason: REASON.noSuitableWorker, message}}
}
