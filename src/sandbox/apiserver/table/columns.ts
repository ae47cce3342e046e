/** The columns of built-in kinds other than pods (k8s.io/kubernetes: pkg/printers/internalversion). */

import {type ApiObject, isObject, type JsonObject, listAt, objectAt, valueAt} from '../json.ts'
import {selectorText} from '../label-selector.ts'
import {AGE, type Column, NAME, NONE, since} from './column.ts'

const text = (name: string, cell: Column['cell'], priority = 0): Column => ({
  name,
  type: 'string',
  cell,
  ...(priority > 0 && {priority}),
})
const at =
  (path: string, missing: unknown = ''): Column['cell'] =>
  (object) =>
    valueAt(object, path) ?? missing

const objectsAt = (value: unknown, field: string): readonly JsonObject[] => listAt(value, field).filter(isObject)

/** Three of them and how many more. */
const some = (items: readonly unknown[]): string => {
  if (items.length === 0) return NONE
  const shown = items.slice(0, 3).join(',')
  return items.length > 3 ? `${shown} + ${items.length - 3} more...` : shown
}

const formatLabels = (labels: JsonObject): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',') || NONE

const servicePorts = (service: ApiObject): string =>
  objectsAt(service['spec'], 'ports')
    .map(({port, nodePort, protocol}) => (nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`))
    .join(',') || NONE

const externalAddress = (service: ApiObject): unknown => {
  const spec = objectAt(service, 'spec')
  const own = listAt(spec, 'externalIPs')
  if (spec['type'] === 'ExternalName') return spec['externalName']
  if (spec['type'] !== 'LoadBalancer') return own.join(',') || NONE
  const ingress = objectsAt(objectAt(service['status'], 'loadBalancer'), 'ingress').map(({ip, hostname}) => ip ?? hostname)
  return [...ingress, ...own].join(',') || '<pending>'
}

const nodeStatus = (node: ApiObject): string => {
  const ready = objectsAt(node['status'], 'conditions').find(({type}) => type === 'Ready')
  const status = ready ? (ready['status'] === 'True' ? 'Ready' : 'NotReady') : 'Unknown'
  return objectAt(node, 'spec')['unschedulable'] ? `${status},SchedulingDisabled` : status
}

const ROLE = 'node-role.kubernetes.io/'
const nodeRoles = (node: ApiObject): string =>
  Object.keys(node.metadata.labels ?? {})
    .filter((key) => key.startsWith(ROLE))
    .map((key) => key.slice(ROLE.length))
    .sort()
    .join(',') || NONE

const nodeAddress =
  (type: string): Column['cell'] =>
  (node) =>
    objectsAt(node['status'], 'addresses').find((each) => each['type'] === type)?.['address'] ?? NONE

const nodeInfo =
  (field: string): Column['cell'] =>
  (node) =>
    objectAt(node['status'], 'nodeInfo')[field] || '<unknown>'

const firstSeen = (event: ApiObject, now: number): string => since(event['firstTimestamp'] || event['eventTime'], now)
const lastSeen = (event: ApiObject, now: number): string => {
  const last = objectAt(event, 'series')['lastObservedTime'] ?? event['lastTimestamp']
  return last ? since(last, now) : firstSeen(event, now)
}
const eventTarget = (event: ApiObject): string => {
  const {kind, name} = objectAt(event, 'involvedObject')
  return name ? `${String(kind).toLowerCase()}/${name}` : String(kind).toLowerCase()
}
const eventSource = (event: ApiObject): string => {
  const source = objectAt(event, 'source')
  const component = source['component'] || event['reportingComponent'] || ''
  const host = source['host'] || event['reportingInstance']
  return host ? `${component}, ${host}` : String(component)
}

const endpointAddresses = (endpoints: ApiObject): string =>
  some(
    objectsAt(endpoints, 'subsets').flatMap((subset) => {
      const addresses = objectsAt(subset, 'addresses').map(({ip}) => ip)
      const ports = objectsAt(subset, 'ports')
      return ports.length === 0 ? addresses : ports.flatMap(({port}) => addresses.map((ip) => `${ip}:${port}`))
    }),
  )

const subjects =
  (kind: string): Column['cell'] =>
  (binding) =>
    objectsAt(binding, 'subjects')
      .filter((each) => each['kind'] === kind)
      .map(({namespace, name}) => (kind === 'ServiceAccount' ? `${namespace}/${name}` : name))
      .join(', ')

const roleRef: Column['cell'] = (binding) => `${objectAt(binding, 'roleRef')['kind']}/${objectAt(binding, 'roleRef')['name']}`
const created = (name: string): Column => ({name, type: 'date', cell: (object) => object.metadata.creationTimestamp})
const dataCount = (object: ApiObject): number =>
  Object.keys(objectAt(object, 'data')).length + Object.keys(objectAt(object, 'binaryData')).length
const count = (name: string, cell: Column['cell']): Column => ({name, type: 'integer', cell})

const BINDING = [
  NAME,
  text('Role', roleRef),
  AGE,
  text('Users', subjects('User'), 1),
  text('Groups', subjects('Group'), 1),
  text('ServiceAccounts', subjects('ServiceAccount'), 1),
]

export const SERVICE_COLUMNS: readonly Column[] = [
  NAME,
  text('Type', at('spec.type')),
  text('Cluster-IP', at('spec.clusterIP', NONE)),
  text('External-IP', externalAddress),
  text('Port(s)', servicePorts),
  AGE,
  text('Selector', (service) => formatLabels(objectAt(service['spec'], 'selector')), 1),
]
export const NODE_COLUMNS: readonly Column[] = [
  NAME,
  text('Status', nodeStatus),
  text('Roles', nodeRoles),
  AGE,
  text('Version', at('status.nodeInfo.kubeletVersion')),
  text('Internal-IP', nodeAddress('InternalIP'), 1),
  text('External-IP', nodeAddress('ExternalIP'), 1),
  text('OS-Image', nodeInfo('osImage'), 1),
  text('Kernel-Version', nodeInfo('kernelVersion'), 1),
  text('Container-Runtime', nodeInfo('containerRuntimeVersion'), 1),
]
export const EVENT_COLUMNS: readonly Column[] = [
  text('Last Seen', lastSeen),
  text('Type', at('type')),
  text('Reason', at('reason')),
  text('Object', eventTarget),
  text('Subobject', at('involvedObject.fieldPath'), 1),
  text('Source', eventSource, 1),
  text('Message', (event) => String(event['message'] ?? '').trim()),
  text('First Seen', firstSeen, 1),
  text('Count', (event) => objectAt(event, 'series')['count'] ?? (event['count'] || 1), 1),
  {...NAME, priority: 1},
]
export const NAMESPACE_COLUMNS: readonly Column[] = [NAME, text('Status', at('status.phase')), AGE]
export const SECRET_COLUMNS: readonly Column[] = [NAME, text('Type', at('type')), count('Data', dataCount), AGE]
export const CONFIG_MAP_COLUMNS: readonly Column[] = [NAME, count('Data', dataCount), AGE]
export const SERVICE_ACCOUNT_COLUMNS: readonly Column[] = [NAME, AGE]
export const ENDPOINTS_COLUMNS: readonly Column[] = [NAME, text('Endpoints', endpointAddresses), AGE]
export const ENDPOINT_SLICE_COLUMNS: readonly Column[] = [
  NAME,
  text('AddressType', at('addressType')),
  text('Ports', (slice) => some(objectsAt(slice, 'ports').map(({port, name}) => port ?? name ?? '*'))),
  text('Endpoints', (slice) => some(objectsAt(slice, 'endpoints').flatMap((each) => listAt(each, 'addresses')))),
  AGE,
]
const SHORT_MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
}
export const CLAIM_COLUMNS: readonly Column[] = [
  NAME,
  text('Status', at('status.phase')),
  text('Volume', at('spec.volumeName')),
  text('Capacity', at('status.capacity.storage')),
  text('Access Modes', (claim) =>
    listAt(objectAt(claim, 'status'), 'accessModes')
      .map((mode) => SHORT_MODES[String(mode)] ?? mode)
      .join(','),
  ),
  text('StorageClass', at('spec.storageClassName')),
  text('VolumeAttributesClass', (claim) => valueAt(claim, 'spec.volumeAttributesClassName') ?? '<unset>'),
  AGE,
  text('VolumeMode', at('spec.volumeMode'), 1),
]
export const LEASE_COLUMNS: readonly Column[] = [NAME, text('Holder', at('spec.holderIdentity')), AGE]
export const ROLE_COLUMNS: readonly Column[] = [NAME, created('Created At')]
export const BINDING_COLUMNS: readonly Column[] = BINDING
/** Used and hard amounts; those that `limits.` begins stand apart. */
const quotaAmounts =
  (isOfLimits: boolean): Column['cell'] =>
  (quota) => {
    const [hard, used] = ['hard', 'used'].map((field) => objectAt(objectAt(quota, 'status'), field))
    const names = Object.keys(hard ?? {}).filter((name) => name.startsWith('limits.') === isOfLimits)
    return names
      .toSorted()
      .map((name) => `${name}: ${used?.[name] ?? 0}/${hard?.[name]}`)
      .join(', ')
  }
export const QUOTA_COLUMNS: readonly Column[] = [NAME, text('Request', quotaAmounts(false)), text('Limit', quotaAmounts(true)), AGE]
export const LIMIT_COLUMNS: readonly Column[] = [NAME, created('Created At')]
export const CRD_COLUMNS: readonly Column[] = [NAME, created('Created At')]

const ingressAddress = (ingress: ApiObject): string => {
  const points = objectsAt(objectAt(ingress['status'], 'loadBalancer'), 'ingress').map(({ip, hostname}) => String(ip || hostname))
  const all = [...new Set(points)].toSorted().join(',')
  return all.length > 16 ? `${all.slice(0, 13)}...` : all
}
const ingressHosts = (ingress: ApiObject): string => {
  const hosts = objectsAt(ingress['spec'], 'rules').flatMap(({host}) => (host ? [host] : []))
  return hosts.length === 0 ? '*' : some(hosts)
}
export const INGRESS_COLUMNS: readonly Column[] = [
  NAME,
  text('Class', at('spec.ingressClassName', NONE)),
  text('Hosts', ingressHosts),
  text('Address', ingressAddress),
  text('Ports', (ingress) => (listAt(objectAt(ingress, 'spec'), 'tls').length > 0 ? '80, 443' : '80')),
  AGE,
]
export const NETWORK_POLICY_COLUMNS: readonly Column[] = [
  NAME,
  text('Pod-Selector', (policy) => selectorText(objectAt(policy['spec'], 'podSelector')) || NONE),
  AGE,
]
export const DISRUPTION_BUDGET_COLUMNS: readonly Column[] = [
  NAME,
  text('Min Available', (budget) => String(valueAt(budget, 'spec.minAvailable') ?? 'N/A')),
  text('Max Unavailable', (budget) => String(valueAt(budget, 'spec.maxUnavailable') ?? 'N/A')),
  count('Allowed Disruptions', at('status.disruptionsAllowed', 0)),
  AGE,
]
