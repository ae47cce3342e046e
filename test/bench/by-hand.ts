/** The same pods without an operator: what its work is held against. */
import {NAMESPACES, PODS, type Pod} from '../../src/api/core.ts'
import {API_VERSION, DASK_WORKER_GROUPS} from '../../src/api/dask.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {createLimit, mapLimited} from '../../src/operator/engine/limit.ts'
import {cluster} from './cluster.ts'

/**
 * A namespace and bodies for it. One group, which no operator serves, owns them all: the server checks an owner as it does for the
 * operator's pods, and the garbage collector does not take them for orphans.
 */
export async function prepareByHand(client: KubeClient, namespace: string, pods: readonly Pod[]): Promise<readonly Pod[]> {
  await client.create(NAMESPACES, {apiVersion: 'v1', kind: 'Namespace', metadata: {name: namespace}})
  const {metadata: owner} = await client.create(DASK_WORKER_GROUPS, {
    apiVersion: API_VERSION,
    kind: DASK_WORKER_GROUPS.kind,
    metadata: {name: 'by-hand', namespace},
    spec: {cluster: 'none', worker: cluster(namespace, 'none', 0).spec.worker},
  })
  return pods.map((pod) => ({
    ...pod,
    metadata: {
      ...pod.metadata,
      namespace,
      ownerReferences: (pod.metadata.ownerReferences ?? []).map((each) => ({...each, name: owner.name, uid: owner.uid ?? ''})),
    },
  }))
}

/** Milliseconds until the last answer. */
export async function createByHand(client: KubeClient, bodies: readonly Pod[], inFlight: number): Promise<number> {
  const began = performance.now()
  await mapLimited(createLimit(inFlight), '', bodies, async (pod) => void (await client.create(PODS, pod)))
  return performance.now() - began
}

export const deleteByHand = (client: KubeClient, bodies: readonly Pod[], inFlight: number): Promise<void> =>
  mapLimited(createLimit(inFlight), '', bodies, ({metadata}) => client.delete(PODS, metadata, {propagationPolicy: 'Background'}))
