import {CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, SERVICES} from '../../api/core.ts'
import type {Kind, KubeObject} from '../../api/object.ts'

const kind = (apiVersion: string, name: string, namespaced = true): Kind => ({
  apiVersion,
  kind: name,
  plural: `${name.toLowerCase()}s`,
  namespaced,
})

const RBAC = 'rbac.authorization.k8s.io/v1'

export const SERVICE_ACCOUNTS = kind('v1', 'ServiceAccount')
export const DEPLOYMENTS: Kind<Deployment> = kind('apps/v1', 'Deployment') as Kind<Deployment>
const DISRUPTION_BUDGETS = kind('policy/v1', 'PodDisruptionBudget')
export const REPLICA_SETS = kind('apps/v1', 'ReplicaSet')
export const CLUSTER_ROLES = kind(RBAC, 'ClusterRole', false)
export const CLUSTER_ROLE_BINDINGS = kind(RBAC, 'ClusterRoleBinding', false)
export const ROLES = kind(RBAC, 'Role')
export const ROLE_BINDINGS = kind(RBAC, 'RoleBinding')

const ALL: readonly Kind[] = [
  ...[NAMESPACES, CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, SERVICE_ACCOUNTS, SERVICES, DISRUPTION_BUDGETS, DEPLOYMENTS],
  ...[CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS, ROLES, ROLE_BINDINGS],
]

/** How an object of an installation is addressed. */
export function kindOf({apiVersion, kind: name}: KubeObject): Kind {
  const found = ALL.find((each) => each.apiVersion === apiVersion && each.kind === name)
  if (!found) throw new Error(`an installation has no ${name} of ${apiVersion}`)
  return found
}

/** What of a Deployment is read here. */
export interface Deployment extends KubeObject {
  readonly spec: {
    readonly replicas?: number
    readonly template: {readonly spec: {readonly containers: readonly {readonly name: string; readonly image?: string}[]}}
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly updatedReplicas?: number
    readonly readyReplicas?: number
  }
}
