/** Who leaves first when a group shrinks (contract 4.5, steps 1 and 2). Pure: the operator and `scale --dry-run` share it. */
import type {SchedulerWorker} from './scheduler.ts'

export interface WorkerPodIdentity {
  readonly name: string
  readonly ip?: string
  /** The pod's `DASK_WORKER_NAME`: upstream's users may set their own. */
  readonly workerName: string
}

/**
 * The connected workers of a pod: by address where the pod has one, else by `name` or `name-N` (several processes in a pod).
 * A connected worker is never taken for an unconnected one.
 */
export const workersOf = (pod: WorkerPodIdentity, workers: readonly SchedulerWorker[]): readonly SchedulerWorker[] => {
  const here = pod.ip === undefined ? [] : workers.filter(({host}) => host === pod.ip)
  return here.length > 0 ? here : workers.filter(({name}) => isNamed(name, pod.workerName))
}

const isNamed = (name: string, workerName: string): boolean =>
  name === workerName || (name.startsWith(`${workerName}-`) && /^\d+$/.test(name.slice(workerName.length + 1)))

export interface VictimCandidate {
  readonly name: string
  readonly hasFailed: boolean
  /** Pending or unschedulable: it has not begun to run. */
  readonly isWaiting: boolean
  /** Addresses of its connected workers. */
  readonly addresses: readonly string[]
}

export interface Victim {
  readonly name: string
  readonly reason: string
}

/**
 * All candidates, the first to leave first: failed, not begun, without a connected worker, then as the scheduler prefers
 * (idle first, least data first); those that the scheduler does not name come last.
 */
export function orderVictims(candidates: readonly VictimCandidate[], schedulerOrder: readonly string[]): readonly Victim[] {
  const ranks = new Map(schedulerOrder.map((address, index) => [address, index]))
  const ranked = candidates.map((candidate) => ({candidate, ...rankOf(candidate, ranks)}))
  return ranked
    .toSorted((one, other) => one.rank - other.rank || one.candidate.name.localeCompare(other.candidate.name))
    .map(({candidate, reason}) => ({name: candidate.name, reason}))
}

const rankOf = ({hasFailed, isWaiting, addresses}: VictimCandidate, ranks: ReadonlyMap<string, number>): {rank: number; reason: string} => {
  if (addresses.length === 0) {
    if (hasFailed) return {rank: -3, reason: 'it has failed'}
    if (isWaiting) return {rank: -2, reason: 'it has not begun to run'}
    return {rank: -1, reason: 'it has no connected worker'}
  }
  // A pod is as dear as the dearest of its workers.
  const rank = Math.max(...addresses.map((address) => ranks.get(address) ?? Number.MAX_SAFE_INTEGER))
  return {rank, reason: rank === Number.MAX_SAFE_INTEGER ? 'its worker has long-running tasks' : 'its worker has the least to lose'}
}
