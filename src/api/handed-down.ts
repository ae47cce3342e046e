import type {DaskCluster, DaskWorkerGroup} from './dask.ts'
import {ANNOTATION_HANDED_DOWN, defaultGroupName} from './names.ts'

/** The number of workers that a cluster's default group is about to be given; undefined where it has it already, or another number of its own. */
export const replicasToBe = (group: DaskWorkerGroup, cluster: DaskCluster): number | undefined => {
  const told = group.metadata.annotations?.[ANNOTATION_HANDED_DOWN]
  const wanted = cluster.spec.worker.replicas ?? 1
  const isDefault = group.metadata.name === defaultGroupName(cluster.metadata.name)
  return isDefault && told !== undefined && told !== String(wanted) ? wanted : undefined
}
