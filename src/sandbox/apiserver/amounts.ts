/** Numbers that may be given as a share of a whole: `1` or `25%` (k8s.io/apimachinery: util/intstr; k8s.io/kubernetes: pkg/apis/apps/validation). */
import {type Cause, invalidValue} from './errors.ts'

const PERCENT = /^[0-9]+%$/
const NO_PERCENT =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"

/** What is wrong with an amount; nothing is wrong with one that is not given. */
export function checkAmount(field: string, amount: unknown): readonly Cause[] {
  if (amount === undefined) return []
  if (typeof amount !== 'number') return PERCENT.test(String(amount)) ? [] : [invalidValue(field, amount, NO_PERCENT)]
  return amount < 0 ? [invalidValue(field, amount, 'must be greater than or equal to 0')] : []
}

export const checkAtMostAll = (field: string, amount: unknown): readonly Cause[] =>
  isShare(amount) && Number.parseInt(amount, 10) > 100 ? [invalidValue(field, amount, 'must not be greater than 100%')] : []

/** What is no amount at all counts as none, as in the real server. */
export const isNone = (amount: unknown): boolean => {
  const [, number] = /^([+-]?\d+)$/.exec(String(isShare(amount) ? amount.slice(0, -1) : amount)) ?? []
  return Number(number ?? 0) === 0
}

/** Shares are rounded; whole numbers are as they stand. */
export const amountOf = (amount: unknown, whole: number, round: (part: number) => number): number =>
  isShare(amount) ? round((Number.parseInt(amount, 10) * whole) / 100) : Number(amount ?? 0)

const isShare = (amount: unknown): amount is string => typeof amount === 'string' && PERCENT.test(amount)
