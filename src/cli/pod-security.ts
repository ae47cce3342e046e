import {Flags} from '@oclif/core'
import type {Container, EnvVar, PodSpec} from '../api/core.ts'
import type {WorkerChoices} from './cluster-manifest.ts'
import {usageError} from './user-error.ts'

/** What generated pods may do on their node, by Kubernetes' pod security standards. */

const LEVELS = ['privileged', 'baseline', 'restricted'] as const
type Level = (typeof LEVELS)[number]

const DEFAULT_LEVEL: Level = 'baseline'
/** The first one that systems give to a person; the default image has files for root alone, which all may read. */
const DEFAULT_USER = 1000

/**
 * Of what root has in a container, that which no image of Dask needs. What is left installs packages (EXTRA_APT_PACKAGES) and writes to
 * volumes of other users. Nothing is added: some clusters (OpenShift) let in no pod that does.
 */
const UNUSED_BY_ROOT = ['AUDIT_WRITE', 'MKNOD', 'NET_RAW', 'SETFCAP', 'SETPCAP', 'SYS_CHROOT']

/** A user whom the image does not know has no home: tools that write there (pip, matplotlib, Dask's own configuration) need one. */
const HOME = {name: 'HOME', value: '/tmp'}

export const podSecurityFlags = {
  'pod-security': Flags.option({
    options: LEVELS,
    helpValue: 'LEVEL',
    summary: `Pod security standard that all pods keep: privileged, baseline or restricted (default ${DEFAULT_LEVEL}).`,
  })(),
  'run-as-user': Flags.integer({
    min: 1,
    helpValue: 'UID',
    summary: `The same as --pod-security restricted, as this user (default ${DEFAULT_USER}).`,
  }),
}

export interface PodSecurityFlags {
  readonly 'pod-security'?: Level | undefined
  readonly 'run-as-user'?: number | undefined
}

export interface PodSecurity {
  readonly level: Level
  /** Of restricted pods. */
  readonly user: number
}

/** Rejects a user beside a level that leaves the user to the image. */
export function podSecurityOf({'pod-security': level, 'run-as-user': user}: PodSecurityFlags): PodSecurity {
  if (user !== undefined && level !== undefined && level !== 'restricted')
    throw usageError(`--run-as-user and --pod-security ${level} exclude each other`, '--run-as-user means --pod-security restricted')
  return {level: level ?? (user === undefined ? DEFAULT_LEVEL : 'restricted'), user: user ?? DEFAULT_USER}
}

/** Fields of a pod. Volumes that can be given to a group are the user's, so that it can write to them. */
export const securedPod = ({level, user}: PodSecurity): Partial<PodSpec> => {
  if (level === 'privileged') return {}
  const seccompProfile = {type: 'RuntimeDefault'}
  if (level === 'baseline') return {securityContext: {seccompProfile}}
  return {securityContext: {runAsNonRoot: true, runAsUser: user, fsGroup: user, fsGroupChangePolicy: 'OnRootMismatch', seccompProfile}}
}

/** Fields of its container. */
export const securedContainer = ({level}: PodSecurity): Partial<Container> =>
  level === 'privileged'
    ? {}
    : {securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: level === 'restricted' ? ['ALL'] : UNUSED_BY_ROOT}}}

/** The variables with a home for a user who has none, unless they name one. */
export const withHome = ({level}: PodSecurity, env: readonly EnvVar[] | undefined): readonly EnvVar[] | undefined =>
  level !== 'restricted' || env?.some(({name}) => name === HOME.name) ? env : [HOME, ...(env ?? [])]

/** Workers that may do what those of the cluster that they join may do. */
export const securedLike = (choices: WorkerChoices, {securityContext, containers: [worker]}: PodSpec): WorkerChoices => {
  const home = worker?.env?.filter(({name, value}) => name === HOME.name && value === HOME.value) ?? []
  const hasHome = choices.env?.some(({name}) => name === HOME.name)
  return {
    ...choices,
    ...(!hasHome && home.length > 0 && {env: [...home, ...(choices.env ?? [])]}),
    pod: {...choices.pod, securityContext},
    container: {...choices.container, securityContext: worker?.['securityContext']},
  }
}
