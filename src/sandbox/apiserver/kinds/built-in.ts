/** The built-in kinds that the sandbox serves. */

import {type ApiObject, isObject, objectAt, without} from '../json.ts'
import {checkKeys, dnsLabel, dnsSubdomain, type NameRule, pathSegment} from '../names.ts'
import type {Ground, Hooks, Resource, ScalePaths} from '../resources.ts'
import {loadRules} from '../rules/rules.ts'
import {definitions} from '../schema.ts'
import {AGE, type Column, NAME} from '../table/column.ts'
import {
  BINDING_COLUMNS,
  CLAIM_COLUMNS,
  CONFIG_MAP_COLUMNS,
  CRD_COLUMNS,
  DISRUPTION_BUDGET_COLUMNS,
  ENDPOINT_SLICE_COLUMNS,
  ENDPOINTS_COLUMNS,
  EVENT_COLUMNS,
  INGRESS_COLUMNS,
  LEASE_COLUMNS,
  LIMIT_COLUMNS,
  NAMESPACE_COLUMNS,
  NETWORK_POLICY_COLUMNS,
  NODE_COLUMNS,
  QUOTA_COLUMNS,
  ROLE_COLUMNS,
  SECRET_COLUMNS,
  SERVICE_ACCOUNT_COLUMNS,
  SERVICE_COLUMNS,
} from '../table/columns.ts'
import {POD_COLUMNS} from '../table/pod-columns.ts'
import {DEPLOYMENT_COLUMNS, JOB_COLUMNS, REPLICA_SET_COLUMNS} from '../table/workload-columns.ts'
import {bindClaim, validateClaim, withClaimDefaults} from './claims.ts'
import {startCrd, validateCrd, warnOfCrd} from './crds.ts'
import {validateBudget} from './disruption-budgets.ts'
import {fromEventsV1, toEventsV1, withEventFields} from './events.ts'
import {keptConfigMap, keptRole, keptSecret} from './immutable.ts'
import {validateIngress, withPolicyDefaults} from './networking.ts'
import {admitPod, startPod, validatePod, withPodDefaults} from './pods.ts'
import {allocate, type ServiceGround, startService, validateService, withServiceDefaults} from './services.ts'
import {
  startDeployment,
  startJob,
  startReplicaSet,
  validateDeployment,
  validateJob,
  validateReplicaSet,
  withDeploymentDefaults,
  withJobDefaults,
  withReplicaSetDefaults,
} from './workloads.ts'

interface Row {
  readonly schema: string
  readonly group?: string
  readonly plural?: string
  readonly namespaced?: boolean
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly hasStatus?: boolean
  readonly hasGeneration?: boolean
  readonly scale?: ScalePaths
  readonly selectable?: readonly string[]
  readonly columns?: readonly Column[]
  readonly nameRule?: NameRule
  readonly storage?: string
  readonly ready?: () => Promise<void>
  readonly hooks?: Hooks
}

const INVOLVED = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
  (field) => `involvedObject.${field}`,
)
const EVENT = {shortNames: ['ev'], columns: EVENT_COLUMNS, selectable: [...INVOLVED, 'reason', 'type', 'reportingComponent', 'source']}

const othersThan = (service: ApiObject, {store, serviceCidr}: Ground): ServiceGround => ({
  cidr: serviceCidr,
  services: store
    .list('services')
    .filter((each) => each.metadata.name !== service.metadata.name || each.metadata.namespace !== service.metadata.namespace),
})

/** `stringData` is write-only: it lands in `data`. */
const withSecretData = (secret: ApiObject): ApiObject => {
  const typed = {type: 'Opaque', ...secret}
  const texts = secret['stringData']
  if (!isObject(texts)) return typed
  const encoded = Object.entries(texts).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')])
  return {...without(typed, 'stringData'), data: {...objectAt(secret, 'data'), ...Object.fromEntries(encoded)}}
}

const withNameLabel = (namespace: ApiObject): ApiObject => ({
  ...namespace,
  metadata: {...namespace.metadata, labels: {...namespace.metadata.labels, 'kubernetes.io/metadata.name': namespace.metadata.name}},
})

const startNamespace = (namespace: ApiObject): ApiObject => ({
  ...namespace,
  spec: {finalizers: ['kubernetes']},
  status: {phase: 'Active'},
})

/** What is common to the kinds that make pods. */
const WORKLOAD = {categories: ['all'], hasStatus: true, hasGeneration: true}
const SCALED = {
  ...WORKLOAD,
  group: 'apps',
  scale: {specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.spec.selector'},
}

const ROWS: readonly Row[] = [
  {
    schema: 'core.v1.Pod',
    shortNames: ['po'],
    categories: ['all'],
    hasStatus: true,
    hasGeneration: true,
    selectable: ['spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'spec.serviceAccountName', 'status.phase', 'status.podIP'],
    columns: POD_COLUMNS,
    hooks: {defaults: withPodDefaults, start: startPod, change: admitPod, validate: validatePod},
  },
  {
    schema: 'core.v1.Service',
    shortNames: ['svc'],
    categories: ['all'],
    hasStatus: true,
    selectable: ['spec.clusterIP', 'spec.type'],
    columns: SERVICE_COLUMNS,
    nameRule: dnsLabel,
    hooks: {
      defaults: withServiceDefaults,
      start: (service, ground) => startService(service, othersThan(service, ground)),
      change: (service, old, ground) => allocate(service, othersThan(service, ground), old),
      validate: (service, old, ground) => validateService(service, ground.serviceCidr, old),
    },
  },
  {
    schema: 'core.v1.ConfigMap',
    shortNames: ['cm'],
    columns: CONFIG_MAP_COLUMNS,
    hooks: {
      validate: (map, old) => [
        ...checkKeys('data', map['data']),
        ...checkKeys('binaryData', map['binaryData']),
        ...keptConfigMap(map, old),
      ],
    },
  },
  {
    schema: 'core.v1.Secret',
    selectable: ['type'],
    columns: SECRET_COLUMNS,
    hooks: {defaults: withSecretData, validate: (secret, old) => [...checkKeys('data', secret['data']), ...keptSecret(secret, old)]},
  },
  {schema: 'core.v1.ServiceAccount', shortNames: ['sa'], columns: SERVICE_ACCOUNT_COLUMNS},
  {schema: 'core.v1.Event', ...EVENT, storage: 'events', hooks: {start: withEventFields}},
  {
    schema: 'core.v1.Namespace',
    namespaced: false,
    shortNames: ['ns'],
    hasStatus: true,
    selectable: ['status.phase'],
    columns: NAMESPACE_COLUMNS,
    nameRule: dnsLabel,
    hooks: {defaults: withNameLabel, start: startNamespace},
  },
  {
    schema: 'core.v1.Node',
    namespaced: false,
    shortNames: ['no'],
    hasStatus: true,
    selectable: ['spec.unschedulable'],
    columns: NODE_COLUMNS,
  },
  {schema: 'core.v1.Endpoints', plural: 'endpoints', shortNames: ['ep'], columns: ENDPOINTS_COLUMNS},
  {schema: 'core.v1.ResourceQuota', shortNames: ['quota'], hasStatus: true, columns: QUOTA_COLUMNS},
  {
    schema: 'core.v1.PersistentVolumeClaim',
    shortNames: ['pvc'],
    hasStatus: true,
    columns: CLAIM_COLUMNS,
    hooks: {defaults: withClaimDefaults, start: bindClaim, validate: validateClaim},
  },
  {schema: 'core.v1.LimitRange', shortNames: ['limits'], columns: LIMIT_COLUMNS},
  {
    schema: 'apps.v1.Deployment',
    ...SCALED,
    shortNames: ['deploy'],
    columns: DEPLOYMENT_COLUMNS,
    hooks: {defaults: withDeploymentDefaults, start: startDeployment, validate: validateDeployment},
  },
  {
    schema: 'apps.v1.ReplicaSet',
    ...SCALED,
    shortNames: ['rs'],
    selectable: ['status.replicas'],
    columns: REPLICA_SET_COLUMNS,
    hooks: {defaults: withReplicaSetDefaults, start: startReplicaSet, validate: validateReplicaSet},
  },
  {
    schema: 'batch.v1.Job',
    ...WORKLOAD,
    group: 'batch',
    selectable: ['status.successful'],
    columns: JOB_COLUMNS,
    hooks: {defaults: withJobDefaults, start: startJob, validate: validateJob},
  },
  {schema: 'coordination.v1.Lease', group: 'coordination.k8s.io', columns: LEASE_COLUMNS},
  {schema: 'discovery.v1.EndpointSlice', group: 'discovery.k8s.io', columns: ENDPOINT_SLICE_COLUMNS},
  {
    schema: 'events.v1.Event',
    group: 'events.k8s.io',
    ...EVENT,
    storage: 'events',
    selectable: EVENT.selectable,
    hooks: {start: withEventFields, fromStored: toEventsV1, toStored: fromEventsV1},
  },
  {
    schema: 'networking.v1.Ingress',
    group: 'networking.k8s.io',
    plural: 'ingresses',
    shortNames: ['ing'],
    hasStatus: true,
    hasGeneration: true,
    columns: INGRESS_COLUMNS,
    hooks: {validate: validateIngress},
  },
  {
    schema: 'networking.v1.NetworkPolicy',
    group: 'networking.k8s.io',
    plural: 'networkpolicies',
    shortNames: ['netpol'],
    hasGeneration: true,
    columns: NETWORK_POLICY_COLUMNS,
    hooks: {defaults: withPolicyDefaults},
  },
  {
    schema: 'policy.v1.PodDisruptionBudget',
    group: 'policy',
    shortNames: ['pdb'],
    hasStatus: true,
    hasGeneration: true,
    columns: DISRUPTION_BUDGET_COLUMNS,
    hooks: {validate: validateBudget},
  },
  {schema: 'rbac.v1.Role', group: 'rbac.authorization.k8s.io', columns: ROLE_COLUMNS, nameRule: pathSegment},
  {
    schema: 'rbac.v1.RoleBinding',
    group: 'rbac.authorization.k8s.io',
    columns: BINDING_COLUMNS,
    nameRule: pathSegment,
    hooks: {validate: keptRole},
  },
  {schema: 'rbac.v1.ClusterRole', group: 'rbac.authorization.k8s.io', namespaced: false, columns: ROLE_COLUMNS, nameRule: pathSegment},
  {
    schema: 'rbac.v1.ClusterRoleBinding',
    group: 'rbac.authorization.k8s.io',
    namespaced: false,
    columns: BINDING_COLUMNS,
    nameRule: pathSegment,
    hooks: {validate: keptRole},
  },
  {
    schema: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition',
    group: 'apiextensions.k8s.io',
    namespaced: false,
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    hasStatus: true,
    hasGeneration: true,
    columns: CRD_COLUMNS,
    ready: loadRules,
    hooks: {start: (crd) => startCrd(crd), change: startCrd, validate: validateCrd, warn: warnOfCrd},
  },
]

const makeResource = (row: Row): Resource => {
  const name = row.schema.startsWith('io.') ? row.schema : `io.k8s.api.${row.schema}`
  const kind = name.slice(name.lastIndexOf('.') + 1)
  const singular = kind.toLowerCase()
  const plural = row.plural ?? `${singular}s`
  const group = row.group ?? ''
  return {
    group,
    version: 'v1',
    kind,
    plural,
    singular,
    listKind: `${kind}List`,
    namespaced: row.namespaced ?? true,
    shortNames: row.shortNames ?? [],
    categories: row.categories ?? [],
    storage: row.storage ?? (group ? `${plural}.${group}` : plural),
    isCustom: false,
    schema: definitions[name],
    hasStatus: row.hasStatus ?? false,
    hasGeneration: row.hasGeneration ?? false,
    ...(row.scale && {scale: row.scale}),
    selectable: row.selectable ?? [],
    columns: row.columns ?? [NAME, AGE],
    nameRule: row.nameRule ?? dnsSubdomain,
    ...(row.ready && {ready: row.ready}),
    hooks: row.hooks ?? {},
  }
}

export const BUILT_IN: readonly Resource[] = ROWS.map(makeResource)

export const builtIn = (storage: string): Resource => {
  const resource = BUILT_IN.find((each) => each.storage === storage)
  if (!resource) throw new Error(`${storage} is no built-in kind`)
  return resource
}

/** Groups of a real server of which the sandbox leaves kinds out: asking for one of them is told, not just 404. */
export const UNSERVED_GROUPS: readonly string[] = [
  'networking.k8s.io',
  'storage.k8s.io',
  'policy',
  'admissionregistration.k8s.io',
  'apiregistration.k8s.io',
  'scheduling.k8s.io',
  'node.k8s.io',
  'certificates.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'metrics.k8s.io',
]
/** The same for kinds of groups that are served. */
export const UNSERVED_KINDS: Readonly<Record<string, readonly string[]>> = {
  '': ['replicationcontrollers', 'persistentvolumes', 'podtemplates', 'componentstatuses'],
  apps: ['controllerrevisions', 'daemonsets', 'statefulsets'],
  batch: ['cronjobs'],
}
