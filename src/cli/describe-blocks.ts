import type {Event, Pod} from '../api/core.ts'
import type {Condition} from '../api/object.ts'
import {podCause} from '../api/pod-cause.ts'
import {formatAge} from './duration.ts'
import {eventText, eventTime} from './events.ts'
import {alignCells} from './table.ts'

/** The blocks of which the screens of `describe` are made. */

const MAX_EVENTS = 10
const MAX_PODS = 20
/** Events of a namespace that are looked through. */
export const EVENTS_LIMIT = 1000

export const conditionsBlock = (conditions: readonly Condition[] = []): readonly string[] =>
  conditions.length === 0
    ? []
    : [
        titled('Conditions', [
          ['TYPE', 'STATUS', 'REASON', 'MESSAGE'],
          ...conditions.map(({type, status, reason, message}) => [type, status, reason, message]),
        ]),
      ]

export const podsBlock = (pods: readonly Pod[], now: number, title = 'Pods'): string =>
  pods.length > 0
    ? titled(title, [['NAME', 'STATUS', 'RESTARTS', 'AGE', 'NODE', 'CAUSE'], ...podRows(pods, now)], hidden(pods))
    : `${title}: none\n`

/** The last ten of events that are sorted by time. */
export const eventsBlock = (events: readonly Event[], now: number): readonly string[] =>
  events.length === 0
    ? []
    : [
        titled('Events', [
          ['AGE', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'],
          ...events.slice(-MAX_EVENTS).map((event) => eventRow(event, now)),
        ]),
      ]

const titled = (title: string, rows: readonly (readonly string[])[], after = ''): string => `${title}:\n${alignCells(rows, '  ')}${after}`

export const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ')

const hidden = (pods: readonly Pod[]): string => (pods.length > MAX_PODS ? `  … and ${pods.length - MAX_PODS} more\n` : '')

/** Pods that are in trouble come first. */
const podRows = (pods: readonly Pod[], now: number): readonly (readonly string[])[] =>
  pods
    .toSorted((one, other) => Number(podCause(one) === undefined) - Number(podCause(other) === undefined))
    .slice(0, MAX_PODS)
    .map((pod) => {
      const cause = podCause(pod)
      const restarts = pod.status?.containerStatuses?.reduce((sum, {restartCount}) => sum + restartCount, 0) ?? 0
      return [
        pod.metadata.name,
        podStatus(pod),
        String(restarts),
        formatAge(pod.metadata.creationTimestamp, now),
        pod.spec.nodeName ?? '<none>',
        cause ? `${cause.reason}: ${cause.message}` : '',
      ]
    })

const podStatus = ({metadata, status}: Pod): string => {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating'
  const waiting = status?.containerStatuses?.find(({state}) => state?.waiting?.reason)?.state?.waiting?.reason
  return waiting ?? status?.reason ?? status?.phase ?? 'Pending'
}

const eventRow = (event: Event, now: number): readonly string[] => [
  formatAge(eventTime(event), now),
  event.type,
  event.reason,
  `${event.involvedObject.kind.toLowerCase()}/${event.involvedObject.name}`,
  eventText(event),
]
