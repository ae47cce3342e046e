import {NODES, type Node, type Pod} from '../../api/core.ts'
import type {KubeClient} from '../../kube/client.ts'
import {ifForbidden, ifMissing} from '../../kube/errors.ts'

/** Tells how the node of a pod that should have gone by now is lost; `undefined` while it is not, or may come back yet. */
export type FindLostNode = (pod: Pod, now: number, signal: AbortSignal) => Promise<string | undefined>

/** A pod that is still there this long after its whole grace period has no kubelet that would end it. */
const OVERDUE_MS = 10_000
/** What Kubernetes gives a pod that says nothing of its own (admission plugin DefaultTolerationSeconds). */
const TOLERATED_SECONDS = 300
const UNREACHABLE = ['node.kubernetes.io/unreachable', 'node.kubernetes.io/not-ready']
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service'

/**
 * A node is lost when it has gone, is marked out of service, or has not been ready for longer than the pod tolerates (design section 2).
 * The node is read only for a pod that is overdue, so that nothing is asked at rest.
 */
export const createFindLostNode =
  (client: KubeClient): FindLostNode =>
  async (pod, now, signal) => {
    const {nodeName} = pod.spec
    // The time by which it should have gone: the API server adds the grace period itself.
    const due = Date.parse(pod.metadata.deletionTimestamp ?? '')
    if (nodeName === undefined || Number.isNaN(due) || now < due + OVERDUE_MS) return undefined
    // Who serves some namespaces only may not read nodes: nothing is known then, and all else of the cluster goes on.
    return client
      .get(NODES, {name: nodeName}, {signal})
      .catch(ifMissing(undefined))
      .then((node) => lostBecause(node, pod, now))
      .catch(ifForbidden(undefined))
  }

export const lostBecause = (node: Node | undefined, pod: Pod, now: number): string | undefined => {
  if (!node) return `node ${pod.spec.nodeName} does not exist any more`
  const {name} = node.metadata
  if (node.spec?.taints?.some(({key}) => key === OUT_OF_SERVICE)) return `node ${name} is marked out of service`
  const ready = node.status?.conditions?.find(({type}) => type === 'Ready')
  if (!ready || ready.status === 'True') return undefined
  const since = Date.parse(ready.lastTransitionTime ?? '')
  return now - since > toleratedMs(pod) ? `node ${name} has not been ready since ${ready.lastTransitionTime}` : undefined
}

const toleratedMs = (pod: Pod): number => {
  const tolerations = pod.spec.tolerations ?? []
  const seconds = tolerations.flatMap(({key, tolerationSeconds}) =>
    key !== undefined && UNREACHABLE.includes(key) && tolerationSeconds !== undefined ? [tolerationSeconds] : [],
  )
  return 1000 * (seconds.length > 0 ? Math.max(...seconds) : TOLERATED_SECONDS)
}
