import type {DaskCluster} from '../../api/dask.ts'
import {LABEL_CLUSTER, LABEL_COMPONENT, schedulerName} from '../../api/names.ts'
import type {PodDisruptionBudget} from '../../api/networking.ts'
import {accessory} from './parts.ts'

/** Keeps the drain of a node from evicting a scheduler that works; one that does not work is in nobody's way. */
export function schedulerBudget(cluster: DaskCluster): PodDisruptionBudget | undefined {
  const {podDisruptionBudget} = cluster.spec.scheduler
  if (!podDisruptionBudget) return undefined
  const {name} = cluster.metadata
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: accessory(cluster, 'scheduler', schedulerName(name)),
    spec: {
      minAvailable: podDisruptionBudget.minAvailable ?? 1,
      selector: {matchLabels: {[LABEL_CLUSTER]: name, [LABEL_COMPONENT]: 'scheduler'}},
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  }
}
