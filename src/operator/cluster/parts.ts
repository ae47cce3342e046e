import type {Pod, Service} from '../../api/core.ts'
import {API_VERSION, type DaskCluster, type DaskWorkerGroup, type PartMetadata} from '../../api/dask.ts'
import {handedDown, wantedOf} from '../../api/handed-down.ts'
import {firstHistory} from '../../api/history.ts'
import {inherit} from '../../api/inherit.ts'
import {
  ANNOTATION_APPLIED_SPEC,
  ANNOTATION_FAILURES,
  ANNOTATION_TLS_SECRET,
  defaultGroupName,
  LABEL_CLUSTER,
  LABEL_COMPONENT,
  LABEL_ISTIO_INJECT,
  schedulerName,
} from '../../api/names.ts'
import type {ObjectMeta} from '../../api/object.ts'
import {partAnnotation} from '../../api/part-metadata.ts'
import {schedulerTarget, targetAnnotations} from '../../api/revision.ts'
import {tlsSecretName, withTls} from '../../api/tls.ts'
import {withToldEnd} from '../../api/told-end.ts'

/** The objects that a DaskCluster consists of, as they are first written (contract 2.2, 2.3). */

const reserved = (cluster: DaskCluster, component: string): Readonly<Record<string, string>> => ({
  [LABEL_CLUSTER]: cluster.metadata.name,
  [LABEL_COMPONENT]: component,
})

const place = (cluster: DaskCluster, name: string): {readonly name: string; readonly namespace?: string} => ({
  name,
  ...(cluster.metadata.namespace !== undefined && {namespace: cluster.metadata.namespace}),
})

/** The metadata of a policy, route or budget: labels as its pods have them, but no annotations of the cluster, which would steer other controllers. */
export const accessory = (cluster: DaskCluster, component: string, name: string, part: PartMetadata = {}): ObjectMeta => ({
  ...place(cluster, name),
  labels: {...cluster.metadata.labels, ...part.labels, ...reserved(cluster, component)},
  ...(part.annotations && {annotations: part.annotations}),
})

/** `failures`: how many scheduler pods before this one ended, one after another. */
export function schedulerPod(cluster: DaskCluster, failures = 0): Pod {
  const {metadata, spec} = cluster.spec.scheduler
  const {labels, annotations} = schedulerMetadata(cluster)
  const tlsSecret = tlsSecretName(cluster)
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...place(cluster, schedulerName(cluster.metadata.name)),
      labels,
      annotations: {
        ...annotations,
        ...targetAnnotations(schedulerTarget(cluster)),
        ...partAnnotation(metadata),
        ...(tlsSecret !== undefined && {[ANNOTATION_TLS_SECRET]: tlsSecret}),
        ...(failures > 0 && {[ANNOTATION_FAILURES]: String(failures)}),
      },
    },
    spec: withToldEnd(withTls(spec, tlsSecret)),
  }
}

export const schedulerMetadata = (cluster: DaskCluster): ReturnType<typeof inherit> =>
  inherit(cluster.metadata, cluster.spec.scheduler.metadata, reserved(cluster, 'scheduler'), {[LABEL_ISTIO_INJECT]: 'false'})

export function schedulerService(cluster: DaskCluster): Service {
  const {metadata, service} = cluster.spec.scheduler
  const {labels, annotations} = serviceMetadata(cluster)
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      ...place(cluster, schedulerName(cluster.metadata.name)),
      labels,
      annotations: {...annotations, ...partAnnotation(metadata), [ANNOTATION_APPLIED_SPEC]: JSON.stringify(service)},
    },
    spec: service,
  }
}

export const serviceMetadata = (cluster: DaskCluster): ReturnType<typeof inherit> =>
  inherit(cluster.metadata, cluster.spec.scheduler.metadata, reserved(cluster, 'scheduler'))

/** The default group carries the number that it was given, so that only a change of the cluster's number is handed down. */
export function defaultGroup(cluster: DaskCluster): DaskWorkerGroup {
  const {name} = cluster.metadata
  const {labels, annotations} = inherit(cluster.metadata, cluster.spec.worker.metadata, reserved(cluster, 'workergroup'))
  return {
    apiVersion: API_VERSION,
    kind: 'DaskWorkerGroup',
    metadata: {
      ...place(cluster, defaultGroupName(name)),
      labels,
      annotations: {
        ...annotations,
        ...handedDown(cluster),
        ...firstHistory(cluster),
      },
    },
    spec: {cluster: name, worker: {...cluster.spec.worker, replicas: wantedOf(cluster)}},
  }
}
