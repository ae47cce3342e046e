/** PodDisruptionBudgets: what the real server refuses (k8s.io/kubernetes: pkg/apis/policy/validation). */
import {checkAmount, checkAtMostAll} from '../amounts.ts'
import {type Cause, invalidValue} from '../errors.ts'
import {type ApiObject, objectAt} from '../json.ts'
import {checkSelector} from '../label-selector.ts'

export function validateBudget(budget: ApiObject): readonly Cause[] {
  const spec = objectAt(budget, 'spec')
  const hasBoth = spec['minAvailable'] !== undefined && spec['maxUnavailable'] !== undefined
  return [
    ...(hasBoth ? [invalidValue('spec', spec, 'minAvailable and maxUnavailable cannot be both set')] : []),
    ...['minAvailable', 'maxUnavailable'].flatMap((field) => [
      ...checkAmount(`spec.${field}`, spec[field]),
      ...checkAtMostAll(`spec.${field}`, spec[field]),
    ]),
    ...checkSelector('spec.selector', objectAt(spec, 'selector')),
  ]
}
