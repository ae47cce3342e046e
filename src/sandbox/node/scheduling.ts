/** Which pending pods fit on the node, and what kube-scheduler would say of the others. Pure. */
import type {Pod} from '../../api/core.ts'
import {parseQuantity} from './quantity.ts'

export interface Capacity {
  readonly cpu: number
  /** Bytes. */
  readonly memory: number
  readonly pods: number
  /** Further resources by name, say `nvidia.com/gpu`. */
  readonly [resource: string]: number
}

/** What a pod asks for: the sum of its containers' requests, where limits stand in for missing requests. */
export function requestsOf(pod: Pod): Readonly<Record<string, number>> {
  const sum: Record<string, number> = {pods: 1}
  for (const {resources} of pod.spec.containers)
    for (const [name, quantity] of Object.entries({...resources?.limits, ...resources?.requests}))
      sum[name] = (sum[name] ?? 0) + (parseQuantity(quantity) ?? 0)
  return sum
}

export interface NodeView {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly capacity: Capacity
  readonly isCordoned: boolean
}

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
