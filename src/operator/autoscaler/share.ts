/** A group that takes workers between two bounds; `processes` Dask workers are in each of its pods. */
export interface Taker {
  readonly name: string
  readonly minimum: number
  readonly maximum: number
  readonly processes: number
}

/**
 * Divides a number of Dask workers among groups: each gets its minimum, the rest goes in proportion to maximum − minimum, ties by name.
 * Resolves to pods by group. The more there is to divide, the more each group gets: a growing load takes no worker from anybody (Sainte-Laguë).
 */
export function shareOut(demand: number, takers: readonly Taker[]): ReadonlyMap<string, number> {
  const open = takers.toSorted((one, other) => (one.name < other.name ? -1 : 1)).map(roomOf)
  const least = open.reduce((sum, {taker}) => sum + taker.minimum * taker.processes, 0)
  const room = open.reduce((sum, {weight}) => sum + weight, 0)
  const rest = Math.min(Math.max(0, Math.ceil(demand) - least), room)
  if (open.length === 1 || rest === room) for (const each of open) each.extra = Math.min(rest, each.weight)
  else for (let given = 0; given < rest; given++) next(open).extra += 1
  return new Map(open.map(({taker, extra}) => [taker.name, taker.minimum + Math.ceil(extra / taker.processes)]))
}

interface Room {
  readonly taker: Taker
  readonly weight: number
  extra: number
}

const roomOf = (taker: Taker): Room => ({taker, weight: Math.max(0, taker.maximum - taker.minimum) * taker.processes, extra: 0})

/** The group whose next worker costs the least of its room. */
const next = (rooms: readonly Room[]): Room =>
  rooms.reduce((best, room) => (room.weight * (2 * best.extra + 1) > best.weight * (2 * room.extra + 1) ? room : best))
