import {DASK_CLUSTERS, DASK_WORKER_GROUPS, type DaskCluster} from '../api/dask.ts'
import {type Revision, revisionsOf, type Templates} from '../api/history.ts'
import {isEqual} from '../api/json.ts'
import {defaultGroupName} from '../api/names.ts'
import {ifMissing} from '../kube/errors.ts'
import type {ChangeCall} from './suspend.ts'
import type {Column} from './table.ts'

export interface History {
  readonly cluster: DaskCluster
  /** The oldest first; the last one is that of now. */
  readonly revisions: readonly Revision[]
}

/** The pod templates that a cluster has had, as far as its operator keeps them. Rejects where there is no such cluster. */
export async function readHistory({client, namespace, name, signal}: Omit<ChangeCall, 'dryRun'>): Promise<History> {
  const cluster = await client.get(DASK_CLUSTERS, {namespace, name}, {signal})
  const group = await client.get(DASK_WORKER_GROUPS, {namespace, name: defaultGroupName(name)}, {signal}).catch(ifMissing(undefined))
  return {cluster, revisions: revisionsOf(cluster, group?.metadata.annotations)}
}

export interface HistoryRow {
  readonly revision: number
  readonly isNow: boolean
  /** Where it differs from the one before: `worker.containers[0].image=ghcr.io/dask/dask:2026.8.0`. */
  readonly changes: readonly string[]
}

export const historyRows = (revisions: readonly Revision[]): readonly HistoryRow[] =>
  revisions.map((each, index) => {
    const before = revisions[index - 1]
    return {revision: each.revision, isNow: index === revisions.length - 1, changes: before ? changesBetween(before, each) : []}
  })

const SHOWN = 3

const inShort = (changes: readonly string[]): string =>
  changes.length > SHOWN ? `${changes.slice(0, SHOWN).join(', ')} and ${changes.length - SHOWN} more` : changes.join(', ')

export const historyColumns: readonly Column<HistoryRow>[] = [
  {header: 'REVISION', value: ({revision, isNow}) => `${revision}${isNow ? ' (now)' : ''}`},
  {header: 'CHANGE', value: ({changes}) => inShort(changes)},
]

/** Fields as jsonpath names them, with what each has become where that is short. */
const changesBetween = (before: Templates, after: Templates): readonly string[] =>
  (['scheduler', 'worker'] as const).flatMap((part) => changesAt(part, before[part], after[part]))

const changesAt = (path: string, before: unknown, after: unknown): readonly string[] => {
  if (isEqual(before, after)) return []
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length)
    return after.flatMap((each, index) => changesAt(`${path}[${index}]`, before[index], each))
  if (isRecord(before) && isRecord(after))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      changesAt(`${path}.${key}`, before[key], after[key]),
    )
  if (after === undefined) return [`${path} removed`]
  return [typeof after === 'object' ? path : `${path}=${after}`]
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
