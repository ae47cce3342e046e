import type {DaskCluster} from '../../api/dask.ts'
import {LABEL_CLUSTER, LABEL_COMPONENT, schedulerName, workersName} from '../../api/names.ts'
import type {LabelSelector, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort} from '../../api/networking.ts'
import {accessory} from './parts.ts'

const API_VERSION = 'networking.k8s.io/v1'

/** Well known to every Kubernetes: each namespace carries its own name. */
const NAMESPACE_NAME = 'kubernetes.io/metadata.name'

/**
 * Who reaches the scheduler: the cluster's own pods (its workers, a job's runner) on every port; the operator and those that the spec names on the
 * ports of its Service. Says nothing of what pods may reach, so that DNS and data stay reachable. A node always reaches its own pods: probes and
 * what goes through the API server (`port-forward`, `exec`, `logs`) need no rule.
 */
export function schedulerPolicy(cluster: DaskCluster, operatorNamespace: string | undefined): NetworkPolicy | undefined {
  const {networkPolicy} = cluster.spec
  if (!networkPolicy) return undefined
  const others = [...operator(operatorNamespace), ...(networkPolicy.from ?? []).map(keptPeer)]
  const ports = servicePorts(cluster)
  return policy(cluster, 'scheduler', schedulerName(cluster.metadata.name), [
    {from: [ownPods(cluster)]},
    // Neither may be empty: that would let in everybody, or to every port.
    ...(others.length > 0 && ports.length > 0 ? [{from: others, ports}] : []),
  ])
}

/** Workers, in all of the cluster's groups, are reached by each other, by the scheduler, and by the operator, which lets back in who was to leave. */
export function workersPolicy(cluster: DaskCluster, operatorNamespace: string | undefined): NetworkPolicy | undefined {
  if (!cluster.spec.networkPolicy) return undefined
  return policy(cluster, 'worker', workersName(cluster.metadata.name), [{from: [ownPods(cluster), ...operator(operatorNamespace)]}])
}

const policy = (cluster: DaskCluster, component: string, name: string, ingress: NetworkPolicy['spec']['ingress']): NetworkPolicy => ({
  apiVersion: API_VERSION,
  kind: 'NetworkPolicy',
  metadata: accessory(cluster, component, name),
  spec: {
    podSelector: {matchLabels: {[LABEL_CLUSTER]: cluster.metadata.name, [LABEL_COMPONENT]: component}},
    policyTypes: ['Ingress'],
    ingress,
  },
})

const ownPods = ({metadata: {name}}: DaskCluster): NetworkPolicyPeer => ({podSelector: {matchLabels: {[LABEL_CLUSTER]: name}}})

/** As the API server keeps it: what is empty in a selector is dropped, but not a selector, which then selects everything. */
const keptPeer = ({podSelector, namespaceSelector, ipBlock}: NetworkPolicyPeer): NetworkPolicyPeer => ({
  ...(podSelector && {podSelector: keptSelector(podSelector)}),
  ...(namespaceSelector && {namespaceSelector: keptSelector(namespaceSelector)}),
  ...(ipBlock && {ipBlock: {cidr: ipBlock.cidr, ...(ipBlock.except?.length && {except: ipBlock.except})}}),
})

const keptSelector = ({matchLabels = {}, matchExpressions = []}: LabelSelector): LabelSelector => ({
  ...(Object.keys(matchLabels).length > 0 && {matchLabels}),
  ...(matchExpressions.length > 0 && {
    matchExpressions: matchExpressions.map(({key, operator: is, values}) => ({key, operator: is, ...(values?.length && {values})})),
  }),
})

/** Outside of Kubernetes it comes by the API server, which needs no rule. */
const operator = (namespace: string | undefined): readonly NetworkPolicyPeer[] =>
  namespace === undefined ? [] : [{namespaceSelector: {matchLabels: {[NAMESPACE_NAME]: namespace}}}]

/** A policy is about the ports of pods, by number or name, as the Service leads to them. */
const servicePorts = ({spec: {scheduler}}: DaskCluster): readonly NetworkPolicyPort[] =>
  (scheduler.service.ports ?? []).map(({protocol = 'TCP', port, targetPort = port}) => ({protocol, port: targetPort}))
