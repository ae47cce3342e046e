import type {Pod} from './core.ts'
import {ANNOTATION_RETIRING, ENV_WORKER_NAME, LABEL_COMPONENT} from './names.ts'
import {isPodReady} from './pod-state.ts'

/** A worker that is ready and is not to leave. */
export const isReadyWorker = (pod: Pod): boolean =>
  isPodReady(pod) && pod.metadata.labels?.[LABEL_COMPONENT] === 'worker' && pod.metadata.annotations?.[ANNOTATION_RETIRING] === undefined

/** The name under which the pod's worker is known to the scheduler: the user's own `DASK_WORKER_NAME` wins. */
export const knownAs = (pod: Pod): string =>
  pod.spec.containers.flatMap(({env}) => env ?? []).find(({name}) => name === ENV_WORKER_NAME)?.value ?? pod.metadata.name

/** How a worker pod's workers are found among those that the scheduler knows. */
export const workerIdentity = (pod: Pod): {readonly name: string; readonly ip?: string; readonly workerName: string} => {
  // Pods in their node's own network share its address: those are known by name alone.
  const ip = pod.spec.hostNetwork === true ? undefined : pod.status?.podIP
  return {name: pod.metadata.name, workerName: knownAs(pod), ...(ip !== undefined && {ip})}
}
