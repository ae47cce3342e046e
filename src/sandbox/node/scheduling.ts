/** Which pending pods fit on the node, and what kube-scheduler would say of the others. Pure. */
import type {Container, Pod} from '../../api/core.ts'
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
export function requestsOf(pod: Pod): Readonly<Record<string, number>> {
  let sidecars: Requests = {}
  let most: Requests = {}
  for (const container of pod.spec.initContainers ?? []) {
    const asked = requestsOfOne(container)
    if (isSidecar(container)) sidecars = added(sidecars, asked)
    most = larger(most, isSidecar(container) ? sidecars : added(sidecars, asked))
  }
  return {pods: 1, ...larger(most, pod.spec.containers.map(requestsOfOne).reduce(added, sidecars))}
}

type Requests = Readonly<Record<string, number>>

const requestsOfOne = ({resources}: Container): Requests =>
  Object.fromEntries(
    Object.entries({...resources?.limits, ...resources?.requests}).map(([name, quantity]) => [name, parseQuantity(quantity) ?? 0]),
  )

const merged = (one: Requests, other: Requests, merge: (a: number, b: number) => number): Requests =>
  Object.fromEntries(
    [...new Set([...Object.keys(one), ...Object.keys(other)])].map((name) => [name, merge(one[name] ?? 0, other[name] ?? 0)]),
  )

const added = (one: Requests, other: Requests): Requests => merged(one, other, (a, b) => a + b)
const larger = (one: Requests, other: Requests): Requests => merged(one, other, Math.max)

export interface NodeView {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly capacity: Capacity
  readonly isCordoned: boolean
}

/** Pods of another scheduler, and those that are held back by gates, are left alone. */
export const isToBeScheduled = ({spec}: Pod): boolean => {
  const {schedulerName = DEFAULT, schedulingGates = []} = spec as {
    readonly schedulerName?: string
    readonly schedulingGates?: readonly object[]
  }
  return schedulerName === DEFAULT && schedulingGates.length === 0
}
const DEFAULT = 'default-scheduler'

/** `undefined`: the pod fits beside those that are bound already. Else the scheduler's sentence. */
export function whyNot(pod: Pod, node: NodeView, bound: readonly Pod[]): string | undefined {
  const {nodeSelector} = pod.spec as {readonly nodeSelector?: Readonly<Record<string, string>>}
  const isSelected = Object.entries(nodeSelector ?? {}).every(([key, value]) => node.labels[key] === value)
  if (!isSelected) return sentence("1 node(s) didn't match Pod's node affinity/selector")
  if (node.isCordoned) return sentence('1 node(s) were unschedulable')
  const used: Record<string, number> = {}
  for (const each of bound) for (const [name, amount] of Object.entries(requestsOf(each))) used[name] = (used[name] ?? 0) + amount
  const short = Object.entries(requestsOf(pod))
    .filter(([name, amount]) => amount > 0 && (used[name] ?? 0) + amount > (node.capacity[name] ?? 0))
    .map(([name]) => (name === 'pods' ? '1 Too many pods' : `1 Insufficient ${name}`))
  return short.length > 0 ? sentence(short.toSorted().join(', ')) : undefined
}

const sentence = (why: string): string =>
  `0/1 nodes are available: ${why}. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.`
