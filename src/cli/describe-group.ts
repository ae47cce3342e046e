import {groupNameOf} from '../api/autoscaler-bounds.ts'
import {EVENTS, type Event, PODS, type Pod} from '../api/core.ts'
import {
  DASK_AUTOSCALERS,
  DASK_CLUSTERS,
  DASK_WORKER_GROUPS,
  type DaskAutoscaler,
  type DaskCluster,
  type DaskWorkerGroup,
} from '../api/dask.ts'
import {defaultGroupName, LABEL_GROUP} from '../api/names.ts'
import type {KubeClient} from '../kube/client.ts'
import {ifMissing} from '../kube/errors.ts'
import {decisionColumns, noneServed} from './autoscalers.ts'
import {connectedRow, type Load, loadOf, type Row, workText} from './cluster-numbers.ts'
import {firstPodProblem} from './cluster-progress.ts'
import {clusterStatus, conditionOf, untold} from './columns.ts'
import {conditionsBlock, EVENTS_LIMIT, eventsBlock, indent, podsBlock} from './describe-blocks.ts'
import {remedy} from './describe-remedy.ts'
import {formatAge} from './duration.ts'
import {eventTime} from './events.ts'
import {withScheduler} from './scheduler.ts'
import {alignCells, renderTable} from './table.ts'
import {workerRows} from './workers.ts'

/** A group of workers with all that belongs to it, as it was read at one time. */
export interface GroupView {
  readonly group: DaskWorkerGroup
  /** Absent where there is none of the name that the group gives. */
  readonly cluster?: DaskCluster
  readonly pods: readonly Pod[]
  readonly events: readonly Event[]
  readonly autoscalers: readonly DaskAutoscaler[]
  /** What the scheduler says of its workers, or why it did not answer; absent where it is not ready. */
  readonly numbers?: Load | {readonly error: string}
}

export async function readGroup(client: KubeClient, namespace: string, name: string, signal: AbortSignal): Promise<GroupView> {
  const group = await client.get(DASK_WORKER_GROUPS, {namespace, name}, {signal})
  const cluster = group.spec.cluster
  const [found, pods, events, autoscalers] = await Promise.all([
    client.get(DASK_CLUSTERS, {namespace, name: cluster}, {signal}).catch(ifMissing(undefined)),
    client.list(PODS, {namespace, labelSelector: `${LABEL_GROUP}=${name}`, signal}),
    client.list(EVENTS, {namespace, limit: EVENTS_LIMIT, signal}),
    client.list(DASK_AUTOSCALERS, {namespace, signal}).catch(noneServed),
  ])
  const numbers = await readLoad(client, namespace, cluster, pods.items, signal)
  const scaling = autoscalers.items.filter((each) => each.spec.cluster === cluster && groupNameOf(each) === name)
  const about = new Set([`DaskWorkerGroup/${name}`, ...scaling.map(({metadata}) => `DaskAutoscaler/${metadata.name}`)])
  // Pods that are gone are known by their names alone.
  const told = events.items.filter(
    ({involvedObject: {kind, name: of}}) => about.has(`${kind}/${of}`) || (kind === 'Pod' && of.startsWith(`${name}-worker-`)),
  )
  return {
    group,
    ...(found && {cluster: found}),
    pods: pods.items,
    events: told.toSorted((one, other) => eventTime(one).localeCompare(eventTime(other))),
    autoscalers: scaling,
    ...(numbers && {numbers}),
  }
}

/** A description is no place to fail in because a scheduler does not answer. */
const readLoad = async (
  client: KubeClient,
  namespace: string,
  cluster: string,
  pods: readonly Pod[],
  signal: AbortSignal,
): Promise<GroupView['numbers']> => {
  try {
    const workers = await withScheduler(client, {namespace, cluster, signal}, async (scheduler) => (await scheduler.identity()).workers)
    return workers && loadOf(workerRows(pods, workers).flatMap(({worker}) => worker ?? []))
  } catch (error) {
    signal.throwIfAborted()
    return {error: error instanceof Error ? error.message : String(error)}
  }
}

/** One screen: what it is, what is wrong with it, and what to do next. */
export function renderGroup(view: GroupView, bin: string, now: number): string {
  const {group, pods, events, autoscalers} = view
  return [
    facts(view, now),
    ...conditionsBlock(group.status?.conditions),
    ...(autoscalers.length > 0 ? [`Autoscalers:\n${indent(renderTable(autoscalers, decisionColumns, {wide: true, now}))}`] : []),
    podsBlock(pods, now),
    ...eventsBlock(events, now),
    `Next: ${nextStep(view, bin)}\n`,
  ].join('\n')
}

const facts = ({group, cluster, numbers}: GroupView, now: number): string => {
  const {metadata, spec, status} = group
  const ready = conditionOf(status?.conditions, 'Ready')
  const wanted = spec.worker.replicas ?? 1
  const retiring = status?.retiringReplicas ?? 0
  const rows: readonly Row[] = [
    ['Name:', metadata.name],
    ['Namespace:', metadata.namespace],
    ['Cluster:', `${spec.cluster} (${cluster ? clusterStatus(cluster, now) : 'there is none of this name'})`],
    ['Status:', ready ? [ready.reason, ready.status === 'True' ? '' : ready.message].filter(Boolean).join(': ') : untold(group, now)],
    ['Workers:', `${status?.readyReplicas ?? '?'} of ${wanted} ready${retiring > 0 ? `, ${retiring} retiring` : ''}`],
    ...loadRows(numbers),
    ['Image:', spec.worker.spec.containers[0]?.image],
    ['Age:', formatAge(metadata.creationTimestamp, now)],
  ]
  return alignCells(rows.filter((row): row is readonly [string, string] => Boolean(row[1])))
}

const loadRows = (numbers: GroupView['numbers']): readonly Row[] => {
  if (!numbers) return []
  if ('error' in numbers) return [['Tasks:', `unknown, the scheduler does not answer: ${numbers.error}`]]
  return [connectedRow(numbers), ['Tasks:', workText(numbers)]]
}

/** The command that helps most now. */
const nextStep = ({group, cluster, pods}: GroupView, bin: string): string => {
  const {metadata, spec, status} = group
  const place = `-n ${metadata.namespace}`
  const name = spec.cluster
  if (metadata.deletionTimestamp !== undefined) return 'wait: it is being deleted'
  if (!cluster) return `${bin} cluster create ${name} ${place}, or ${bin} workergroup delete ${metadata.name} ${place}`
  const ready = conditionOf(status?.conditions, 'Ready')
  if (!ready) return `nothing has taken this group up: "${bin} operator run" starts an operator`
  const logs = `${bin} cluster logs ${name} ${place}${metadata.name === defaultGroupName(name) ? ' --workers' : ` --group ${metadata.name}`}`
  if (ready.status === 'True') return `${logs} -f`
  const otherwise = `${bin} cluster describe ${name} ${place}`
  const problem = firstPodProblem(pods)
  if (!problem) return otherwise
  const edit = `kubectl edit daskworkergroup ${metadata.name} ${place}`
  const less = `${bin} workergroup scale ${metadata.name} N ${place}`
  return remedy(problem, {namespace: metadata.namespace, image: edit, command: edit, less, logs: `${logs} --previous`, otherwise})
}
