/** Events are kept as core/v1; events.k8s.io/v1 is another view of the same objects (k8s.io/kubernetes: pkg/apis/core/v1/conversion). */
import {type ApiObject, without} from '../json.ts'

/** Field in events.k8s.io/v1, field in core/v1. */
const RENAMED = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
] as const

export const toEventsV1 = (event: ApiObject): ApiObject => {
  const empty = ['reportingComponent', 'reportingInstance'].filter((field) => event[field] === '')
  return rename({...without(event, ...empty), apiVersion: 'events.k8s.io/v1'}, 1, 0)
}

export const fromEventsV1 = (event: ApiObject): ApiObject => rename({...event, apiVersion: 'v1'}, 0, 1)

/** Fields that core/v1 writes even when there is nothing in them. */
export const withEventFields = (event: ApiObject): ApiObject => ({
  source: {},
  firstTimestamp: null,
  lastTimestamp: null,
  eventTime: null,
  reportingComponent: '',
  reportingInstance: '',
  ...event,
})

const rename = (event: ApiObject, from: 0 | 1, to: 0 | 1): ApiObject => {
  const moved = RENAMED.filter((pair) => event[pair[from]] !== undefined)
  return {
    ...without(event, ...moved.map((pair) => pair[from])),
    ...Object.fromEntries(moved.map((pair) => [pair[to], event[pair[from]]])),
  }
}
