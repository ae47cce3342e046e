/** Which pods stand behind a service. Pure: the node hands connections on to them, the API server's proxy requests. */
import type {Pod, Service, ServicePort} from '../api/core.ts'

/** Ready pods that have the port, by its number or by its name. */
export function backendsOf(service: Service, port: ServicePort, pods: readonly Pod[]): readonly Pod[] {
  const {selector} = service.spec
  if (!selector) return []
  const any = service.spec['publishNotReadyAddresses'] === true
  return pods.filter(
    (pod) =>
      Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value) &&
      pod.status?.podIP !== undefined &&
      pod.metadata.deletionTimestamp === undefined &&
      targetOf(pod, port) !== undefined &&
      (any || pod.status.conditions?.some(({type, status}) => type === 'Ready' && status === 'True')),
  )
}

export const targetOf = ({spec}: Pod, {targetPort, port}: ServicePort): number | undefined =>
  typeof targetPort === 'string'
    ? spec.containers.flatMap(({ports}) => ports ?? []).find(({name}) => name === targetPort)?.containerPort
    : (targetPort ?? port)
