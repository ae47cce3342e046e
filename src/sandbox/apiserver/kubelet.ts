/** The way to the node that runs a pod: logs, exec and port-forward are the node's to answer. */
import type {IncomingMessage} from 'node:http'
import {request as httpsRequest} from 'node:https'
import type {Container, Node, Pod} from '../../api/core.ts'
import {badRequest, internal, notFound} from './errors.ts'
import type {Ground, Resource} from './resources.ts'
import {existing} from './write.ts'

export interface KubeletAddress {
  readonly host: string
  readonly port: number
}

export interface ClientTls {
  readonly cert: string
  readonly key: string
}

const NODES = {group: '', plural: 'nodes', kind: 'Node'}
const DEFAULT_PORT = 10_250

/** Where the pod's node serves; 400 while the pod has no node, 404 when the node is not known. */
export function kubeletOf({store}: Ground, pod: Pod): KubeletAddress {
  const {nodeName} = pod.spec
  if (!nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`)
  const node = store.get('nodes', '', nodeName) as Node | undefined
  if (!node) throw notFound(NODES, nodeName)
  const host = node.status?.addresses?.find(({type}) => type === 'InternalIP')?.address
  if (!host) throw internal(`node ${nodeName} tells no InternalIP in its status`)
  return {host, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? DEFAULT_PORT}
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container'

/** The container that a request means; 400 where it says none and the pod has several, or where the pod has none of that name. */
export function containerOf(pod: Pod, asked: string | null): string {
  const containers: readonly Container[] = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  const name =
    asked || pod.metadata.annotations?.[DEFAULT_CONTAINER] || (pod.spec.containers.length === 1 ? pod.spec.containers[0]?.name : '')
  if (!name) {
    const choice = pod.spec.containers.map((each) => each.name).join(' ')
    throw badRequest(`a container name must be specified for pod ${pod.metadata.name}, choose one of: [${choice}]`)
  }
  if (!containers.some((each) => each.name === name)) throw badRequest(`container ${name} is not valid for pod ${pod.metadata.name}`)
  return name
}

export const podOf = (ground: Ground, resource: Resource, namespace: string, name: string): Pod =>
  existing(ground, {resource, namespace, name}) as unknown as Pod

const LOG_OPTIONS = ['follow', 'previous', 'sinceSeconds', 'sinceTime', 'timestamps', 'tailLines', 'limitBytes', 'stream']

export function logPath(pod: Pod, query: URLSearchParams): string {
  const container = containerOf(pod, query.get('container'))
  const options = new URLSearchParams(LOG_OPTIONS.flatMap((each) => (query.get(each) === null ? [] : [[each, query.get(each) ?? '']])))
  const text = options.toString()
  return `/containerLogs/${pod.metadata.namespace}/${pod.metadata.name}/${container}${text && `?${text}`}`
}

/** `kubectl exec` and `attach` name their streams otherwise than the kubelet does. */
const STREAMS = [
  ['stdin', 'input'],
  ['stdout', 'output'],
  ['stderr', 'error'],
  ['tty', 'tty'],
] as const

export function execPath(verb: 'exec' | 'attach', pod: Pod, query: URLSearchParams): string {
  const container = containerOf(pod, query.get('container'))
  const options = new URLSearchParams(query.getAll('command').map((word) => ['command', word]))
  for (const [name, theirs] of STREAMS) if (['true', '1'].includes(query.get(name) ?? '')) options.append(theirs, '1')
  return `/${verb}/${pod.metadata.namespace}/${pod.metadata.name}/${container}?${options}`
}

export function portForwardPath(pod: Pod, ports: readonly string[]): string {
  const options = new URLSearchParams(ports.flatMap((each) => each.split(',')).map((port) => ['port', port]))
  return `/portForward/${pod.metadata.namespace}/${pod.metadata.name}?${options}`
}

/** Asks the kubelet; resolves with its answer when the head is there. */
export function askKubelet({host, port}: KubeletAddress, path: string, tls: ClientTls, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // The kubelet knows us by our certificate; its own name is its pod's business, as it is for a real API server by default.
    const asked = httpsRequest({host, port, path, ...tls, rejectUnauthorized: false, agent: false, signal}, resolve)
    asked.once('error', (error) =>
      reject(signal.aborted ? error : internal(`the node at ${host}:${port} does not answer: ${error.message}`)),
    )
    asked.end()
  })
}
