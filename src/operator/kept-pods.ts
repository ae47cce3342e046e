import type {Container, Pod, PodSpec} from '../api/core.ts'
import {ENV_WORKER_NAME} from '../api/names.ts'
import {TLS_VOLUME} from '../api/tls.ts'
import {withoutManagedFields} from '../kube/store.ts'

const OF_SPEC = ['activeDeadlineSeconds', 'hostNetwork', 'nodeName', 'restartPolicy', 'tolerations'] as const
const OF_CONTAINER = ['image', 'ports'] as const

/**
 * What the operator reads of a pod, and no more: there may be ten thousands of them, and programs, hooks, volumes and probes are most of each.
 * Metadata and status are whole. A pod is never written back from here: changes are patches.
 */
export const keptOfPod = (pod: Pod): Pod => {
  const {apiVersion, kind, metadata, spec, status} = withoutManagedFields(pod)
  const certificate = spec.volumes?.find(({name}) => name === TLS_VOLUME)
  return {
    ...{apiVersion, kind, metadata},
    spec: {
      ...(only(spec, OF_SPEC) as Partial<PodSpec>),
      ...(certificate && {volumes: [certificate]}),
      containers: spec.containers.map(keptOfContainer),
    },
    ...(status && {status}),
  }
}

const keptOfContainer = (container: Container): Container => {
  const name = container.env?.find((each) => each.name === ENV_WORKER_NAME)
  return {name: container.name, ...only(container, OF_CONTAINER), ...(name && {env: [name]})}
}

const only = (object: Readonly<Record<string, unknown>>, fields: readonly string[]): Record<string, unknown> => {
  const kept: Record<string, unknown> = {}
  for (const field of fields) if (object[field] !== undefined) kept[field] = object[field]
  return kept
}
