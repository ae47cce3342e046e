import type {ContainerStatus, Pod} from '../api/core.ts'
import type {Problem} from './cluster-progress.ts'

/** What a person can do about a pod, in the words of whatever the pod belongs to. */
export interface Ways {
  readonly namespace: string | undefined
  /** To another image. */
  readonly image: string
  /** To other words for its program. */
  readonly command: string
  /** To fewer or smaller pods. */
  readonly less: string
  /** To what a container said before it was started anew. */
  readonly logs: string
  /** Where no pod is to blame. */
  readonly otherwise: string
}

/** The step that helps most with what keeps a pod from starting. */
export function remedy({reason, message, pod}: Problem, {namespace, image, command, less, logs, otherwise}: Ways): string {
  if (/executable file not found/.test(message))
    return `does its image have that program? New releases of Dask have "dask worker" and "dask scheduler" alone: ${command}`
  if (reason.includes('Image')) return `is the image's name right, and may the cluster pull it? ${image}`
  if (reason === 'Unschedulable') return `ask for less, or for a bigger Kubernetes: ${less}`
  if (reason === 'SchedulingGated') return `wait for its turn; in a queue of Kueue: kubectl get workloads -n ${namespace}`
  if (pod) return hasSpoken(pod) ? logs : `kubectl describe pod ${pod.metadata.name} -n ${namespace}`
  return otherwise
}

/** What the runtime says of a container that it could not begin: there is no log of it. */
const NOT_BEGUN = /^(StartError|ContainerCannotRun|RunContainerError|CreateContainer\w*)$/

/** Whether a container that does not run has run before. */
const hasSpoken = ({status}: Pod): boolean =>
  [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].some(hasEnded)

const hasEnded = ({state, lastState}: ContainerStatus): boolean =>
  [state?.terminated, lastState?.terminated].some((end) => end !== undefined && !NOT_BEGUN.test(end.reason ?? ''))
