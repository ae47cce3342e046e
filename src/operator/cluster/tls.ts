import type {Claim} from '../../api/conditions.ts'
import {type Pod, SECRETS, type Secret} from '../../api/core.ts'
import {DASK_WORKER_GROUPS, type DaskCluster} from '../../api/dask.ts'
import {ANNOTATION_RENEWED_AT, ANNOTATION_RESTARTED_AT, ANNOTATION_RUNS_OUT_AT} from '../../api/names.ts'
import {isPodEnded, isPodLeaving, podStartedAt} from '../../api/pod-state.ts'
import {refOf} from '../../api/ref.ts'
import {tlsSecretName} from '../../api/tls.ts'
import type {Action, Patch} from '../engine/contract.ts'
import {REASON} from './reasons.ts'
import type {ClusterWorld, GroupView} from './world.ts'

export interface TlsSteps {
  /** Before anything that needs the certificate. */
  readonly secret: readonly Action[]
  /** So that workers come to show the renewed one. */
  readonly restarts: readonly Patch[]
  /** Why there is no certificate, and when to look again: no watch tells when a Secret comes, or the right to read it. */
  readonly trouble?: TlsTrouble
}

export interface TlsTrouble {
  readonly reason: string
  readonly message: string
  /** Nobody has to do anything about it. */
  readonly isPassing: boolean
  readonly againMs: number
}

const LOOK_AGAIN_MS = 10_000
const GARBAGE_COLLECTED_MS = 1_000

/** What a cluster with `spec.tls` needs: its Secret, later a renewed one, and workers that have read that. */
export function tlsSteps(cluster: DaskCluster, {tls, groups}: Pick<ClusterWorld, 'tls' | 'groups'>): TlsSteps {
  const name = tlsSecretName(cluster)
  if (!tls || name === undefined) return {secret: [], restarts: []}
  const waits = (trouble: TlsTrouble): TlsSteps => ({secret: [], restarts: [], trouble})
  const trouble = (reason: string, message: string): TlsSteps => waits({reason, message, isPassing: false, againMs: LOOK_AGAIN_MS})
  switch (tls.is) {
    case 'missing':
      if (tls.fresh) return {secret: [{do: 'create', kind: SECRETS, object: tls.fresh}], restarts: []}
      return trouble(REASON.certificateMissing, `there is no Secret "${name}" in this namespace; make it, or let cert-manager`)
    case 'forbidden':
      return trouble(
        REASON.secretsForbidden,
        `the operator may not read Secret "${name}", and spec.tls needs that: "operator install --tls" gives it the right (${tls.message})`,
      )
    case 'unfit':
      return trouble(REASON.certificateUnfit, tls.message)
    case 'leaving':
      return waits({
        reason: REASON.predecessorLeaves,
        message: `Secret "${name}" of an earlier DaskCluster of this name still exists; waiting until it is gone`,
        isPassing: true,
        againMs: GARBAGE_COLLECTED_MS,
      })
    case 'there':
      return {secret: tls.renewal ? [renew(tls.secret, tls.renewal)] : [], restarts: groups.flatMap((group) => restart(group, tls.secret))}
    default:
      return tls satisfies never
  }
}

const renew = (secret: Secret, renewal: Patch['patch']): Patch => ({
  do: 'patch',
  kind: SECRETS,
  ref: refOf(secret),
  uid: secret.metadata.uid ?? '',
  // Another operator may have renewed it meanwhile.
  ...(secret.metadata.resourceVersion !== undefined && {resourceVersion: secret.metadata.resourceVersion}),
  patch: renewal,
})

/** A process shows the certificate that it read when it began: workers of before the renewal leave as in any rollout, and no task starts twice. */
const restart = ({group, pods}: GroupView, secret: Secret): readonly Patch[] => {
  const renewedAt = secret.metadata.annotations?.[ANNOTATION_RENEWED_AT]
  const asked = group.metadata.annotations?.[ANNOTATION_RESTARTED_AT]
  const isByHand = group.spec.worker.updateStrategy?.type === 'OnDelete'
  const isOver =
    isByHand || group.metadata.deletionTimestamp !== undefined || (asked !== undefined && renewedAt !== undefined && asked >= renewedAt)
  if (renewedAt === undefined || isOver || !pods.some((pod) => isOfFormer(pod, renewedAt))) return []
  return [
    {
      do: 'patch',
      kind: DASK_WORKER_GROUPS,
      ref: refOf(group),
      uid: group.metadata.uid ?? '',
      patch: {metadata: {annotations: {[ANNOTATION_RESTARTED_AT]: renewedAt}}},
    },
  ]
}

const isOfFormer = (pod: Pod, renewedAt: string): boolean => !isPodLeaving(pod) && !isPodEnded(pod) && begunAt(pod) < Date.parse(renewedAt)

const begunAt = (pod: Pod): number => Date.parse(pod.status?.containerStatuses?.[0]?.state?.running?.startedAt ?? '') || podStartedAt(pod)

/** With the scheduler all tasks and results would go, so that only a person can say when it is to begin anew. */
export function schedulerCertificateClaim(
  cluster: DaskCluster,
  {tls, scheduler}: Pick<ClusterWorld, 'tls' | 'scheduler'>,
): Claim | undefined {
  if (tls?.is !== 'there' || !scheduler) return undefined
  const {[ANNOTATION_RENEWED_AT]: renewedAt, [ANNOTATION_RUNS_OUT_AT]: runsOutAt} = tls.secret.metadata.annotations ?? {}
  if (renewedAt === undefined || !isOfFormer(scheduler, renewedAt)) return undefined
  return {
    status: false,
    reason: REASON.certificateRunsOut,
    message:
      `the scheduler shows a certificate that is good until ${runsOutAt}, and would read the renewed one when it begins anew; ` +
      `all tasks and results go with it: kubectl dask cluster restart ${cluster.metadata.name}`,
  }
}
