import {Flags} from '@oclif/core'
import {isClusterName, MAX_CLUSTER_NAME} from '../api/names.ts'
import {type ClusterChoices, DEFAULT_IMAGE, DEFAULT_WORKERS, type Marks} from './cluster-manifest.ts'
import {parseDuration} from './duration.ts'
import {envFlag, pairFlag} from './flags.ts'
import {furtherResources, nodeSelectorFlag, type PodFlags, podExtras, podFlags, quantityFlag} from './pod-flags.ts'
import {type PodSecurityFlags, podSecurityFlags, podSecurityOf, securedContainer, securedPod, withHome} from './pod-security.ts'
import {type UserError, usageError} from './user-error.ts'
import {workerNumberFlag} from './worker-number.ts'

/** Flags of the pods that a command generates. */
export const workerFlags = {
  workers: workerNumberFlag({char: 'w', summary: `Number of workers (default ${DEFAULT_WORKERS}).`}),
  image: Flags.string({helpValue: 'IMAGE', summary: `Image of all pods (default ${DEFAULT_IMAGE}).`}),
  cpu: quantityFlag({summary: 'CPUs of each worker, request and limit alike.'}),
  memory: quantityFlag({summary: 'Memory of each worker, request and limit alike.'}),
  env: envFlag({summary: 'Environment variable of all pods; may be repeated.'}),
  ...podFlags,
  ...podSecurityFlags,
}

const parseNamespace = (text: string): string => {
  if (text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text)) return text
  throw usageError(`"${text}" is no name of a namespace`, 'give one name each time: --allow-namespace a --allow-namespace b')
}

export const schedulerFlags = {
  'scheduler-cpu': quantityFlag({summary: 'CPUs of the scheduler.'}),
  'scheduler-memory': quantityFlag({summary: 'Memory of the scheduler.'}),
  'scheduler-service-type': Flags.string({
    options: ['ClusterIP', 'NodePort', 'LoadBalancer'],
    helpValue: 'TYPE',
    summary: 'Type of the Service before the scheduler (default ClusterIP).',
  }),
  'scheduler-node-selector': nodeSelectorFlag({
    summary: 'Label that the node of the scheduler has, instead of those of --node-selector; may be repeated.',
  }),
  jupyter: Flags.boolean({summary: 'Let the scheduler serve JupyterLab too, at /jupyter of its dashboard; its image must have it.'}),
  'network-policy': Flags.boolean({summary: 'Let only its own pods and the operator reach the cluster.'}),
  'allow-namespace': Flags.custom<string>({parse: async (text) => parseNamespace(text)})({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'NAME',
    summary: 'The same, but let the pods of this namespace reach the scheduler too; may be repeated.',
  }),
  tls: Flags.boolean({summary: 'Speak TLS, with a certificate that the operator issues; clients without it are refused.'}),
  'tls-secret': Flags.string({
    helpValue: 'NAME',
    summary: 'Speak TLS with the certificate of this Secret (tls.crt, tls.key, ca.crt), as cert-manager makes it.',
    exclusive: ['tls'],
  }),
  'idle-timeout': Flags.custom<number>({parse: async (text) => parseDuration(text)})({
    helpValue: 'TIME',
    summary: 'Delete the cluster when nothing has run for this long; the own cluster of a job only after its end.',
  }),
}

export const markFlags = {
  label: pairFlag({summary: 'Label of the object; may be repeated.'}),
  annotation: pairFlag({summary: 'Annotation of the object; may be repeated.'}),
}

export interface ChoiceFlags extends PodFlags, PodSecurityFlags {
  readonly workers?: number | undefined
  readonly image?: string | undefined
  readonly cpu?: string | undefined
  readonly memory?: string | undefined
  readonly env?: readonly {readonly name: string; readonly value: string}[] | undefined
  readonly 'scheduler-cpu'?: string | undefined
  readonly 'scheduler-memory'?: string | undefined
  readonly 'scheduler-service-type'?: string | undefined
  readonly 'scheduler-node-selector'?: readonly (readonly [string, string])[] | undefined
  readonly jupyter?: boolean
  readonly 'network-policy'?: boolean
  readonly 'allow-namespace'?: readonly string[] | undefined
  readonly tls?: boolean | undefined
  readonly 'tls-secret'?: string | undefined
  readonly 'idle-timeout'?: number | undefined
  readonly 'idle-action'?: string | undefined
}

/** Rejects flags that exclude each other. */
export const choicesOf = (flags: ChoiceFlags): ClusterChoices => {
  const security = podSecurityOf(flags)
  const {pod, container} = podExtras(flags)
  return {
    workers: flags.workers ?? DEFAULT_WORKERS,
    image: flags.image ?? DEFAULT_IMAGE,
    env: withHome(security, flags.env),
    pod: {...pod, ...securedPod(security)},
    container: {...container, ...securedContainer(security)},
    resources: {cpu: flags.cpu, memory: flags.memory, ...furtherResources(flags)},
    workerCommand: flags['worker-command'],
    workerResources: flags['worker-resource'],
    schedulerResources: {cpu: flags['scheduler-cpu'], memory: flags['scheduler-memory']},
    jupyter: flags.jupyter,
    schedulerServiceType: flags['scheduler-service-type'],
    schedulerNodeSelector: flags['scheduler-node-selector'] && Object.fromEntries(flags['scheduler-node-selector']),
    reachableFrom: flags['network-policy'] || flags['allow-namespace'] ? (flags['allow-namespace'] ?? []) : undefined,
    tls: flags['tls-secret'] === undefined ? (flags.tls ? {auto: true} : undefined) : {secretName: flags['tls-secret']},
    idleTimeout: flags['idle-timeout'] === undefined ? undefined : Math.ceil(flags['idle-timeout'] / 1000),
    idleAction: flags['idle-action'] === 'suspend' ? 'Suspend' : undefined,
  }
}

export interface MarkFlags {
  readonly label?: readonly (readonly [string, string])[] | undefined
  readonly annotation?: readonly (readonly [string, string])[] | undefined
}

export const marksOf = (flags: MarkFlags): Marks => ({
  ...(flags.label?.length && {labels: Object.fromEntries(flags.label)}),
  ...(flags.annotation?.length && {annotations: Object.fromEntries(flags.annotation)}),
})

/** Flags that make a manifest say nothing beside one that is given. */
export function refuseBeside(file: string | undefined, flags: Readonly<Record<string, unknown>>, names: readonly string[]): void {
  const given = names.filter((name) => flags[name] !== undefined)
  if (file !== undefined && given.length > 0)
    throw usageError(`--filename and ${given.map((name) => `--${name}`).join(', ')} exclude each other`, 'change the manifest instead')
}

/** Rejects, before anything is sent, a name that the operator would refuse (contract 1.4). */
export function checkClusterName(name: string, what: 'cluster' | 'job' = 'cluster'): void {
  if (!isClusterName(name)) throw invalidName(name, `a ${what}`, MAX_CLUSTER_NAME)
}

const invalidName = (name: string, what: string, most: number): UserError =>
  usageError(
    `the name "${name.length > 2 * most ? `${name.slice(0, most)}…` : name}" is invalid for ${what}: lower case letters, digits and "-", a letter or digit at both ends, and at most ${most} characters`,
  )

/** Names of groups end in their pods' names and labels, which hold 63 characters. */
export function checkGroupName(name: string): void {
  if (name.length > 45 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) throw invalidName(name, 'a group of workers', 45)
}
