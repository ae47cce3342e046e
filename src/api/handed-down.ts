import type {DaskCluster, DaskWorkerGroup} from './dask.ts'
import {ANNOTATION_HANDED_DOWN, ANNOTATION_HANDED_DOWN_FROM, ANNOTATION_HANDED_DOWN_WORKER, defaultGroupName} from './names.ts'
import {revisionOf} from './revision.ts'

/** What a cluster's default group follows: a number of workers, and all else that its worker part says. */

export const wantedOf = ({spec: {worker}}: DaskCluster): number => worker.replicas ?? 1

/** All of a worker part but the number, which has a way of its own. */
export const workerPartOf = ({spec: {worker}}: DaskCluster | DaskWorkerGroup): Readonly<Record<string, unknown>> => {
  const {replicas: _, ...part} = worker
  return part
}

/** The annotations of a group that has been told all of this. */
export const handedDown = (cluster: DaskCluster): Readonly<Record<string, string>> => ({
  [ANNOTATION_HANDED_DOWN]: String(wantedOf(cluster)),
  [ANNOTATION_HANDED_DOWN_WORKER]: revisionOf(workerPartOf(cluster)),
  [ANNOTATION_HANDED_DOWN_FROM]: `${cluster.metadata.uid}/${cluster.metadata.generation}`,
})

/** The cluster is seen as it was before it handed down what the group has: after a change of leaders one watch may be further than the other. */
export const isBehind = (cluster: DaskCluster, group: DaskWorkerGroup): boolean => {
  const {uid, generation} = cluster.metadata
  const [from, at] = group.metadata.annotations?.[ANNOTATION_HANDED_DOWN_FROM]?.split('/') ?? []
  return from === uid && generation !== undefined && generation < Number(at)
}

/** The number of workers that a cluster's default group is about to be given; undefined where it has it already, or another number of its own. */
export const replicasToBe = (group: DaskWorkerGroup, cluster: DaskCluster): number | undefined => {
  const told = group.metadata.annotations?.[ANNOTATION_HANDED_DOWN]
  const wanted = wantedOf(cluster)
  return isFollower(group, cluster) && told !== undefined && told !== String(wanted) ? wanted : undefined
}

/** Whether a cluster's default group is about to be given another worker part: a pod of the one that it has would be replaced at once. */
export const isPartToBe = (group: DaskWorkerGroup, cluster: DaskCluster): boolean => {
  const told = group.metadata.annotations?.[ANNOTATION_HANDED_DOWN_WORKER]
  return isFollower(group, cluster) && told !== undefined && told !== revisionOf(workerPartOf(cluster))
}

const isFollower = (group: DaskWorkerGroup, cluster: DaskCluster): boolean =>
  group.metadata.name === defaultGroupName(cluster.metadata.name) && !isBehind(cluster, group)
