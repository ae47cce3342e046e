import type {Condition} from './object.ts'

/** What a condition says, before it is dated. */
export interface Claim {
  readonly status: boolean | 'Unknown'
  readonly reason: string
  readonly message: string
}

/** Dated conditions from claims by type; the engine keeps the time of those whose status has not changed. */
export const toConditions = (claims: Readonly<Record<string, Claim>>, generation: number | undefined, now: number): readonly Condition[] =>
  Object.entries(claims).map(([type, {status, reason, message}]) => ({
    type,
    status: status === 'Unknown' ? 'Unknown' : status ? 'True' : 'False',
    reason,
    message,
    lastTransitionTime: timestamp(now),
    ...(generation !== undefined && {observedGeneration: generation}),
  }))

/** `%Y-%m-%dT%H:%M:%SZ`, as every time in a status. */
export const timestamp = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`

export const findCondition = (conditions: readonly Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find((condition) => condition.type === type)

/** The conditions with those of `claims` in place of their namesakes; new ones at the end. */
export const replaceConditions = (
  conditions: readonly Condition[] | undefined,
  claims: Readonly<Record<string, Claim>>,
  generation: number | undefined,
  now: number,
): readonly Condition[] => {
  const fresh = toConditions(claims, generation, now)
  const old = conditions ?? []
  return [
    ...old.map((condition) => findCondition(fresh, condition.type) ?? condition),
    ...fresh.filter(({type}) => !findCondition(old, type)),
  ]
}
