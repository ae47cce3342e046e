import type {DaskAutoscaler, ScalingPolicy, ScalingRules} from '../../api/dask.ts'

/** How fast a wish is followed: HorizontalPodAutoscaler's rules, with defaults that have the effect of upstream's (contract 2.7). */
export interface Rules {
  readonly windowMs: number
  readonly select: 'Max' | 'Min' | 'Disabled'
  /** Empty: any number at once. */
  readonly policies: readonly ScalingPolicy[]
}

/** A change of the group's number: positive for growth. */
export interface Step {
  readonly at: number
  readonly by: number
}

const DOWN: ScalingRules = {stabilizationWindowSeconds: 15, policies: [{type: 'Percent', value: 25, periodSeconds: 15}]}
/** A larger wish costs nobody's work, and pods that are still coming count: there is nothing to wait for. */
const UP: ScalingRules = {stabilizationWindowSeconds: 0, policies: []}

export const rulesOf = ({spec: {behavior}}: DaskAutoscaler): {readonly up: Rules; readonly down: Rules} => ({
  up: withDefaults(behavior?.scaleUp, UP),
  down: withDefaults(behavior?.scaleDown, DOWN),
})

const withDefaults = (given: ScalingRules | undefined, usual: ScalingRules): Rules => ({
  windowMs: 1000 * (given?.stabilizationWindowSeconds ?? usual.stabilizationWindowSeconds ?? 0),
  select: given?.selectPolicy ?? 'Max',
  policies: given?.policies?.length ? given.policies : (usual.policies ?? []),
})

/** For how long a step counts, at most. */
export const longestPeriodMs = ({policies}: Rules): number => 1000 * Math.max(0, ...policies.map(({periodSeconds}) => periodSeconds))

/** The smallest number that the policies allow now; never above `current`. */
export function leastAllowed(current: number, {select, policies}: Rules, steps: readonly Step[], now: number): number {
  if (select === 'Disabled') return current
  if (policies.length === 0) return 0
  const limits = policies.map(({type, value, periodSeconds}) => {
    const start = atStart(current, steps, periodSeconds, now)
    return start - (type === 'Pods' ? value : Math.max(1, Math.floor((start * value) / 100)))
  })
  return Math.max(0, Math.min(current, select === 'Max' ? Math.min(...limits) : Math.max(...limits)))
}

/** The largest number that the policies allow now; never below `current`. */
export function mostAllowed(current: number, {select, policies}: Rules, steps: readonly Step[], now: number): number {
  if (select === 'Disabled') return current
  if (policies.length === 0) return Number.POSITIVE_INFINITY
  const limits = policies.map(({type, value, periodSeconds}) => {
    const start = atStart(current, steps, periodSeconds, now)
    return start + (type === 'Pods' ? value : Math.max(1, Math.ceil((start * value) / 100)))
  })
  return Math.max(current, select === 'Max' ? Math.max(...limits) : Math.min(...limits))
}

/** The number at the beginning of the period. */
const atStart = (current: number, steps: readonly Step[], periodSeconds: number, now: number): number =>
  steps.filter(({at}) => at > now - periodSeconds * 1000).reduce((number, {by}) => number - by, current)
