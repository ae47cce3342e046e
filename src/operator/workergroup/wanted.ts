import type {DaskCluster, DaskWorkerGroup} from '../../api/dask.ts'

/** How many workers a group is to have now: none while its cluster is suspended. */
export const wantedOf = (group: DaskWorkerGroup, cluster: DaskCluster | undefined): number =>
  cluster?.spec.suspend === true ? 0 : (group.spec.worker.replicas ?? 1)

/** How workers may leave. */
export interface LeavePolicy {
  readonly timeoutMs: number
  /** What becomes of a worker that is let back in because it is not done in time. */
  readonly afterTimeout: 'keep' | 'delete'
  /** What becomes of one that the scheduler will not let go: where the scheduler itself goes next, its results go in any case. */
  readonly afterRefusal: 'keep' | 'delete'
}

const TIMEOUT_SECONDS = 3600

export const policyOf = (group: DaskWorkerGroup, cluster: DaskCluster): LeavePolicy => {
  const {timeoutSeconds = TIMEOUT_SECONDS, onTimeout = 'Keep'} = group.spec.worker.retirement ?? {}
  const isSuspended = cluster.spec.suspend === true
  return {
    timeoutMs: timeoutSeconds * 1000,
    afterTimeout: isSuspended || onTimeout === 'Delete' ? 'delete' : 'keep',
    afterRefusal: isSuspended ? 'delete' : 'keep',
  }
}
