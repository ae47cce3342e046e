import type {Claim} from '../../api/conditions.ts'
import type {DaskCluster} from '../../api/dask.ts'
import {DEFAULT_DASHBOARD_PORT, PORT_DASHBOARD, schedulerName} from '../../api/names.ts'
import type {HttpRoute, Ingress} from '../../api/networking.ts'
import {accessory} from './parts.ts'
import {REASON} from './reasons.ts'

/** The ways to a cluster's dashboard from outside: an Ingress, and an HTTPRoute of the Gateway API. */

export function schedulerIngress(cluster: DaskCluster): Ingress | undefined {
  const {ingress} = cluster.spec.scheduler
  if (!ingress) return undefined
  const {metadata, ingressClassName, host, path = '/', pathType = 'Prefix', tls} = ingress
  const name = schedulerName(cluster.metadata.name)
  const backend = {service: {name, port: {number: dashboardPort(cluster)}}}
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: accessory(cluster, 'scheduler', name, metadata),
    spec: {
      ...(ingressClassName !== undefined && {ingressClassName}),
      rules: [{...(host !== undefined && {host}), http: {paths: [{path, pathType, backend}]}}],
      ...(tls && {tls}),
    },
  }
}

export function schedulerRoute(cluster: DaskCluster): HttpRoute | undefined {
  const {httpRoute} = cluster.spec.scheduler
  if (!httpRoute) return undefined
  const {metadata, parentRefs, hostnames, path = '/'} = httpRoute
  const name = schedulerName(cluster.metadata.name)
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: accessory(cluster, 'scheduler', name, metadata),
    spec: {
      parentRefs,
      ...(hostnames && {hostnames}),
      rules: [{matches: [{path: {type: 'PathPrefix', value: path}}], backendRefs: [{name, port: dashboardPort(cluster)}]}],
    },
  }
}

const dashboardPort = ({spec: {scheduler}}: DaskCluster): number =>
  scheduler.service.ports?.find(({name}) => name === PORT_DASHBOARD)?.port ?? DEFAULT_DASHBOARD_PORT

export interface Routes {
  readonly ingress: Ingress | undefined
  readonly httpRoute: HttpRoute | undefined
  /** In which words the server says that it has no HTTPRoutes. */
  readonly noHttpRoutes: string | undefined
}

/** The dashboard's address from outside, as soon as it can be known; an Ingress without a host is known by the address that it was given. */
export function dashboardAddress({spec: {scheduler}}: DaskCluster, {ingress, httpRoute}: Routes): string | undefined {
  const {ingress: wanted, httpRoute: route} = scheduler
  if (wanted && ingress) {
    const host = wanted.host ?? addressOf(ingress)
    if (host !== undefined) return address((wanted.tls ?? []).length > 0, host, wanted.path)
  }
  const [hostname] = route?.hostnames ?? []
  if (!route || !httpRoute || hostname === undefined) return undefined
  // Whether a listener speaks TLS only its Gateway knows; its port tells as a rule.
  return address(
    route.parentRefs.some(({port, sectionName}) => port === 443 || sectionName?.startsWith('https')),
    hostname,
    route.path,
  )
}

const address = (isSecure: boolean, host: string, path = '/'): string =>
  `${isSecure ? 'https' : 'http'}://${host}${path === '/' ? '' : path}`

const addressOf = ({status}: Ingress): string | undefined => {
  const [point] = status?.loadBalancer?.ingress ?? []
  return point?.hostname || point?.ip || undefined
}

/** Whether somebody leads to the dashboard as it was asked for; `undefined` where nobody has asked. */
export function exposedClaim({spec: {scheduler}}: DaskCluster, {ingress, httpRoute, noHttpRoutes}: Routes): Claim | undefined {
  const claims = [
    ...(scheduler.ingress ? [ingressClaim(ingress)] : []),
    ...(scheduler.httpRoute ? [routeClaim(httpRoute, noHttpRoutes)] : []),
  ]
  return claims.find(({status}) => status !== true) ?? claims[0]
}

const ingressClaim = (ingress: Ingress | undefined): Claim =>
  ingress && addressOf(ingress) !== undefined
    ? {status: true, reason: REASON.ready, message: ''}
    : {
        status: false,
        reason: REASON.addressPending,
        message: 'no controller has given the Ingress an address yet: is there one of its class?',
      }

const routeClaim = (route: HttpRoute | undefined, missing: string | undefined): Claim => {
  if (missing !== undefined) {
    const message = `there are no HTTPRoutes (gateway.networking.k8s.io/v1) for the operator here: ${missing}`
    return {status: false, reason: REASON.gatewayApiMissing, message}
  }
  const told = (route?.status?.parents ?? []).map(({conditions}) => conditions?.find(({type}) => type === 'Accepted'))
  if (told.some((each) => each?.status === 'True')) return {status: true, reason: REASON.ready, message: ''}
  const refused = told.find((each) => each?.status === 'False')
  return refused
    ? {status: false, reason: REASON.routeNotAccepted, message: refused.message || refused.reason}
    : {status: false, reason: REASON.addressPending, message: 'no Gateway has accepted the HTTPRoute yet: is there one of its parentRefs?'}
}
