import {boundsOf, groupNameOf} from '../api/autoscaler-bounds.ts'
import {EVENTS, type Event} from '../api/core.ts'
import {DASK_AUTOSCALERS, type DaskAutoscaler} from '../api/dask.ts'
import type {KubeClient} from '../kube/client.ts'
import {autoscalerStatus} from './autoscalers.ts'
import {conditionOf} from './columns.ts'
import {formatAge} from './duration.ts'
import {eventTime} from './events.ts'
import {alignCells} from './table.ts'

/** An autoscaler with what it has told, as it was read at one time. */
export interface AutoscalerView {
  readonly autoscaler: DaskAutoscaler
  readonly events: readonly Event[]
}

const MAX_EVENTS = 10

export async function readAutoscaler(client: KubeClient, namespace: string, name: string, signal: AbortSignal): Promise<AutoscalerView> {
  const autoscaler = await client.get(DASK_AUTOSCALERS, {namespace, name}, {signal})
  const fieldSelector = `involvedObject.kind=${DASK_AUTOSCALERS.kind},involvedObject.name=${name}`
  const {items} = await client.list(EVENTS, {namespace, fieldSelector, signal})
  return {autoscaler, events: items.toSorted((one, other) => eventTime(one).localeCompare(eventTime(other)))}
}

/** One screen: what it scales, what it has decided last and why, and what to do next. */
export function renderAutoscaler({autoscaler, events}: AutoscalerView, bin: string, now: number): string {
  const {metadata, spec, status} = autoscaler
  const {minimum, maximum} = boundsOf(autoscaler)
  const conditions = status?.conditions ?? []
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Name:', metadata.name],
    ['Namespace:', metadata.namespace],
    ['Status:', autoscalerStatus(autoscaler, now)],
    ['Cluster:', spec.cluster],
    ['Group:', groupNameOf(autoscaler)],
    ['Bounds:', `${minimum} to ${maximum} workers`],
    ['Workers:', status?.currentReplicas === undefined ? undefined : `${status.currentReplicas} of ${status.desiredReplicas ?? '?'}`],
    ['Scheduler asks for:', status?.target === undefined ? undefined : `${status.target} in the whole cluster`],
    ['Last change:', status?.lastScaleTime === undefined ? undefined : `${formatAge(status.lastScaleTime, now)} ago`],
    ['Age:', formatAge(metadata.creationTimestamp, now)],
  ]
  const table = (title: string, rows: readonly (readonly string[])[]): readonly string[] =>
    rows.length > 1 ? [`${title}:\n${alignCells(rows, '  ')}`] : []
  return [
    alignCells(facts.filter((fact): fact is readonly [string, string] => Boolean(fact[1]))),
    ...table('Conditions', [
      ['TYPE', 'STATUS', 'REASON', 'MESSAGE'],
      ...conditions.map(({type, status: is, reason, message}) => [type, is, reason, message]),
    ]),
    ...table('Events', [
      ['AGE', 'TYPE', 'REASON', 'MESSAGE'],
      ...events.slice(-MAX_EVENTS).map((event) => [formatAge(eventTime(event), now), event.type, event.reason, event.message]),
    ]),
    `Next: ${nextStep(autoscaler, bin)}\n`,
  ].join('\n')
}

/** The command that helps most now. */
const nextStep = (autoscaler: DaskAutoscaler, bin: string): string => {
  const {metadata, spec, status} = autoscaler
  const {minimum, maximum} = boundsOf(autoscaler)
  const group = spec.workerGroup === undefined ? '' : ` --group ${spec.workerGroup}`
  const adapt = `${bin} cluster adapt ${spec.cluster} -n ${metadata.namespace}${group}`
  const active = conditionOf(status?.conditions, 'ScalingActive')
  if (!active) return `nothing has taken this autoscaler up: "${bin} operator run" starts an operator`
  const limited = conditionOf(status?.conditions, 'ScalingLimited')
  if (active.reason === 'InvalidBounds') return `${adapt} --min ${maximum} --max ${minimum}`
  if (active.reason === 'ClusterMissing') return `${bin} cluster create ${spec.cluster} -n ${metadata.namespace}`
  if (limited?.reason === 'TooManyReplicas') return `${adapt} --max ${2 * Math.max(1, maximum)}`
  return `${bin} cluster describe ${spec.cluster} -n ${metadata.namespace}`
}
