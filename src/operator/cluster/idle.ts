import {timestamp} from '../../api/conditions.ts'
import {DASK_CLUSTERS, type DaskCluster} from '../../api/dask.ts'
import type {Action} from '../engine/contract.ts'
import {REASON} from './reasons.ts'
import type {IdleView} from './world.ts'

/** 0: never. */
export const idleTimeoutMs = ({spec: {idleTimeout}}: DaskCluster): number => 1000 * Math.max(0, idleTimeout ?? 0)

export interface IdleSteps {
  /** Empty, or what ends an idle cluster. */
  readonly stages: readonly (readonly Action[])[]
  readonly idleSince?: string
}

/** An answer this old is not acted on: another one comes in a moment. */
const FRESH_MS = 1_000

/** What becomes of a cluster that has had nothing to do for as long as `idleTimeout` says: deleted or suspended, by the scheduler's word of just now. */
export function idleSteps(cluster: DaskCluster, view: IdleView | undefined): IdleSteps {
  if (!view || idleTimeoutMs(cluster) === 0) return {stages: []}
  const {since, forMs, ageMs, failure} = view
  if (failure !== undefined)
    return {stages: [[tell('Warning', REASON.idleUnknown, `whether the scheduler is idle cannot be known: ${failure}`)]], ...idle(since)}
  const isDue = since !== undefined && forMs >= idleTimeoutMs(cluster) && ageMs < FRESH_MS
  return {stages: isDue ? end(cluster) : [], ...idle(since)}
}

const idle = (since: number | undefined): Pick<IdleSteps, 'idleSince'> => (since === undefined ? {} : {idleSince: timestamp(since)})

/** Only as it was seen: whoever has just changed the timeout is heard. */
const end = (cluster: DaskCluster): IdleSteps['stages'] => {
  const {name, namespace, uid = '', resourceVersion} = cluster.metadata
  const target = {
    kind: DASK_CLUSTERS,
    ref: {name, ...(namespace !== undefined && {namespace})},
    uid,
    ...(resourceVersion !== undefined && {resourceVersion}),
  }
  const why = `nothing has run for ${cluster.spec.idleTimeout} s (spec.idleTimeout)`
  return cluster.spec.idleAction === 'Suspend'
    ? [[{do: 'patch', ...target, patch: {spec: {suspend: true}}}], [tell('Normal', REASON.idle, `suspended: ${why}`)]]
    : [[tell('Normal', REASON.idle, `deleted: ${why}`)], [{do: 'delete', ...target, why}]]
}

const tell = (type: 'Normal' | 'Warning', reason: string, message: string): Action => ({do: 'tell', type, reason, message})
