import type {Pod, Service, ServicePort} from './core.ts'
import {DEFAULT_COMM_PORT, DEFAULT_DASHBOARD_PORT, PORT_COMM, PORT_DASHBOARD, schedulerHost} from './names.ts'

type HasSpec = Pick<Service, 'spec'>

/** Where workers and clients inside Kubernetes find a cluster's scheduler: by its service's port for Dask's own protocol. */
export const schedulerAddress = (cluster: string, namespace: string, service: HasSpec | undefined, scheme: 'tls' | 'tcp' = 'tcp'): string =>
  `${scheme}://${schedulerHost(cluster, namespace)}:${servicePort(service)}`

/** The port of the scheduler's service for Dask's own protocol. */
export const servicePort = (service: HasSpec | undefined): number => commPort(service)?.port ?? DEFAULT_COMM_PORT

/** The port on which the scheduler's own pod listens for Dask's protocol: the one that its service leads to. */
export const schedulerPodPort = (service: HasSpec | undefined, scheduler: Pod): number =>
  podPort(commPort(service), scheduler, DEFAULT_COMM_PORT)

/** The port on which the scheduler's own pod serves its dashboard and its numbers. */
export const dashboardPodPort = (service: HasSpec | undefined, scheduler: Pod): number =>
  podPort(portNamed(service, PORT_DASHBOARD), scheduler, DEFAULT_DASHBOARD_PORT)

/** A port of a scheduler's pod by the name that its containers give it, for whoever does not know its service. */
export const namedPort = (name: typeof PORT_COMM | typeof PORT_DASHBOARD, {spec}: Pod): number =>
  spec.containers.flatMap(({ports}) => ports ?? []).find((port) => port.name === name)?.containerPort ??
  (name === PORT_COMM ? DEFAULT_COMM_PORT : DEFAULT_DASHBOARD_PORT)

const podPort = (servicePort: ServicePort | undefined, scheduler: Pod, usual: number): number => {
  const {targetPort, port}: Pick<ServicePort, 'targetPort' | 'port'> = servicePort ?? {port: usual}
  if (typeof targetPort !== 'string') return targetPort ?? port
  const ports = scheduler.spec.containers.flatMap((container) => container.ports ?? [])
  return ports.find(({name}) => name === targetPort)?.containerPort ?? usual
}

const portNamed = (service: HasSpec | undefined, wanted: string): ServicePort | undefined =>
  service?.spec.ports?.find(({name}) => name === wanted)

const commPort = (service: HasSpec | undefined): ServicePort | undefined => portNamed(service, PORT_COMM)
