import type {Pod} from './core.ts'
import type {DaskCluster} from './dask.ts'
import {LABEL_COMPONENT, schedulerName} from './names.ts'
import {controllerOf, isControlledBy} from './ownership.ts'

/** Where pods are found: a cache, or a list of them. */
interface Pods {
  get(ref: {readonly name: string; readonly namespace?: string}): Pod | undefined
  ownedBy(uid: string): readonly Pod[]
}

/** The cluster's own scheduler: under its name or, where it was taken over from the Python operator, under the one that it had there. */
export function ownScheduler({apiVersion, kind, metadata}: DaskCluster, pods: Pods): Pod | undefined {
  const {name, namespace, uid = ''} = metadata
  const named = pods.get({name: schedulerName(name), ...(namespace !== undefined && {namespace})})
  if (named && isControlledBy(named, {apiVersion, kind, metadata})) return named
  return pods.ownedBy(uid).find((pod) => pod.metadata.labels?.[LABEL_COMPONENT] === 'scheduler')
}

/** What a Deployment's ReplicaSet puts on its pods. */
const LABEL_TEMPLATE = 'pod-template-hash'

/** The Python operator keeps each of its pods by a Deployment; one whose Deployment has been taken away waits to be taken over. */
export const isOfPythonOperator = (pod: Pod): boolean => {
  const controller = controllerOf(pod)
  return pod.metadata.labels?.[LABEL_TEMPLATE] !== undefined && (controller === undefined || controller.kind === 'ReplicaSet')
}
