/** Services: defaults, cluster IPs and node ports (k8s.io/kubernetes: pkg/apis/core/v1/defaults.go, registry/core/service). */
import {type Cause, duplicate, invalidValue, notSupported, required} from '../errors.ts'
import {type ApiObject, isObject, type JsonObject, listAt, objectAt} from '../json.ts'
import {dnsLabel, refused} from '../names.ts'

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const PORT_RANGE = 'must be between 1 and 65535, inclusive'
const NODE_PORTS = {first: 30_000, last: 32_767}

/** What of the other services a new one must keep clear of. */
export interface ServiceGround {
  readonly cidr: string
  readonly services: readonly ApiObject[]
}

/** What fields mean when they are left out. */
export function withServiceDefaults(service: ApiObject): ApiObject {
  const given = objectAt(service, 'spec')
  const type = String(given['type'] ?? 'ClusterIP')
  const spec: JsonObject = {
    sessionAffinity: 'None',
    ...(type !== 'ExternalName' && {internalTrafficPolicy: 'Cluster'}),
    ...((type === 'NodePort' || type === 'LoadBalancer') && {externalTrafficPolicy: 'Cluster'}),
    ...(type === 'LoadBalancer' && {allocateLoadBalancerNodePorts: true}),
    ...given,
    type,
    ...(given['ports'] !== undefined && {ports: listAt(given, 'ports').map(withPortDefaults)}),
  }
  return {...service, spec}
}

const withPortDefaults = (port: unknown): unknown => (isObject(port) ? {protocol: 'TCP', targetPort: port['port'], ...port} : port)

/** Gives the service its address and its node ports, or leaves it those that it has. */
export function allocate(service: ApiObject, ground: ServiceGround, old?: ApiObject): ApiObject {
  const spec = objectAt(service, 'spec')
  const {type} = spec
  if (type === 'ExternalName') return service
  const ip = spec['clusterIP'] || objectAt(old, 'spec')['clusterIP'] || freeAddress(ground)
  const hasNodePorts = type === 'NodePort' || (type === 'LoadBalancer' && spec['allocateLoadBalancerNodePorts'] !== false)
  const families = {ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack'}
  return {...service, spec: withNodePorts({...families, ...spec, clusterIP: ip, clusterIPs: [ip]}, ground, old, hasNodePorts)}
}

/** A new service has no load balancer yet, whatever status it was sent with. */
export const startService = (service: ApiObject, ground: ServiceGround): ApiObject => ({
  ...allocate(service, ground),
  status: {loadBalancer: {}},
})

const withNodePorts = (spec: JsonObject, ground: ServiceGround, old: ApiObject | undefined, hasNodePorts: boolean): JsonObject => {
  if (spec['ports'] === undefined) return spec
  const before = listAt(objectAt(old, 'spec'), 'ports').filter(isObject)
  const taken = new Set(
    ground.services.flatMap((each) => listAt(each['spec'], 'ports').map((port) => objectAt({port}, 'port')['nodePort'])),
  )
  const ports = listAt(spec, 'ports').map((port) => {
    if (!isObject(port)) return port
    const {nodePort, ...rest} = port
    if (!hasNodePorts) return rest
    const same = before.find((each) => each['port'] === rest['port'] && each['protocol'] === rest['protocol'])
    const number = nodePort || same?.['nodePort'] || freeNodePort(taken)
    taken.add(number)
    return {...rest, nodePort: number}
  })
  return {...spec, ports}
}

const freeNodePort = (taken: ReadonlySet<unknown>): number => {
  const size = NODE_PORTS.last - NODE_PORTS.first + 1
  let port = NODE_PORTS.first + Math.floor(Math.random() * size)
  for (let tries = 0; tries < size && taken.has(port); tries += 1) port = NODE_PORTS.first + ((port - NODE_PORTS.first + 1) % size)
  return port
}

/** The lowest free address from the 16th on: the first ones are left to those who ask for one by number. */
const freeAddress = ({cidr, services}: ServiceGround): string => {
  const {first, size} = range(cidr)
  const taken = new Set(services.map((service) => objectAt(service, 'spec')['clusterIP']))
  const start = Math.min(16, size - 2)
  for (let at = start; at < size - 1; at += 1) {
    const address = addressAt(first + at)
    if (!taken.has(address)) return address
  }
  throw new Error(`no free cluster IP is left in ${cidr}: delete services`)
}

const range = (cidr: string): {readonly first: number; readonly size: number} => {
  const [address = '', bits = '32'] = cidr.split('/')
  const size = 2 ** (32 - Number(bits))
  return {first: Math.floor(numberOf(address) / size) * size, size}
}

const numberOf = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
const addressAt = (number: number): string => [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')

export function validateService(service: ApiObject, cidr: string, old?: ApiObject): Cause[] {
  const spec = objectAt(service, 'spec')
  const causes: Cause[] = []
  const ip = String(spec['clusterIP'] ?? '')
  const before = String(objectAt(old, 'spec')['clusterIP'] ?? '')
  if (old && before && ip && ip !== before && spec['type'] !== 'ExternalName')
    causes.push(invalidValue('spec.clusterIPs[0]', [ip], 'may not change once set'))
  else if (!old && ip && ip !== 'None') causes.push(...refused('spec.clusterIPs', [ip], outside(ip, cidr)))
  const ports = listAt(spec, 'ports').filter(isObject)
  if (ports.length === 0 && ip !== 'None' && spec['type'] !== 'ExternalName') causes.push(required('spec.ports'))
  const seen = new Set<string>()
  for (const [at, {name, port, protocol, targetPort}] of ports.entries()) {
    const path = `spec.ports[${at}]`
    if (!name && ports.length > 1) causes.push(required(`${path}.name`))
    if (name) causes.push(...refused(`${path}.name`, name, dnsLabel(String(name))))
    if (typeof port !== 'number' || port < 1 || port > 65_535) causes.push(invalidValue(`${path}.port`, port ?? 0, PORT_RANGE))
    if (typeof targetPort === 'number' && (targetPort < 1 || targetPort > 65_535))
      causes.push(invalidValue(`${path}.targetPort`, targetPort, PORT_RANGE))
    if (name && ports.findIndex((each) => each['name'] === name) < at) causes.push(duplicate(`${path}.name`, name))
    if (seen.has(`${port}/${protocol}`)) causes.push(duplicate(path, {port, protocol}))
    seen.add(`${port}/${protocol}`)
  }
  if (!TYPES.includes(String(spec['type']))) causes.push(notSupported('spec.type', spec['type'], TYPES))
  return causes
}

const outside = (ip: string, cidr: string): string | undefined => {
  const {first, size} = range(cidr)
  const at = numberOf(ip) - first
  return at > 0 && at < size - 1 ? undefined : `failed to allocate IP ${ip}: the provided IP (${ip}) is not in the valid range`
}
