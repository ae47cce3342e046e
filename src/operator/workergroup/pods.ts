import type {Pod, PodSpec} from '../../api/core.ts'
import type {DaskCluster, DaskWorkerGroup} from '../../api/dask.ts'
import {inherit} from '../../api/inherit.ts'
import {
  ANNOTATION_FAILURES,
  ENV_SCHEDULER_ADDRESS,
  ENV_WORKER_NAME,
  LABEL_CLUSTER,
  LABEL_COMPONENT,
  LABEL_GROUP,
  LABEL_ISTIO_INJECT,
  workerName,
} from '../../api/names.ts'
import {partAnnotation} from '../../api/part-metadata.ts'
import {withEnv} from '../../api/pod-env.ts'
import {type Target, targetAnnotations} from '../../api/revision.ts'
import {schedulerAddress} from '../../api/scheduler-address.ts'
import {schemeOf, tlsSecretName, withTls} from '../../api/tls.ts'
import {withToldEnd} from '../../api/told-end.ts'
import {preStopCommand} from '../../dask/pre-stop.ts'

export interface WorkerPlace {
  /** 10 hex digits. */
  readonly id: string
  /** How many pods ended in this place before, one after another. */
  readonly failures?: number
  readonly target: Target
}

/** A worker's pod as it is first written; labels of the cluster reach the workers of every group (contract 2.2, 2.3). */
export function workerPod(group: DaskWorkerGroup, cluster: DaskCluster, {id, failures = 0, target}: WorkerPlace): Pod {
  const {namespace} = group.metadata
  const name = workerName(group.metadata.name, id)
  const {labels, annotations} = workerMetadata(group, cluster)
  const all = {
    ...annotations,
    ...targetAnnotations(target),
    ...partAnnotation(group.spec.worker.metadata),
    ...(failures > 0 && {[ANNOTATION_FAILURES]: String(failures)}),
  }
  const tls = tlsSecretName(cluster)
  const address = schedulerAddress(cluster.metadata.name, namespace ?? '', {spec: cluster.spec.scheduler.service}, schemeOf(tls))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(namespace !== undefined && {namespace}),
      labels,
      annotations: all,
    },
    spec: withToldEnd(
      withPreStop(
        withTls(
          withEnv(group.spec.worker.spec, [
            {name: ENV_WORKER_NAME, value: name},
            {name: ENV_SCHEDULER_ADDRESS, value: address},
          ]),
          tls,
        ),
      ),
    ),
  }
}

/** The labels and annotations that a worker's pod takes from its surroundings. */
export const workerMetadata = (group: DaskWorkerGroup, cluster: DaskCluster): ReturnType<typeof inherit> =>
  inherit(group.metadata, group.spec.worker.metadata, groupLabels(group), {[LABEL_ISTIO_INJECT]: 'false', ...cluster.metadata.labels})

/** What every worker pod of a group carries, and nothing else does: the scale subresource's selector. */
export const groupLabels = (group: DaskWorkerGroup): Readonly<Record<string, string>> => ({
  [LABEL_CLUSTER]: group.spec.cluster,
  [LABEL_GROUP]: group.metadata.name,
  [LABEL_COMPONENT]: 'worker',
})

/**
 * Lets a worker hand its results over before it is told to stop, whoever deletes its pod (contract 4.5).
 * Only in the first container, the one that runs Dask; a hook of the user's own stays alone.
 */
const withPreStop = (spec: PodSpec): PodSpec => ({
  ...spec,
  containers: spec.containers.map((container, index) =>
    index > 0 || container.lifecycle?.preStop
      ? container
      : {...container, lifecycle: {...container.lifecycle, preStop: {exec: {command: preStopCommand(spec)}}}},
  ),
})
