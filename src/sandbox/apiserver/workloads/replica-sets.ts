/** ReplicaSets: as many pods as wanted (k8s.io/kubernetes: pkg/controller/replicaset). */
import {type ApiObject, objectAt} from '../json.ts'
import {AT_ONCE, counts, isActive, numberAt, type Planner, podOf, readySince, specOf, statusOf} from './planning.ts'

export const planReplicaSet: Planner = (set, pods, now) => {
  const active = pods.filter(isActive)
  const wanted = numberAt(set, 'spec.replicas')
  const patience = numberAt(set, 'spec.minReadySeconds') * 1000
  const ready = active.flatMap((pod) => readySince(pod) ?? [])
  const waits = ready.map((since) => since + patience - now).filter((left) => left > 0)
  const missing = wanted - active.length
  const labels = Object.entries(objectAt(objectAt(objectAt(specOf(set), 'template'), 'metadata'), 'labels'))
  return {
    create: Array.from({length: Math.max(0, Math.min(missing, AT_ONCE))}, () => podOf(set)),
    remove: missing < 0 ? active.toSorted(firstToGo).slice(0, -missing) : [],
    status: {
      replicas: active.length,
      ...counts({
        fullyLabeledReplicas: active.filter((pod) => labels.every(([key, value]) => pod.metadata.labels?.[key] === value)).length,
        readyReplicas: ready.length,
        availableReplicas: ready.length - waits.length,
      }),
      terminatingReplicas: pods.filter((pod) => pod.metadata.deletionTimestamp).length,
      observedGeneration: set.metadata.generation,
    },
    ...(waits.length > 0 && {wakeAfter: Math.min(...waits)}),
  }
}

const PHASES = ['Pending', 'Unknown', 'Running']

/** Those without a node first, then those that are not ready, then the youngest. */
const firstToGo = (one: ApiObject, other: ApiObject): number => {
  const rank = (pod: ApiObject): readonly number[] => [
    specOf(pod)['nodeName'] ? 1 : 0,
    PHASES.indexOf(String(statusOf(pod)['phase'])),
    readySince(pod) === undefined ? 0 : 1,
    -Date.parse(pod.metadata.creationTimestamp ?? ''),
  ]
  const [before, after] = [rank(one), rank(other)]
  return before.map((each, at) => each - (after[at] ?? 0)).find((difference) => difference !== 0) ?? 0
}
