/** What the plans of the workloads share: their shape, and how pods are told apart. */
import {type ApiObject, isObject, type JsonObject, listAt, objectAt, valueAt} from '../json.ts'
import {timestamp} from '../prepare.ts'

export interface Plan {
  /** Objects to be made; they get the owner's namespace and an owner reference to it. */
  readonly create?: readonly JsonObject[]
  /** Dependents in their new state. */
  readonly change?: readonly ApiObject[]
  readonly remove?: readonly ApiObject[]
  /** The owner itself goes, with what it owns. */
  readonly isOver?: boolean
  readonly annotations?: Readonly<Record<string, string>>
  readonly status: JsonObject
  /** Where a name in `create` is taken by somebody else's object: what else stands in the status then, for the next plan to choose another. */
  readonly ifTaken?: JsonObject
  /** Milliseconds; only where time itself may change the answer. */
  readonly wakeAfter?: number
}

/** Pure: what is to be done for an owner whose dependents are these. */
export type Planner = (owner: ApiObject, dependents: readonly ApiObject[], now: number) => Plan

export const specOf = (object: ApiObject): JsonObject => objectAt(object, 'spec')
export const statusOf = (object: ApiObject): JsonObject => objectAt(object, 'status')
export const numberAt = (object: unknown, path: string, missing = 0): number => Number(valueAt(object, path) ?? missing)

export const isEnded = (pod: ApiObject): boolean => ['Succeeded', 'Failed'].includes(String(statusOf(pod)['phase']))
export const isActive = (pod: ApiObject): boolean => !pod.metadata.deletionTimestamp && !isEnded(pod)

export const conditionsOf = (object: unknown): readonly JsonObject[] => listAt(objectAt(object, 'status'), 'conditions').filter(isObject)

export const conditionOf = (object: unknown, type: string): JsonObject | undefined =>
  conditionsOf(object).find((each) => each['type'] === type)

/** Milliseconds since when the pod is ready; `undefined` where it is not. */
export const readySince = (pod: ApiObject): number | undefined => {
  const ready = conditionOf(pod, 'Ready')
  return ready?.['status'] === 'True' ? Date.parse(String(ready['lastTransitionTime'])) : undefined
}

/** The pod that a template makes. */
export const podOf = (owner: ApiObject): JsonObject => {
  const {metadata, spec} = objectAt(specOf(owner), 'template')
  const {labels, annotations} = objectAt({metadata}, 'metadata')
  return {
    metadata: {
      generateName: `${owner.metadata.name}-`,
      ...(labels !== undefined && {labels}),
      ...(annotations !== undefined && {annotations}),
    },
    spec,
  }
}

/** Without what is zero, as Go writes numbers that may be left out. */
export const counts = (numbers: Readonly<Record<string, number>>): JsonObject =>
  Object.fromEntries(Object.entries(numbers).filter(([, number]) => number !== 0))

/** Pods that are made in one turn, as the real controllers have it; what is made wakes its owner for the next one. */
export const AT_ONCE = 500

export interface Said {
  readonly type: string
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}

/** A condition whose time of transition moves only when its status does. */
export const told = (owner: ApiObject, {type, status, reason, message}: Said, now: number): JsonObject => {
  const before = conditionOf(owner, type)
  const time = timestamp(now)
  const isSame = before?.['status'] === status && before['reason'] === reason && before['message'] === message
  if (isSame) return before
  return {
    type,
    status,
    reason,
    message,
    lastUpdateTime: time,
    lastTransitionTime: before?.['status'] === status ? before['lastTransitionTime'] : time,
  }
}
