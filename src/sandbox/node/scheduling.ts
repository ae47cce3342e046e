/** Which pending pods fit on the node, and what kube-scheduler would say of the others. Pure. */
import type {Container, Pod, PodSpec} from '../../api/core.ts'
import {withoutManagedFields} from '../../kube/store.ts'
import {parseQuantity} from './quantity.ts'
import {isSidecar} from './sidecar.ts'

export interface Capacity {
  readonly cpu: number
  /** Bytes. */
  readonly memory: number
  readonly pods: number
  /** Further resources by name, say `nvidia.com/gpu`. */
  readonly [resource: string]: number
}

/**
 * What a pod asks for: its containers and sidecars together, or more where an init container needs more beside the sidecars before it.
 * Limits stand in for missing requests. Source: Kubernetes, "Sidecar Containers" (resource sharing within containers).
 */
export function requestsOf(pod: Pod): Requests {
  let sidecars: Requests = {}
  let most: Requests = {}
  for (const container of pod.spec.initContainers ?? []) {
    const asked = requestsOfOne(container)
    if (isSidecar(container)) sidecars = added(sidecars, asked)
    most = larger(most, isSidecar(container) ? sidecars : added(sidecars, asked))
  }
  return {pods: 1, ...larger(most, pod.spec.containers.map(requestsOfOne).reduce(added, sidecars))}
}

/** What pods that are bound ask for, in all. */
export const requestsOfAll = (pods: readonly Pod[]): Requests => pods.map(requestsOf).reduce(added, {})

export type Requests = Readonly<Record<string, number>>

const requestsOfOne = ({resources}: Container): Requests =>
  Object.fromEntries(
    Object.entries({...resources?.limits, ...resources?.requests}).map(([name, quantity]) => [name, parseQuantity(quantity) ?? 0]),
  )

const merged = (one: Requests, other: Requests, merge: (a: number, b: number) => number): Requests =>
  Object.fromEntries(
    [...new Set([...Object.keys(one), ...Object.keys(other)])].map((name) => [name, merge(one[name] ?? 0, other[name] ?? 0)]),
  )

export const added = (one: Requests, other: Requests): Requests => merged(one, other, (a, b) => a + b)
const larger = (one: Requests, other: Requests): Requests => merged(one, other, Math.max)

export interface NodeView {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly capacity: Capacity
  readonly isCordoned: boolean
}

/** What is read here, and by the services, of a pod that no node or another one has: there may be thousands that fit nowhere. */
export const outlineOf = (pod: Pod): Pod => {
  const {nodeName, nodeSelector, schedulerName, schedulingGates, initContainers, containers} = pod.spec as WaitingSpec
  const of = ({name, ports, resources, restartPolicy}: Container): Container => ({
    name,
    ...(ports && {ports}),
    ...(resources && {resources}),
    ...(restartPolicy !== undefined && {restartPolicy}),
  })
  const spec: WaitingSpec = {
    containers: containers.map(of),
    ...(initContainers && {initContainers: initContainers.map(of)}),
    ...(nodeName && {nodeName}),
    ...(nodeSelector && {nodeSelector}),
    ...(schedulerName !== undefined && {schedulerName}),
    ...(schedulingGates && {schedulingGates}),
  }
  return {...withoutManagedFields(pod), spec}
}

/** What else a scheduler reads of a pod. */
type WaitingSpec = PodSpec & {
  readonly nodeSelector?: Readonly<Record<string, string>>
  readonly schedulerName?: string
  readonly schedulingGates?: readonly object[]
}

export const isOver = ({status}: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'

/** Whether it waits for a node. Pods of another scheduler, and those that are held back by gates, are left alone. */
export const isToBeScheduled = ({metadata, spec}: Pod): boolean => {
  const {schedulerName = DEFAULT, schedulingGates = []} = spec as WaitingSpec
  return schedulerName === DEFAULT && schedulingGates.length === 0 && !spec.nodeName && metadata.deletionTimestamp === undefined
}
const DEFAULT = 'default-scheduler'

/** `undefined`: the pod fits beside what is `used` already. Else the scheduler's sentence. */
export function whyNot(pod: Pod, node: NodeView, used: Requests): string | undefined {
  const {nodeSelector} = pod.spec as WaitingSpec
  const isSelected = Object.entries(nodeSelector ?? {}).every(([key, value]) => node.labels[key] === value)
  if (!isSelected) return sentence("1 node(s) didn't match Pod's node affinity/selector")
  if (node.isCordoned) return sentence('1 node(s) were unschedulable')
  const short = Object.entries(requestsOf(pod))
    .filter(([name, amount]) => amount > 0 && (used[name] ?? 0) + amount > (node.capacity[name] ?? 0))
    .map(([name]) => (name === 'pods' ? '1 Too many pods' : `1 Insufficient ${name}`))
  return short.length > 0 ? sentence(short.toSorted().join(', ')) : undefined
}

const sentence = (why: string): string =>
  `0/1 nodes are available: ${why}. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.`
