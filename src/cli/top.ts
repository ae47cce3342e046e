import {DASK_CLUSTERS, type DaskCluster} from '../api/dask.ts'
import type {KubeClient} from '../kube/client.ts'
import {formatBytes} from '../ui/bytes.ts'
import {type ClusterNumbers, type Numbers, readNumbers, waitingOf} from './cluster-numbers.ts'
import {clusterStatus} from './columns.ts'
import {formatDuration} from './duration.ts'
import {readNamed} from './list.ts'
import type {Column} from './table.ts'

/** What one cluster uses, by its scheduler's word; `numbers` are absent where no scheduler is ready. */
export interface TopRow {
  readonly namespace: string
  readonly name: string
  readonly status: string
  readonly numbers: Numbers | undefined
}

export interface TopCall {
  readonly client: KubeClient
  /** Absent: of all namespaces. */
  readonly namespace: string | undefined
  /** Absent or empty: all that the selector finds. */
  readonly names: readonly string[]
  readonly selector: string | undefined
  readonly signal: AbortSignal
}

/** Each has a connection of its own through the API server. */
const ASKED_AT_ONCE = 16

export interface Top {
  readonly rows: readonly TopRow[]
  /** Of those that were named, the first that could not be had, where there are others. */
  readonly missing: PromiseRejectedResult | undefined
}

/** Rejects where none of the clusters that are named exists; a scheduler that does not answer is told in its row. */
export async function readTop({client, namespace, names, selector, signal}: TopCall): Promise<Top> {
  const {found: clusters, missing} =
    names.length > 0 && namespace !== undefined
      ? await readNamed(client, DASK_CLUSTERS, {namespace, names, signal})
      : {
          missing: undefined,
          found: (
            await client.list(DASK_CLUSTERS, {
              ...(namespace !== undefined && {namespace}),
              ...(selector !== undefined && {labelSelector: selector}),
              signal,
            })
          ).items,
        }
  const rows: TopRow[] = []
  for (let at = 0; at < clusters.length; at += ASKED_AT_ONCE)
    rows.push(...(await Promise.all(clusters.slice(at, at + ASKED_AT_ONCE).map((cluster) => rowOf(client, cluster, signal)))))
  return {rows, missing}
}

const rowOf = async (client: KubeClient, cluster: DaskCluster, signal: AbortSignal): Promise<TopRow> => {
  const {namespace = '', name} = cluster.metadata
  return {namespace, name, status: clusterStatus(cluster, Date.now()), numbers: await readNumbers(client, namespace, name, signal)}
}

const SORTS = {
  cpu: ({cpu}: ClusterNumbers) => cpu,
  memory: ({memory}: ClusterNumbers) => memory,
  spilled: ({spilled}: ClusterNumbers) => spilled,
  running: ({running}: ClusterNumbers) => running,
} as const
export type TopOrder = keyof typeof SORTS
export const TOP_ORDERS = Object.keys(SORTS) as readonly TopOrder[]

/** The largest first; those that nothing is known of come last. */
export const sortTop = (rows: readonly TopRow[], by: TopOrder): readonly TopRow[] =>
  rows.toSorted((one, other) => sizeOf(other, by) - sizeOf(one, by))

const sizeOf = ({numbers}: TopRow, by: TopOrder): number => (numbers && 'connected' in numbers ? SORTS[by](numbers) : -1)

const told =
  (show: (numbers: ClusterNumbers, now: number) => string) =>
  ({numbers}: TopRow, now: number): string =>
    numbers && 'connected' in numbers ? show(numbers, now) : '-'

export const topColumns: readonly Column<TopRow>[] = [
  {header: 'NAME', value: ({name}) => name},
  {header: 'STATUS', value: ({status}) => status},
  {header: 'WORKERS', value: told(({connected}) => String(connected))},
  {header: 'CPU', value: told(({cpu, threads}) => `${Math.round(cpu)}%/${threads * 100}%`)},
  {header: 'MEMORY', value: told(({memory, memoryLimit}) => `${formatBytes(memory)}/${memoryLimit > 0 ? formatBytes(memoryLimit) : '∞'}`)},
  {header: 'SPILLED', value: told(({spilled}) => formatBytes(spilled))},
  {header: 'RUNNING', value: told(({running}) => String(running))},
  {header: 'WAITING', value: told((numbers) => String(waitingOf(numbers) ?? '-'))},
  {header: 'IDLE', value: told(({idleSince}, now) => (idleSince === undefined ? 'no' : formatDuration(now - idleSince * 1000)))},
  {header: 'RESULTS', wide: true, value: told(({results, resultBytes}) => `${results} (${formatBytes(resultBytes)})`)},
  {header: 'ASKS FOR', wide: true, value: told(({target}) => String(target ?? '-'))},
  {header: 'MESSAGE', wide: true, value: ({numbers}) => (numbers && 'error' in numbers ? numbers.error : '')},
]
