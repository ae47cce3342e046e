import type {Condition, Kind, KubeObject} from './object.ts'

/** The parts of networking.k8s.io/v1, policy/v1 and gateway.networking.k8s.io/v1 that the operator writes. */

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {readonly key: string; readonly operator: string; readonly values?: readonly string[]}[]
}

/** Who may connect: pods by their labels, in this namespace or in those of the selector, or addresses. */
export interface NetworkPolicyPeer {
  readonly podSelector?: LabelSelector
  readonly namespaceSelector?: LabelSelector
  readonly ipBlock?: {readonly cidr: string; readonly except?: readonly string[]}
}

export interface NetworkPolicyPort {
  readonly protocol?: string
  readonly port?: number | string
  readonly endPort?: number
}

export interface NetworkPolicyRule {
  /** Absent or empty: everybody. */
  readonly from?: readonly NetworkPolicyPeer[]
  /** Absent or empty: every port. */
  readonly ports?: readonly NetworkPolicyPort[]
}

export interface NetworkPolicy extends KubeObject {
  readonly spec: {
    readonly podSelector: LabelSelector
    readonly policyTypes: readonly ('Ingress' | 'Egress')[]
    readonly ingress: readonly NetworkPolicyRule[]
  }
}

export interface IngressTls {
  readonly hosts?: readonly string[]
  readonly secretName?: string
}

export interface Ingress extends KubeObject {
  readonly spec: {
    readonly ingressClassName?: string
    readonly rules: readonly object[]
    readonly tls?: readonly IngressTls[]
  }
  readonly status?: {readonly loadBalancer?: {readonly ingress?: readonly {readonly ip?: string; readonly hostname?: string}[]}}
}

/** What a route hangs on: a Gateway, as a rule. */
export interface ParentReference {
  readonly group?: string
  readonly kind?: string
  readonly namespace?: string
  readonly name: string
  readonly sectionName?: string
  readonly port?: number
}

export interface HttpRoute extends KubeObject {
  readonly spec: {
    readonly parentRefs: readonly ParentReference[]
    readonly hostnames?: readonly string[]
    readonly rules: readonly object[]
  }
  readonly status?: {readonly parents?: readonly {readonly parentRef: ParentReference; readonly conditions?: readonly Condition[]}[]}
}

export interface PodDisruptionBudget extends KubeObject {
  readonly spec: {readonly minAvailable: number; readonly selector: LabelSelector; readonly unhealthyPodEvictionPolicy: string}
}

const served = <T extends KubeObject>(apiVersion: string, kind: string, plural: string): Kind<T> => ({
  apiVersion,
  kind,
  plural,
  namespaced: true,
})

export const NETWORK_POLICIES = served<NetworkPolicy>('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies')
export const INGRESSES = served<Ingress>('networking.k8s.io/v1', 'Ingress', 'ingresses')
export const HTTP_ROUTES = served<HttpRoute>('gateway.networking.k8s.io/v1', 'HTTPRoute', 'httproutes')
export const POD_DISRUPTION_BUDGETS = served<PodDisruptionBudget>('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets')
