import type {LabelSelector, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort} from '../../../../src/api/networking.ts'

/**
 * What a network that enforces NetworkPolicies lets through, by the words of networking.k8s.io/v1. A pod that no policy of the direction selects
 * is open; else one rule of one of them must allow the connection. A node reaches its own pods always.
 */

export interface Place {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}

export interface Target extends Place {
  /** Names of its containers' ports. */
  readonly ports: Readonly<Record<string, number>>
}

/** A pod, the node that the target is on, or an address outside of Kubernetes. */
export type Source = {readonly pod: Place} | {readonly node: true} | {readonly address: string}

export interface Network {
  readonly policies: readonly NetworkPolicy[]
  /** Labels of namespaces beside the one with their name. */
  readonly namespaces?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export function isAllowed({policies, namespaces = {}}: Network, source: Source, target: Target, port: number): boolean {
  if ('node' in source) return true
  const about = policies.filter(
    ({metadata, spec}) =>
      metadata.namespace === target.namespace && spec.policyTypes.includes('Ingress') && selects(spec.podSelector, target.labels),
  )
  if (about.length === 0) return true
  const labelsOf = (namespace: string) => ({'kubernetes.io/metadata.name': namespace, ...namespaces[namespace]})
  const comesFrom = (peer: NetworkPolicyPeer): boolean => {
    if ('address' in source) return peer.ipBlock !== undefined && isWithin(source.address, peer.ipBlock)
    if (peer.ipBlock) return false
    const {pod} = source
    const isInNamespace = peer.namespaceSelector
      ? selects(peer.namespaceSelector, labelsOf(pod.namespace))
      : pod.namespace === target.namespace
    return isInNamespace && selects(peer.podSelector ?? {}, pod.labels)
  }
  return about.some(({spec}) =>
    spec.ingress.some(
      ({from = [], ports = []}) =>
        (from.length === 0 || from.some(comesFrom)) && (ports.length === 0 || ports.some((each) => isPort(each, target, port))),
    ),
  )
}

/** An empty selector selects everything. */
const selects = ({matchLabels = {}, matchExpressions = []}: LabelSelector, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({key, operator, values = []}) => {
    const label = labels[key]
    if (operator === 'Exists') return label !== undefined
    if (operator === 'DoesNotExist') return label === undefined
    return (operator === 'In') === (label !== undefined && values.includes(label))
  })

const isPort = ({protocol = 'TCP', port, endPort}: NetworkPolicyPort, target: Target, asked: number): boolean => {
  if (protocol !== 'TCP') return false
  if (port === undefined) return true
  const first = typeof port === 'number' ? port : target.ports[port]
  return first !== undefined && asked >= first && asked <= (endPort ?? first)
}

const isWithin = (address: string, {cidr, except = []}: NonNullable<NetworkPolicyPeer['ipBlock']>): boolean => {
  const covers = (block: string): boolean => {
    const [network = '', bits = '32'] = block.split('/')
    const shift = 2 ** (32 - Number(bits))
    return Math.floor(numberOf(address) / shift) === Math.floor(numberOf(network) / shift)
  }
  return covers(cidr) && !except.some(covers)
}

const numberOf = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
