import type {Condition} from '../../api/object.ts'

/** The conditions of `wanted`, with the times of those in `before` that say the same: `lastTransitionTime` moves only when `status` does (law 6). */
export const mergeConditions = (before: readonly Condition[], wanted: readonly Condition[]): readonly Condition[] =>
  wanted.map((condition) => {
    const old = before.find(({type}) => type === condition.type)
    return old?.status === condition.status ? {...condition, lastTransitionTime: old.lastTransitionTime} : condition
  })

/** A status as it is to be written over `before`. */
export function withConditionTimes(before: unknown, wanted: object): object {
  const conditions = conditionsOf(wanted)
  return conditions ? {...wanted, conditions: mergeConditions(conditionsOf(before) ?? [], conditions)} : wanted
}

export const conditionsOf = (status: unknown): readonly Condition[] | undefined => {
  const conditions: unknown =
    typeof status === 'object' && status !== null ? (status as {readonly conditions?: unknown}).conditions : undefined
  return Array.isArray(conditions) ? conditions : undefined
}
