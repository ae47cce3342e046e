/** Ingresses and NetworkPolicies (k8s.io/kubernetes: apis/networking/v1 defaults, apis/networking/validation). Nothing here enforces them. */
import {type Cause, invalidValue, notSupported, required} from '../errors.ts'
import {type ApiObject, isObject, type JsonObject, listAt, objectAt} from '../json.ts'
import {dnsSubdomain} from '../names.ts'

const objectsAt = (value: unknown, field: string): readonly JsonObject[] => listAt(value, field).filter(isObject)

/** A policy says which directions it is about, a port which protocol. */
export function withPolicyDefaults(policy: ApiObject): ApiObject {
  const spec = objectAt(policy, 'spec')
  const egress = listAt(spec, 'egress')
  const withProtocols = (direction: 'ingress' | 'egress'): JsonObject =>
    spec[direction] === undefined
      ? {}
      : {
          [direction]: objectsAt(spec, direction).map((rule) => ({
            ...rule,
            ...(rule['ports'] !== undefined && {ports: objectsAt(rule, 'ports').map((port) => ({protocol: 'TCP', ...port}))}),
          })),
        }
  return {
    ...policy,
    spec: {
      policyTypes: egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress'],
      ...spec,
      ...withProtocols('ingress'),
      ...withProtocols('egress'),
    },
  }
}

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix']

export function validateIngress(ingress: ApiObject): readonly Cause[] {
  return objectsAt(ingress['spec'], 'rules').flatMap((rule, index) => {
    const at = `spec.rules[${index}]`
    return [...checkHost(`${at}.host`, rule['host']), ...objectsAt(rule['http'], 'paths').flatMap(checkPath(`${at}.http`))]
  })
}

const checkHost = (field: string, host: unknown): readonly Cause[] => {
  const why = typeof host === 'string' && host !== '' ? dnsSubdomain(host.replace(/^\*\./, '')) : undefined
  return why === undefined ? [] : [invalidValue(field, host, why)]
}

const checkPath =
  (at: string) =>
  ({path = '', pathType}: JsonObject, index: number): readonly Cause[] => {
    const field = `${at}.paths[${index}]`
    if (typeof pathType !== 'string') return [required(`${field}.pathType`, 'pathType must be specified')]
    if (!PATH_TYPES.includes(pathType)) return [notSupported(`${field}.pathType`, pathType, PATH_TYPES)]
    const mayBeEmpty = pathType === 'ImplementationSpecific' && path === ''
    return mayBeEmpty || String(path).startsWith('/') ? [] : [invalidValue(`${field}.path`, path, 'must be an absolute path')]
  }
