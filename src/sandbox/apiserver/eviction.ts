/** Whether a pod may be evicted (k8s.io/kubernetes: registry/core/pod/storage/eviction.go, controller/disruption). */
import {amountOf} from './amounts.ts'
import {Refusal} from './errors.ts'
import {type ApiObject, isObject, type JsonObject, listAt, objectAt, valueAt} from './json.ts'
import {parseLabelSelector, selectorText} from './label-selector.ts'
import type {Ground} from './resources.ts'

/** Refuses with 429 what a PodDisruptionBudget does not allow; a pod that does not run counts for none. */
export function checkEviction({store}: Ground, pod: ApiObject): void {
  const phase = valueAt(pod, 'status.phase')
  if (phase !== 'Running' || pod.metadata.deletionTimestamp !== undefined) return
  const inNamespace = (storage: string): readonly ApiObject[] =>
    store.list(storage).filter(({metadata}) => metadata.namespace === pod.metadata.namespace)
  for (const budget of inNamespace('poddisruptionbudgets.policy')) {
    const spec = objectAt(budget, 'spec')
    // An empty selector selects all pods, none at all not one.
    if (spec['selector'] === undefined) continue
    const isSelected = parseLabelSelector(selectorText(objectAt(spec, 'selector')))
    const selects = (each: ApiObject): boolean => isSelected(each.metadata.labels ?? {})
    if (!selects(pod)) continue
    const pods = inNamespace('pods').filter((each) => selects(each) && valueAt(each, 'status.phase') !== 'Succeeded')
    const healthy = pods.filter(isHealthy).length
    const needed = neededOf(spec, pods.length)
    const leaves = isHealthy(pod) ? healthy - 1 : healthy
    if (leaves >= needed || (!isHealthy(pod) && spec['unhealthyPodEvictionPolicy'] === 'AlwaysAllow')) continue
    throw new Refusal(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
      causes: [
        {
          reason: 'DisruptionBudget',
          message: `The disruption budget ${budget.metadata.name} needs ${needed} healthy pods and has ${healthy} currently`,
          field: '',
        },
      ],
    })
  }
}

const isHealthy = (pod: ApiObject): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  listAt(pod['status'], 'conditions').some((each) => isObject(each) && each['type'] === 'Ready' && each['status'] === 'True')

/** Shares are rounded up, as the real controller has it. */
const neededOf = ({minAvailable, maxUnavailable}: JsonObject, pods: number): number =>
  minAvailable === undefined ? pods - amountOf(maxUnavailable, pods, Math.ceil) : amountOf(minAvailable, pods, Math.ceil)
