import {findCondition} from '../../api/conditions.ts'
import type {Condition} from '../../api/object.ts'
import type {Notable, Tell} from './contract.ts'

interface HasConditions {
  readonly conditions?: readonly Condition[] | null
}

/** Events for the notable conditions that one status has and the one before had not, or had for another reason. Words alone make none. */
export function eventsOf(notables: readonly Notable[], before: unknown, after: unknown): readonly Tell[] {
  const [old, fresh] = [before, after].map((status) => (status as HasConditions | undefined)?.conditions ?? [])
  return notables.flatMap(({of, status, reasons, type}): readonly Tell[] => {
    const is = findCondition(fresh, of)
    if (!is || (status !== undefined && is.status !== status) || reasons?.includes(is.reason) === false) return []
    const was = findCondition(old, of)
    if (was?.status === is.status && was.reason === is.reason) return []
    return [{do: 'tell', type, reason: is.reason, message: is.message}]
  })
}
