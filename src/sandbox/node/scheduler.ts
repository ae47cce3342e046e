/** The scheduler of one node: binds the pods that fit, and tells the others why they do not. */
import {type Node, PODS, type Pod} from '../../api/core.ts'
import type {KubeClient} from '../../kube/client.ts'
import {isNotFound} from '../../kube/errors.ts'
import {objectPath} from '../../kube/paths.ts'
import {added, type Capacity, isOver, isToBeScheduled, requestsOf, requestsOfAll, whyNot} from './scheduling.ts'

export interface SchedulerOptions {
  readonly client: KubeClient
  /** The node's. */
  readonly name: string
  readonly capacity: Capacity
  readonly signal: AbortSignal
  /** The newest state of the node, `undefined` while there is none, and of all pods. */
  readonly observe: () => Promise<{readonly node: Node | undefined; readonly pods: readonly Pod[]}>
  readonly onError: (error: unknown) => void
}

export interface Scheduler {
  /** Called with every change of a pod. */
  see(before: Pod | undefined, after: Pod | undefined): void
  /** Looks at the waiting pods once more; calls while it does so are one. */
  request(): void
}

export function createScheduler({client, name, capacity, signal, observe, onError}: SchedulerOptions): Scheduler {
  /** Pods without a node, by UID: thousands of others cost nothing. */
  const waiting = new Map<string, Pod>()
  /** Those of them whose binding is on its way. */
  const assumed = new Map<string, Pod>()

  const schedule = async (): Promise<void> => {
    const {node, pods} = await observe()
    if (!node) return
    const view = {name, labels: node.metadata.labels ?? {}, capacity, isCordoned: node.spec?.unschedulable === true}
    const bound = pods.filter((pod) => pod.spec.nodeName === name && !isOver(pod))
    let used = requestsOfAll([...bound, ...assumed.values()])
    const writes: Promise<unknown>[] = []
    for (const [uid, pod] of waiting) {
      if (assumed.has(uid)) continue
      const why = whyNot(pod, view, used)
      if (why === undefined) {
        used = added(used, requestsOf(pod))
        assumed.set(uid, pod)
        const failed = (error: unknown): void => {
          assumed.delete(uid)
          onError(error)
        }
        writes.push(bind(client, pod, name).catch(failed))
      } else if (pod.status?.conditions?.find(({type}) => type === 'PodScheduled')?.message !== why)
        writes.push(tellUnschedulable(client, pod, why))
    }
    await Promise.all(writes)
  }

  let isScheduling = false
  let again = false
  const request = (): void => {
    again = true
    if (isScheduling || waiting.size === 0) return
    isScheduling = true
    again = false
    void schedule()
      .catch(onError)
      .finally(() => {
        isScheduling = false
        if (again && !signal.aborted) request()
      })
  }
  return {
    request,
    see: (before, after) => {
      const uid = (after ?? before)?.metadata.uid ?? ''
      if (after && isToBeScheduled(after)) waiting.set(uid, after)
      else if (waiting.delete(uid)) assumed.delete(uid)
      // Also where one has gone or ended, which makes room.
      if (waiting.has(uid) || !after || isOver(after)) request()
    },
  }
}

const bind = async (client: KubeClient, pod: Pod, node: string): Promise<void> => {
  const {name, namespace, uid} = pod.metadata
  const body = {apiVersion: 'v1', kind: 'Binding', metadata: {name, namespace, uid}, target: {apiVersion: 'v1', kind: 'Node', name: node}}
  const response = await client.raw({
    method: 'POST',
    path: objectPath(PODS, pod.metadata, 'binding'),
    headers: {'content-type': 'application/json'},
    body: JSON.stringify(body),
  })
  const text = await response.body.text()
  // Gone, or bound by somebody else.
  if (response.status >= 400 && response.status !== 404 && response.status !== 409) throw new Error(`pod ${namespace}/${name}: ${text}`)
}

const tellUnschedulable = async (client: KubeClient, pod: Pod, message: string): Promise<void> => {
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const condition = {type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, lastTransitionTime: now}
  const others = (pod.status?.conditions ?? []).filter(({type}) => type !== 'PodScheduled')
  try {
    await client.patch(PODS, pod.metadata, {status: {conditions: [...others, condition]}}, {type: 'merge', subresource: 'status'})
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
