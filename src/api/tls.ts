import type {EnvVar, Pod, PodSpec} from './core.ts'
import type {DaskCluster} from './dask.ts'
import {ANNOTATION_TLS_SECRET} from './names.ts'
import {withEnv} from './pod-env.ts'

/** How the processes of a cluster come by the certificate with which they speak to each other (`spec.tls`). */

/** Keys of the Secret, as cert-manager writes them: the authority, a certificate for server and client alike, its key. */
export const TLS_KEYS = ['ca.crt', 'tls.crt', 'tls.key'] as const
/** In the Secret of a cluster with `auto`: the authority's own key, which no pod is given. */
export const AUTHORITY_KEY = 'ca.key'

/** Where the pods find the files. */
const TLS_DIRECTORY = '/var/run/secrets/kubernetes.dask.org/tls'
/** A pod spec that has a volume of this name brings the certificate in its own way. */
export const TLS_VOLUME = 'dask-tls'

/** Name of the Secret that the cluster's pods are to be given; `undefined`: it does not speak TLS. */
export const tlsSecretName = ({metadata, spec}: DaskCluster): string | undefined =>
  spec.tls?.secretName ?? (spec.tls?.auto === true ? `${metadata.name}-tls` : undefined)

/** Name of the Secret that a scheduler was given, whatever its cluster's spec says by now; a volume of its own does not tell, but it does itself. */
export const tlsSecretOf = ({metadata, spec}: Pick<Pod, 'metadata' | 'spec'>): string | undefined =>
  metadata.annotations?.[ANNOTATION_TLS_SECRET] ?? spec.volumes?.find(({name}) => name === TLS_VOLUME)?.secret?.secretName

/** The Secret with which one speaks to a cluster: its scheduler speaks as it did when it began, whatever the spec says by now. */
export const spokenBy = (cluster: DaskCluster, scheduler: Pod | undefined): string | undefined =>
  scheduler ? tlsSecretOf(scheduler) : tlsSecretName(cluster)

export const schemeOf = (secretName: string | undefined): 'tls' | 'tcp' => (secretName === undefined ? 'tcp' : 'tls')

/** The pod spec with the certificate and with Dask told to use it, except for what its containers set themselves; as it is where there is none. */
export const withTls = (spec: PodSpec, secretName: string | undefined): PodSpec => {
  if (secretName === undefined) return spec
  const items = TLS_KEYS.map((key) => ({key, path: key}))
  const volumes = spec.volumes ?? []
  const containers = spec.containers.map((container) => {
    const mounts = container.volumeMounts ?? []
    const isMounted = mounts.some(({name, mountPath}) => name === TLS_VOLUME || mountPath === TLS_DIRECTORY)
    return isMounted ? container : {...container, volumeMounts: [...mounts, {name: TLS_VOLUME, mountPath: TLS_DIRECTORY, readOnly: true}]}
  })
  const hasVolume = volumes.some(({name}) => name === TLS_VOLUME)
  return withEnv(
    {...spec, containers, volumes: hasVolume ? volumes : [...volumes, {name: TLS_VOLUME, secret: {secretName, items}}]},
    podVariables(),
  )
}

type Role = 'SCHEDULER' | 'WORKER' | 'CLIENT'

/** Dask's own variables for the files in a folder, for a process in these roles. */
export const fileVariables = (directory: string, roles: readonly Role[]): Readonly<Record<string, string>> => ({
  [`${PREFIX}__TLS__CA_FILE`]: `${directory}/ca.crt`,
  ...Object.fromEntries(
    roles.flatMap((role) => [
      [`${PREFIX}__TLS__${role}__CERT`, `${directory}/tls.crt`],
      [`${PREFIX}__TLS__${role}__KEY`, `${directory}/tls.key`],
    ]),
  ),
})

const PREFIX = 'DASK_DISTRIBUTED__COMM'

/** A pod's processes take in nobody who speaks anything else. */
const podVariables = (): readonly EnvVar[] =>
  Object.entries({
    [`${PREFIX}__DEFAULT_SCHEME`]: 'tls',
    [`${PREFIX}__REQUIRE_ENCRYPTION`]: 'True',
    ...fileVariables(TLS_DIRECTORY, ['SCHEDULER', 'WORKER', 'CLIENT']),
  }).map(([name, value]) => ({name, value}))
