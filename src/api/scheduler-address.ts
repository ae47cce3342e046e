import type {Service} from './core.ts'
import {DEFAULT_COMM_PORT, PORT_COMM, schedulerHost} from './names.ts'

/** Port of the service for Dask's own protocol; upstream's where the service does not say (yet). */
export const commPort = (service: Pick<Service, 'spec'> | undefined): number =>
  service?.spec.ports?.find(({name}) => name === PORT_COMM)?.port ?? DEFAULT_COMM_PORT

/** Where workers and clients inside Kubernetes find a cluster's scheduler. */
export const schedulerAddress = (cluster: string, namespace: string, service: Pick<Service, 'spec'> | undefined): string =>
  `tcp://${schedulerHost(cluster, namespace)}:${commPort(service)}`
