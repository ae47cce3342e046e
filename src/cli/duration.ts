import {usageError} from './user-error.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const YEAR = 365 * DAY

/** A span of milliseconds as kubectl's AGE column writes it: two units at most, and only while the second one says something. */
export function formatDuration(ms: number): string {
  if (ms < -SECOND) return '<invalid>'
  if (ms < 2 * MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))}s`
  if (ms < 10 * MINUTE) return twoUnits(ms, MINUTE, 'm', SECOND, 's')
  if (ms < 3 * HOUR) return `${Math.floor(ms / MINUTE)}m`
  if (ms < 8 * HOUR) return twoUnits(ms, HOUR, 'h', MINUTE, 'm')
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)}h`
  if (ms < 8 * DAY) return twoUnits(ms, DAY, 'd', HOUR, 'h')
  if (ms < 2 * YEAR) return `${Math.floor(ms / DAY)}d`
  if (ms < 8 * YEAR) return twoUnits(ms, YEAR, 'y', DAY, 'd')
  return `${Math.floor(ms / YEAR)}y`
}

const twoUnits = (ms: number, big: number, bigName: string, small: number, smallName: string): string => {
  const rest = Math.floor((ms % big) / small)
  return `${Math.floor(ms / big)}${bigName}${rest === 0 ? '' : `${rest}${smallName}`}`
}

const UNITS: Readonly<Record<string, number>> = {ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY}

/** Milliseconds of `90`, `90s`, `5m`, `1h30m`, `500ms`; a bare number counts seconds. Throws a usage error otherwise. */
export function parseDuration(text: string): number {
  if (/^\d+$/.test(text)) return Number(text) * SECOND
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw usageError(`"${text}" is not a duration`, 'write it like 90s, 5m or 1h30m')
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ''] ?? 0), 0)
}

/** Age of an object as kubectl shows it; `<unknown>` where it has no time of creation. */
export function formatAge(timestamp: string | undefined, now: number): string {
  const since = timestamp === undefined ? Number.NaN : Date.parse(timestamp)
  return Number.isNaN(since) ? '<unknown>' : formatDuration(now - since)
}
