import {EVENTS, type Event, PODS, type Pod} from '../api/core.ts'
import {
  DASK_AUTOSCALERS,
  DASK_CLUSTERS,
  DASK_WORKER_GROUPS,
  type DaskAutoscaler,
  type DaskCluster,
  type DaskWorkerGroup,
} from '../api/dask.ts'
import {LABEL_CLUSTER} from '../api/names.ts'
import type {KubeObject, ObjectMeta} from '../api/object.ts'
import {tlsSecretName} from '../api/tls.ts'
import type {KubeClient, KubeList} from '../kube/client.ts'
import {ifForbidden} from '../kube/errors.ts'
import {decisionColumns, noneServed} from './autoscalers.ts'
import {type Numbers, numberRows, readNumbers} from './cluster-numbers.ts'
import {clusterProgress, firstPodProblem, type Problem, withWorkerNumber} from './cluster-progress.ts'
import {clusterStatus, conditionOf, groupColumns} from './columns.ts'
import {conditionsBlock, EVENTS_LIMIT, eventsBlock, indent, podsBlock} from './describe-blocks.ts'
import {remedy, type Ways} from './describe-remedy.ts'
import {formatAge} from './duration.ts'
import {eventTime} from './events.ts'
import {warn} from './output.ts'
import {alignCells, renderTable} from './table.ts'

/** A cluster with all that belongs to it, as it was read at one time. */
export interface ClusterView {
  readonly cluster: DaskCluster
  readonly groups: readonly DaskWorkerGroup[]
  /** `undefined`: whoever reads may not see them. */
  readonly pods: readonly Pod[] | undefined
  readonly events: readonly Event[]
  readonly autoscalers: readonly DaskAutoscaler[]
  /** What its scheduler says; absent where it is not ready. */
  readonly numbers?: Numbers
}

export async function readCluster(client: KubeClient, namespace: string, name: string, signal: AbortSignal): Promise<ClusterView> {
  // Whoever may see the cluster is told what of the rest there is to see.
  const seen = <T extends KubeObject>(list: Promise<KubeList<T>>): Promise<readonly T[] | undefined> =>
    list.then(({items}) => items, ifForbidden(undefined, warn))
  const [cluster, groups = [], pods, events = [], autoscalers = []] = await Promise.all([
    client.get(DASK_CLUSTERS, {namespace, name}, {signal}),
    seen(client.list(DASK_WORKER_GROUPS, {namespace, signal})),
    seen(client.list(PODS, {namespace, labelSelector: `${LABEL_CLUSTER}=${name}`, signal})),
    seen(client.list(EVENTS, {namespace, limit: EVENTS_LIMIT, signal})),
    seen(client.list(DASK_AUTOSCALERS, {namespace, signal}).catch(noneServed)),
  ])
  // The same pods say where the scheduler is.
  const numbers = pods?.length ? await readNumbers(client, namespace, name, signal) : undefined
  const own = groups.filter(({spec}) => spec.cluster === name)
  const scaling = autoscalers.filter(({spec}) => spec.cluster === name)
  const names = new Set([
    `DaskCluster/${name}`,
    ...own.map((group) => `DaskWorkerGroup/${group.metadata.name}`),
    ...scaling.map((autoscaler) => `DaskAutoscaler/${autoscaler.metadata.name}`),
    ...(pods ?? []).map((pod) => `Pod/${pod.metadata.name}`),
  ])
  const told = events.filter(({involvedObject: {kind, name: about}}) => names.has(`${kind}/${about}`) || isOldPod(kind, about, name, own))
  const sorted = told.toSorted((one, other) => eventTime(one).localeCompare(eventTime(other)))
  return {cluster, groups: own, pods, events: sorted, autoscalers: scaling, ...(numbers && {numbers})}
}

/** Pods that are gone are known by their names alone. */
const isOldPod = (kind: string, pod: string, cluster: string, groups: readonly DaskWorkerGroup[]): boolean =>
  kind === 'Pod' && (pod === `${cluster}-scheduler` || groups.some(({metadata}) => pod.startsWith(`${metadata.name}-worker-`)))

/** One screen: what it is, what is wrong with it, and what to do next. */
export function renderCluster(view: ClusterView, bin: string, now: number): string {
  const {groups, pods, events, autoscalers, numbers} = view
  const cluster = withWorkerNumber(view.cluster, groups)
  return [
    facts(cluster, pods ?? [], numbers, now),
    ...conditionsBlock(cluster.status?.conditions),
    ...(groups.length > 0 ? [`Worker groups:\n${indent(renderTable(groups, groupColumns, {now}))}`] : []),
    ...(autoscalers.length > 0 ? [`Autoscalers:\n${indent(renderTable(autoscalers, decisionColumns, {wide: true, now}))}`] : []),
    pods ? podsBlock(pods, now) : 'Pods: you may not look\n',
    ...eventsBlock(events, now),
    `Next: ${nextStep({...view, cluster}, bin)}\n`,
  ].join('\n')
}

const facts = (cluster: DaskCluster, pods: readonly Pod[], numbers: Numbers | undefined, now: number): string => {
  const {metadata, spec, status} = cluster
  const workers = clusterProgress(cluster, pods)
    .steps.find(({name}) => name === 'workers')
    ?.detail.split(';')[0]
  const ready = conditionOf(status?.conditions, 'Ready')
  const image = spec.worker.spec.containers[0]?.image
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Name:', metadata.name],
    ['Namespace:', metadata.namespace],
    ['Status:', [clusterStatus(cluster, now), ready?.status === 'True' ? '' : ready?.message].filter(Boolean).join(': ')],
    ['Workers:', workers],
    ...numberRows(numbers, spec, now),
    ['Scheduler:', status?.schedulerAddress],
    ['Certificate:', tlsSecretName(cluster) && `Secret ${tlsSecretName(cluster)}${spec.tls?.secretName ? '' : ', issued by the operator'}`],
    ['Dashboard:', status?.dashboardURL],
    ['Image:', image],
    ['Age:', formatAge(metadata.creationTimestamp, now)],
  ]
  return alignCells(rows.filter((row): row is readonly [string, string] => Boolean(row[1])))
}

/** The command that helps most now. */
const nextStep = ({cluster, pods = []}: ClusterView, bin: string): string => {
  const {name, namespace} = cluster.metadata
  const on = `${name} -n ${namespace}`
  if (cluster.metadata.deletionTimestamp !== undefined) return 'wait: it is being deleted'
  const {isReady, problem} = clusterProgress(cluster, pods)
  if (isReady) return `${bin} cluster logs ${on} -f`
  // The cluster's own word does not name the pod that it is about.
  if (problem) {
    const known = {...firstPodProblem(pods), ...problem}
    return remedy(known, ways(known, bin, cluster.metadata))
  }
  return cluster.status?.phase === undefined
    ? `nothing has taken this cluster up: "${bin} operator run" starts an operator`
    : `wait: ${bin} cluster describe ${on}`
}

const ways = ({pod}: Problem, bin: string, {name, namespace}: ObjectMeta): Ways => {
  const on = `${name} -n ${namespace}`
  const isScheduler = pod?.metadata.name.endsWith('-scheduler')
  return {
    namespace,
    image: `${bin} cluster delete ${on}, then create it with --image`,
    // A changed scheduler waits for somebody's word.
    command: `kubectl edit daskcluster ${on}${isScheduler ? `, then ${bin} cluster restart ${on}` : ''}`,
    less: `${bin} cluster scale ${on} N`,
    logs: `${bin} cluster logs ${on} --previous${isScheduler ? ' --scheduler' : ''}`,
    otherwise: `${bin} cluster describe ${on} -o yaml`,
  }
}
