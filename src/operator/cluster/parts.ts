import type {Pod, Service} from '../../api/core.ts'
import {API_VERSION, type DaskCluster, type DaskWorkerGroup} from '../../api/dask.ts'
import {inherit} from '../../api/inherit.ts'
import {
  ANNOTATION_FAILURES,
  ANNOTATION_HANDED_DOWN,
  defaultGroupName,
  LABEL_CLUSTER,
  LABEL_COMPONENT,
  LABEL_ISTIO_INJECT,
  schedulerName,
} from '../../api/names.ts'

/** The objects that a DaskCluster consists of, as they are first written (contract 2.2, 2.3). */

const reserved = (cluster: DaskCluster, component: string): Readonly<Record<string, string>> => ({
  [LABEL_CLUSTER]: cluster.metadata.name,
  [LABEL_COMPONENT]: component,
})

const place = (cluster: DaskCluster, name: string): {readonly name: string; readonly namespace?: string} => ({
  name,
  ...(cluster.metadata.namespace !== undefined && {namespace: cluster.metadata.namespace}),
})

/** `failures`: how many scheduler pods before this one ended, one after another. */
export function schedulerPod(cluster: DaskCluster, failures = 0): Pod {
  const {metadata, spec} = cluster.spec.scheduler
  const {labels, annotations} = inherit(cluster.metadata, metadata, reserved(cluster, 'scheduler'), {[LABEL_ISTIO_INJECT]: 'false'})
  const all = {...annotations, ...(failures > 0 && {[ANNOTATION_FAILURES]: String(failures)})}
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...place(cluster, schedulerName(cluster.metadata.name)),
      labels,
      ...(Object.keys(all).length > 0 && {annotations: all}),
    },
    spec,
  }
}

export function schedulerService(cluster: DaskCluster): Service {
  const {metadata, service} = cluster.spec.scheduler
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      ...place(cluster, schedulerName(cluster.metadata.name)),
      ...inherit(cluster.metadata, metadata, reserved(cluster, 'scheduler')),
    },
    spec: service,
  }
}

export const wantedOf = (cluster: DaskCluster): number => cluster.spec.worker.replicas ?? 1

/** The default group carries the number that it was given, so that only a change of the cluster's number is handed down. */
export function defaultGroup(cluster: DaskCluster): DaskWorkerGroup {
  const {name} = cluster.metadata
  const {labels, annotations} = inherit(cluster.metadata, cluster.spec.worker.metadata, reserved(cluster, 'workergroup'))
  const replicas = wantedOf(cluster)
  return {
    apiVersion: API_VERSION,
    kind: 'DaskWorkerGroup',
    metadata: {
      ...place(cluster, defaultGroupName(name)),
      labels,
      annotations: {...annotations, [ANNOTATION_HANDED_DOWN]: String(replicas)},
    },
    spec: {cluster: name, worker: {...cluster.spec.worker, replicas}},
  }
}
