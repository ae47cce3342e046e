import type {Container, PodSpec} from './core.ts'

/**
 * Has the kubelet keep the end of each container's log as the message of its end: in a crash loop it says why, and a log is hardly read
 * before it is gone. What the user says of a container stays.
 */
export const withToldEnd = (spec: PodSpec): PodSpec => ({
  ...spec,
  ...(spec.initContainers && {initContainers: spec.initContainers.map(told)}),
  containers: spec.containers.map(told),
})

const told = (container: Container): Container => ({terminationMessagePolicy: 'FallbackToLogsOnError', ...container})
