import type {Pod} from './core.ts'
import type {DaskCluster} from './dask.ts'
import {LABEL_COMPONENT, schedulerName} from './names.ts'
import {isControlledBy} from './ownership.ts'

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
