import {CONFIG_MAPS, type Container, type EnvVar, type Pod, SECRETS} from '../../api/core.ts'
import type {KubeClient} from '../../kube/client.ts'
import {isNotFound} from '../../kube/errors.ts'
import {isDiskFull} from '../failure.ts'
import {expand} from './expand.ts'
import {parseQuantity} from './quantity.ts'

/** The container cannot be configured from what the API server has; told as the container's waiting reason. */
export class ConfigFailure extends Error {
  override readonly name = 'ConfigFailure'
}

/** What a person mends while the node tries again: it is told as a ConfigFailure is. */
export const isMendable = (error: unknown): error is Error => error instanceof ConfigFailure || isDiskFull(error)

/** A container's environment from its spec: `envFrom`, then `env`, later entries after earlier ones. Throws a ConfigFailure. */
export async function environmentOf(client: KubeClient, pod: Pod, container: Container, podIP: string): Promise<Map<string, string>> {
  const variables = new Map<string, string>()
  const namespace = pod.metadata.namespace ?? 'default'
  for (const {prefix = '', configMapRef, secretRef} of container.envFrom ?? []) {
    const data = configMapRef
      ? await configMapData(client, namespace, configMapRef.name, configMapRef.optional)
      : secretRef
        ? await secretData(client, namespace, secretRef.name, secretRef.optional)
        : new Map<string, Buffer>()
    for (const [name, value] of data) variables.set(prefix + name, value.toString())
  }
  for (const entry of container.env ?? []) {
    const value = await entryValue(client, pod, container, entry, podIP, variables)
    if (value !== undefined) variables.set(entry.name, value)
  }
  return variables
}

const entryValue = async (
  client: KubeClient,
  pod: Pod,
  container: Container,
  {name, value, valueFrom}: EnvVar,
  podIP: string,
  variables: ReadonlyMap<string, string>,
): Promise<string | undefined> => {
  if (!valueFrom) return expand(value ?? '', variables)
  const namespace = pod.metadata.namespace ?? 'default'
  if (valueFrom.fieldRef) return fieldOf(pod, valueFrom.fieldRef.fieldPath, podIP)
  if (valueFrom.resourceFieldRef) return amountOf(pod, {containerName: container.name, ...valueFrom.resourceFieldRef})
  const from = valueFrom.configMapKeyRef ?? valueFrom.secretKeyRef
  if (!from) return undefined
  const isSecret = valueFrom.secretKeyRef !== undefined
  const data = await (isSecret ? secretData : configMapData)(client, namespace, from.name, from.optional)
  const found = data.get(from.key)
  if (found === undefined && !from.optional)
    throw new ConfigFailure(`couldn't find key ${from.key} in ${isSecret ? 'Secret' : 'ConfigMap'} ${namespace}/${from.name} (for ${name})`)
  return found?.toString()
}

export interface AmountRef {
  readonly resource: string
  readonly containerName?: string
  readonly divisor?: string
}

/** Thousandths, in which even CPUs are whole numbers. */
const thousandths = (quantity: string | number | undefined): number => Math.round((parseQuantity(quantity) ?? 0) * 1000)

/** A request or limit of one container in units of the divisor, a part of a unit as a whole one. Source: kubelet, ExtractContainerResourceValue. */
export const amountOf = (pod: Pod, {resource, containerName, divisor}: AmountRef): string => {
  const [kind, name = ''] = resource.split('.')
  const of = pod.spec.containers.find((each) => each.name === containerName)
  const amounts = kind === 'limits' ? of?.resources?.limits : of?.resources?.requests
  return String(Math.ceil(thousandths(amounts?.[name]) / (thousandths(divisor) || 1000)))
}

/** A field of a pod, as the downward API names it. Throws a ConfigFailure for one that it does not have. */
export const fieldOf = (pod: Pod, path: string, podIP: string): string => {
  const [, field, key = ''] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path) ?? []
  if (field === 'labels') return pod.metadata.labels?.[key] ?? ''
  if (field === 'annotations') return pod.metadata.annotations?.[key] ?? ''
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name
    case 'metadata.namespace':
      return pod.metadata.namespace ?? ''
    case 'metadata.uid':
      return pod.metadata.uid ?? ''
    case 'spec.nodeName':
      return pod.spec.nodeName ?? ''
    case 'spec.serviceAccountName':
      return String(pod.spec['serviceAccountName'] ?? 'default')
    case 'status.podIP':
    case 'status.podIPs':
      return podIP
    case 'status.hostIP':
      return '127.0.0.1'
    default:
      throw new ConfigFailure(`unsupported fieldPath: ${path}`)
  }
}

const none: ReadonlyMap<string, Buffer> = new Map()

export async function configMapData(
  client: KubeClient,
  namespace: string,
  name: string,
  optional = false,
): Promise<ReadonlyMap<string, Buffer>> {
  const map = await orNone(client.get(CONFIG_MAPS, {namespace, name}), optional, `configmap "${name}" not found`)
  if (!map) return none
  return new Map([
    ...Object.entries(map.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const),
    ...Object.entries(map.binaryData ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
  ])
}

export async function secretData(
  client: KubeClient,
  namespace: string,
  name: string,
  optional = false,
): Promise<ReadonlyMap<string, Buffer>> {
  const secret = await orNone(client.get(SECRETS, {namespace, name}), optional, `secret "${name}" not found`)
  return secret ? new Map(Object.entries(secret.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')])) : none
}

const orNone = async <T>(found: Promise<T>, optional: boolean, sentence: string): Promise<T | undefined> => {
  try {
    return await found
  } catch (error) {
    if (!isNotFound(error)) throw error
    if (optional) return undefined
    throw new ConfigFailure(sentence)
  }
}
