import {Flags} from '@oclif/core'
import type {Container, PodSpec} from '../api/core.ts'
import {usageError} from './user-error.ts'

/** Everything that flags say of the pods of a cluster beyond image and size, as flags and as parts of a pod. */

/** A Kubernetes quantity (`500m`, `1.5`, `4Gi`). Throws a usage error that says what is right. */
export const parseQuantity = (text: string): string => {
  if (/^\d+(\.\d+)?([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/.test(text)) return text
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text) ?? []
  const meant = number === undefined ? undefined : UNITS[unit.toLowerCase()]
  throw usageError(`"${text}" is no quantity`, meant ? `did you mean ${number}${meant}?` : 'write it like 500m, 2 or 4Gi')
}

/** What people write for Kubernetes' own suffixes. */
const UNITS: Readonly<Record<string, string>> = {
  ...{b: '', k: 'Ki', kb: 'Ki', ki: 'Ki', kib: 'Ki', mb: 'Mi', mi: 'Mi', mib: 'Mi'},
  ...{g: 'Gi', gb: 'Gi', gi: 'Gi', gib: 'Gi', t: 'Ti', tb: 'Ti', ti: 'Ti', tib: 'Ti', cpu: '', cpus: '', cores: ''},
}

export const quantityFlag = Flags.custom<string>({helpValue: 'QUANTITY', parse: async (text) => parseQuantity(text)})

const repeated = {multiple: true, multipleNonGreedy: true} as const

const parsed = <T>(parse: (text: string) => T) => Flags.custom<T>({...repeated, parse: async (text) => parse(text)})

type EnvFrom = NonNullable<Container['envFrom']>[number]
type Toleration = NonNullable<PodSpec['tolerations']>[number]

export interface Volume {
  readonly source: Readonly<Record<string, unknown>>
  readonly path: string
  readonly readOnly: boolean
}

const parseEnvFrom = (text: string): EnvFrom => {
  const [, kind, name = ''] = /^(configmap|cm|secret)\/([a-z0-9][a-z0-9.-]*)$/.exec(text) ?? []
  if (kind === undefined) throw usageError(`"${text}" is no source of variables`, 'write configmap/NAME or secret/NAME')
  return kind === 'secret' ? {secretRef: {name}} : {configMapRef: {name}}
}

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

const parseToleration = (text: string): Toleration => {
  const [, key, value, effect] = /^([^=:]+)(?:=([^:]*))?(?::(.+))?$/.exec(text) ?? []
  if (key === undefined || (effect !== undefined && !EFFECTS.includes(effect)))
    throw usageError(
      `"${text}" is no toleration`,
      'write KEY, KEY:EFFECT or KEY=VALUE:EFFECT, where EFFECT is NoSchedule, PreferNoSchedule or NoExecute',
    )
  return {key, ...(value === undefined ? {operator: 'Exists'} : {operator: 'Equal', value}), ...(effect !== undefined && {effect})}
}

const parseVolume = (text: string): Volume => {
  const [, kind, name = '', path = '', mode] = /^(pvc|configmap|cm|secret)\/([a-z0-9][a-z0-9.-]*):(\/[^:]*)(?::(ro|rw))?$/.exec(text) ?? []
  if (kind === undefined)
    throw usageError(
      `"${text}" is no volume`,
      'write pvc/NAME:/path, configmap/NAME:/path or secret/NAME:/path, with :ro behind it for read-only',
    )
  const source =
    kind === 'pvc' ? {persistentVolumeClaim: {claimName: name}} : kind === 'secret' ? {secret: {secretName: name}} : {configMap: {name}}
  return {source, path, readOnly: mode === 'ro'}
}

const parseAmount = (text: string): readonly [string, string] => {
  const at = text.indexOf('=')
  if (at < 1) throw usageError(`"${text}" is no NAME=AMOUNT`, 'write it like ephemeral-storage=10Gi')
  return [text.slice(0, at), parseQuantity(text.slice(at + 1))]
}

/** An abstract resource of Dask's own, by which tasks are bound to workers. */
export const parseWorkerResource = (text: string): readonly [string, number] => {
  const [, name, amount] = /^([^=\s]+)=(\d+(?:\.\d+)?(?:e\d+)?)$/i.exec(text) ?? []
  if (name === undefined) throw usageError(`"${text}" is no NAME=NUMBER`, 'write it like FOO=2')
  return [name, Number(amount)]
}

/** The program of a worker, by its words: `dask cuda worker`. */
export const parseWorkerCommand = (text: string): readonly string[] => {
  const words = text.split(/\s+/).filter((word) => word !== '')
  if (words.length === 0) throw usageError('--worker-command is empty', 'write it like --worker-command "dask cuda worker"')
  return words
}

const parseSelector = (text: string): readonly [string, string] => {
  const [, key, value] = /^([A-Za-z0-9./_-]+)=([A-Za-z0-9._-]*)$/.exec(text) ?? []
  if (key === undefined) throw usageError(`"${text}" is no KEY=VALUE of a node's label`, 'write it like pool=highmem')
  return [key, value ?? '']
}

export const nodeSelectorFlag = Flags.custom<readonly [string, string]>({
  ...repeated,
  helpValue: 'KEY=VALUE',
  parse: async (text) => parseSelector(text),
})

export const podFlags = {
  gpu: Flags.integer({min: 1, helpValue: 'N', summary: 'GPUs of each worker (nvidia.com/gpu).'}),
  resource: parsed(parseAmount)({helpValue: 'NAME=QUANTITY', summary: 'Another resource of each worker; may be repeated.'}),
  'worker-resource': parsed(parseWorkerResource)({
    helpValue: 'NAME=NUMBER',
    summary: "Dask's own resource of each worker, to which tasks can be bound; may be repeated.",
  }),
  'worker-command': Flags.custom<readonly string[]>({
    helpValue: '"WORDS"',
    parse: async (text) => parseWorkerCommand(text),
    summary: 'What each worker runs instead of "dask worker", like "dask cuda worker".',
  })(),
  'env-from': parsed(parseEnvFrom)({helpValue: 'KIND/NAME', summary: 'Variables from configmap/NAME or secret/NAME; may be repeated.'}),
  volume: parsed(parseVolume)({
    helpValue: 'KIND/NAME:PATH',
    summary: 'Mount pvc/NAME, configmap/NAME or secret/NAME in all pods (":ro" behind it: read-only); may be repeated.',
  }),
  toleration: parsed(parseToleration)({helpValue: 'KEY=VALUE:EFFECT', summary: 'Taint that all pods put up with; may be repeated.'}),
  'node-selector': nodeSelectorFlag({summary: 'Label that the nodes of all pods have; may be repeated.'}),
  'priority-class': Flags.string({helpValue: 'NAME', summary: 'Priority class of all pods.'}),
  'pod-scheduler': Flags.string({helpValue: 'NAME', summary: "Who finds nodes for all pods, instead of Kubernetes' own scheduler."}),
  'service-account': Flags.string({helpValue: 'NAME', summary: 'Service account of all pods.'}),
  'pull-secret': Flags.string({...repeated, helpValue: 'NAME', summary: 'Secret with which images are pulled; may be repeated.'}),
}

export interface PodFlags {
  readonly gpu?: number | undefined
  readonly resource?: readonly (readonly [string, string])[] | undefined
  readonly 'worker-resource'?: readonly (readonly [string, number])[] | undefined
  readonly 'worker-command'?: readonly string[] | undefined
  readonly 'env-from'?: readonly EnvFrom[] | undefined
  readonly volume?: readonly Volume[] | undefined
  readonly toleration?: readonly Toleration[] | undefined
  readonly 'node-selector'?: readonly (readonly [string, string])[] | undefined
  readonly 'priority-class'?: string | undefined
  readonly 'pod-scheduler'?: string | undefined
  readonly 'service-account'?: string | undefined
  readonly 'pull-secret'?: readonly string[] | undefined
}

/** What all pods of a call have in common. */
export interface PodExtras {
  /** Fields of the pod. */
  readonly pod?: Partial<PodSpec>
  /** Fields of its container. */
  readonly container?: Partial<Container>
}

export const podExtras = (flags: PodFlags): PodExtras => {
  const {volume: volumes = [], toleration: tolerations = [], 'node-selector': selector = [], 'pull-secret': secrets = []} = flags
  const name = (index: number): string => `volume-${index + 1}`
  return {
    pod: {
      ...(volumes.length > 0 && {volumes: volumes.map(({source}, index) => ({name: name(index), ...source}))}),
      ...(tolerations.length > 0 && {tolerations}),
      ...(selector.length > 0 && {nodeSelector: Object.fromEntries(selector)}),
      ...(flags['priority-class'] !== undefined && {priorityClassName: flags['priority-class']}),
      ...(flags['pod-scheduler'] !== undefined && {schedulerName: flags['pod-scheduler']}),
      ...(flags['service-account'] !== undefined && {serviceAccountName: flags['service-account']}),
      ...(secrets.length > 0 && {imagePullSecrets: secrets.map((each) => ({name: each}))}),
    },
    container: {
      ...(flags['env-from']?.length && {envFrom: flags['env-from']}),
      ...(volumes.length > 0 && {
        volumeMounts: volumes.map(({path, readOnly}, index) => ({name: name(index), mountPath: path, ...(readOnly && {readOnly})})),
      }),
    },
  }
}

/** The amounts of a worker that are neither CPU nor memory. */
export const furtherResources = ({gpu, resource = []}: PodFlags): Readonly<Record<string, string>> => ({
  ...(gpu !== undefined && {'nvidia.com/gpu': String(gpu)}),
  ...Object.fromEntries(resource),
})
