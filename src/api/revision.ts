import type {Pod, PodSpec} from './core.ts'
import type {DaskCluster, DaskWorkerGroup} from './dask.ts'
import {ANNOTATION_RESTARTED_AT, ANNOTATION_REVISION, DEFAULT_COMM_PORT} from './names.ts'
import {servicePort} from './scheduler-address.ts'
import {tlsSecretName} from './tls.ts'

/** Which spec a pod was made from, and whether it is still the one that its owner asks for (design section 9, "edits"). */

/** Equal for equal JSON, whatever the order of its keys: 64 bits of FNV-1a, the hash that Kubernetes gives its own pod templates. */
export function revisionOf(value: unknown): string {
  let high = 0x811c9dc5
  let low = 0xcbf29ce4
  for (const character of canonical(value)) {
    const code = character.codePointAt(0) ?? 0
    high = Math.imul(high ^ code, 0x01000193)
    low = Math.imul(low ^ code, 0x01000193) ^ (high >>> 15)
  }
  return [high, low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
}

const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`)
    .join(',')}}`
}

/** What a pod should have been made from, and the last time that somebody asked for a restart. */
export interface Target {
  readonly revision: string
  readonly restartedAt: string | undefined
}

/** The annotations by which a pod tells what it was made from. */
export const targetAnnotations = ({revision, restartedAt}: Target): Readonly<Record<string, string>> => ({
  [ANNOTATION_REVISION]: revision,
  ...(restartedAt !== undefined && {[ANNOTATION_RESTARTED_AT]: restartedAt}),
})

export const schedulerTarget = (cluster: DaskCluster): Target => ({
  revision: revisionOf(withSurroundings(cluster.spec.scheduler.spec, tlsSecretName(cluster))),
  restartedAt: cluster.metadata.annotations?.[ANNOTATION_RESTARTED_AT],
})

/** Alone it makes the revision that it made before there was anything else. */
const withSurroundings = (spec: PodSpec, ...others: readonly unknown[]): unknown => {
  const said = others.filter((other) => other !== undefined)
  return said.length > 0 ? [spec, ...said] : spec
}

/** The scheduler's port is in every worker's address: another one makes another worker. */
export const workerTarget = (group: DaskWorkerGroup, cluster: DaskCluster): Target => {
  const port = servicePort({spec: cluster.spec.scheduler.service})
  const asked = [cluster, group].flatMap(({metadata}) => metadata.annotations?.[ANNOTATION_RESTARTED_AT] ?? [])
  return {
    revision: revisionOf(withSurroundings(group.spec.worker.spec, port === DEFAULT_COMM_PORT ? undefined : port, tlsSecretName(cluster))),
    restartedAt: asked.toSorted().at(-1),
  }
}

/** A restart that was asked for after the pod was made. */
export const isRestartDue = ({metadata: {annotations}}: Pod, {restartedAt}: Target): boolean =>
  restartedAt !== undefined && annotations?.[ANNOTATION_RESTARTED_AT] !== restartedAt

/** Made from an earlier spec. A pod that does not tell is taken as it is: an upgrade of the operator restarts nothing. */
export const isOfEarlierSpec = ({metadata: {annotations}}: Pod, {revision}: Target): boolean =>
  annotations?.[ANNOTATION_REVISION] !== undefined && annotations[ANNOTATION_REVISION] !== revision
