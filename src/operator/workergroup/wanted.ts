import type {DaskCluster, DaskWorkerGroup} from '../../api/dask.ts'
import {replicasToBe} from '../../api/handed-down.ts'
import type {LeavePolicy} from '../../api/leave-policy.ts'

/**
 * How many workers a group is to have now: none while its cluster is suspended, and none beyond a lower number that its cluster is about to hand down.
 * An operator that begins finds both numbers at once; workers made for the old one would only have to leave again.
 */
export const wantedOf = (group: DaskWorkerGroup, cluster: DaskCluster | undefined): number => {
  if (cluster?.spec.suspend === true) return 0
  const own = group.spec.worker.replicas ?? 1
  return Math.min(own, (cluster && replicasToBe(group, cluster)) ?? own)
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
