/** One column of `kubectl get`. */
import type {ApiObject} from '../json.ts'
import {definitions} from '../schema.ts'

export interface Column {
  readonly name: string
  readonly type: string
  readonly format?: string
  readonly description?: string
  /** 1: only with `-o wide`. */
  readonly priority?: number
  /** What stands in the column; `null` is shown as `<none>`. `now`: milliseconds. */
  readonly cell: (object: ApiObject, now: number) => unknown
}

export const NONE = '<none>'

/** Time since, as k8s.io/apimachinery util/duration tells it to people. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.floor(hours / 24)
  if (hours < 24 * 8) return two(days, 'd', hours % 24, 'h')
  if (days < 365 * 2) return `${days}d`
  const years = Math.floor(days / 365)
  return days < 365 * 8 ? two(years, 'y', days % 365, 'd') : `${years}y`
}

const two = (large: number, unit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large}${unit}` : `${large}${unit}${small}${smallUnit}`

export const since = (timestamp: unknown, now: number): string => {
  if (typeof timestamp !== 'string' || timestamp === '') return '<unknown>'
  const at = Date.parse(timestamp)
  return Number.isNaN(at) ? '<invalid>' : humanDuration(now - at)
}

const metadataText = (field: string): string =>
  definitions['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta']?.properties?.[field]?.description ?? ''

export const NAME: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: metadataText('name'),
  cell: (object) => object.metadata.name,
}

export const AGE: Column = {
  name: 'Age',
  type: 'string',
  description: metadataText('creationTimestamp'),
  cell: (object, now) => since(object.metadata.creationTimestamp, now),
}
