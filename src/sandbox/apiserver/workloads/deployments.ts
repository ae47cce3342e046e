/** Deployments: one ReplicaSet for each template, and the way from one to the next (k8s.io/kubernetes: pkg/controller/deployment). */
import {createHash} from 'node:crypto'
import {amountOf} from '../amounts.ts'
import {type ApiObject, isEqual, type JsonObject, objectAt, valueAt, without} from '../json.ts'
import {timestamp} from '../prepare.ts'
import {conditionOf, counts, numberAt, type Plan, type Planner, specOf, statusOf, told} from './planning.ts'

const HASH = 'pod-template-hash'
const REVISION = 'deployment.kubernetes.io/revision'

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

const replicasOf = (set: ApiObject): number => numberAt(set, 'spec.replicas')
const availableOf = (set: ApiObject): number => numberAt(set, 'status.availableReplicas')
const revisionOf = (set: ApiObject): number => Number(set.metadata.annotations?.[REVISION] ?? 0)
const sum = (sets: readonly ApiObject[], of: (set: ApiObject) => number): number => sets.reduce((total, set) => total + of(set), 0)

const templateOf = (owner: ApiObject): JsonObject => objectAt(specOf(owner), 'template')

const isOfTemplate = (set: ApiObject, template: JsonObject): boolean => {
  const own = templateOf(set)
  const metadata = objectAt(own, 'metadata')
  return isEqual({...own, metadata: {...metadata, labels: without(objectAt(metadata, 'labels'), HASH)}}, template)
}

export const planDeployment: Planner = (deployment, sets, now) => {
  const template = templateOf(deployment)
  const current = sets.find((set) => isOfTemplate(set, template))
  const former = sets.filter((set) => set !== current).toSorted((one, other) => revisionOf(one) - revisionOf(other))
  const isPaused = specOf(deployment)['paused'] === true
  const steps = isPaused ? rescale(deployment, current ?? former.at(-1)) : roll(deployment, current, former)
  const latest = Math.max(0, ...former.map(revisionOf))
  const revision = isPaused || !current || revisionOf(current) > latest ? undefined : String(latest + 1)
  return {
    ...steps,
    ...(revision && current && {change: withRevision(steps.change ?? [], current, revision)}),
    ...(current && !isPaused && {annotations: {[REVISION]: revision ?? String(revisionOf(current))}}),
    ...report(deployment, current, sets, now),
  }
}

type Steps = Pick<Plan, 'create' | 'change' | 'remove'>

const withReplicas = (set: ApiObject, replicas: number): ApiObject => ({
  ...set,
  metadata: {...set.metadata, generation: (set.metadata.generation ?? 0) + 1},
  spec: {...specOf(set), replicas},
})

/** A template that comes back (`rollout undo`) is the newest again. */
const withRevision = (changes: readonly ApiObject[], current: ApiObject, revision: string): readonly ApiObject[] => {
  const changed = changes.find(({metadata}) => metadata.uid === current.metadata.uid) ?? current
  const marked = {...changed, metadata: {...changed.metadata, annotations: {...changed.metadata.annotations, [REVISION]: revision}}}
  return [marked, ...changes.filter((each) => each !== changed)]
}

const rescale = (deployment: ApiObject, set: ApiObject | undefined): Steps => {
  const wanted = replicasOf(deployment)
  return set && replicasOf(set) !== wanted ? {change: [withReplicas(set, wanted)]} : {}
}

const bounds = (deployment: ApiObject): {readonly surge: number; readonly unavailable: number} => {
  const replicas = replicasOf(deployment)
  const rolling = objectAt(objectAt(specOf(deployment), 'strategy'), 'rollingUpdate')
  const surge = amountOf(rolling['maxSurge'], replicas, Math.ceil)
  const unavailable = amountOf(rolling['maxUnavailable'], replicas, Math.floor)
  return {surge, unavailable: Math.min(surge === 0 && unavailable === 0 ? 1 : unavailable, replicas)}
}

const roll = (deployment: ApiObject, current: ApiObject | undefined, former: readonly ApiObject[]): Steps => {
  const wanted = replicasOf(deployment)
  const isRecreated = valueAt(deployment, 'spec.strategy.type') === 'Recreate'
  if (isRecreated) {
    const left = former.filter((set) => replicasOf(set) > 0)
    if (left.length > 0) return {change: left.map((set) => withReplicas(set, 0))}
    // Not one of the old pods may live beside a new one.
    if (former.some((set) => numberAt(set, 'status.replicas') + numberAt(set, 'status.terminatingReplicas') > 0)) return {}
  }
  const room = isRecreated ? wanted : wanted + bounds(deployment).surge - sum(former, replicasOf)
  if (!current) return {create: [setOf(deployment, former, Math.max(0, Math.min(wanted, room)))]}
  const now = replicasOf(current)
  const next = now > wanted ? wanted : Math.max(now, Math.min(wanted, room))
  if (next !== now) return {change: [withReplicas(current, next)]}
  return isRecreated || sum(former, replicasOf) === 0
    ? {remove: forgotten(deployment, current, former)}
    : shrink(deployment, current, former)
}

/** Old pods go as far as enough are available: those first that are of no use anyway, then those of the oldest template. */
const shrink = (deployment: ApiObject, current: ApiObject, former: readonly ApiObject[]): Steps => {
  const least = replicasOf(deployment) - bounds(deployment).unavailable
  const comingUp = replicasOf(current) - availableOf(current)
  let useless = sum([...former, current], replicasOf) - least - comingUp
  if (useless <= 0) return {}
  let spare = sum([...former, current], availableOf) - least
  const change = former.flatMap((set) => {
    const sick = Math.min(useless, Math.max(0, replicasOf(set) - availableOf(set)))
    const sound = Math.max(0, Math.min(spare, replicasOf(set) - sick))
    useless -= sick
    spare -= sound
    return sick + sound > 0 ? [withReplicas(set, replicasOf(set) - sick - sound)] : []
  })
  return {change}
}

const forgotten = (deployment: ApiObject, current: ApiObject, former: readonly ApiObject[]): readonly ApiObject[] => {
  const empty = former.filter((set) => replicasOf(set) === 0 && numberAt(set, 'status.replicas') === 0)
  const limit = numberAt(deployment, 'spec.revisionHistoryLimit')
  return isComplete(deployment, current, [current, ...former]) ? empty.slice(0, Math.max(0, empty.length - limit)) : []
}

/** How often the name of a new ReplicaSet was taken: each time gives it another hash. */
const collisionsOf = (deployment: ApiObject): number => numberAt(deployment, 'status.collisionCount')
const collisions = (collisionCount: number): JsonObject => counts({collisionCount})

const setOf = (deployment: ApiObject, former: readonly ApiObject[], replicas: number): JsonObject => {
  const spec = specOf(deployment)
  const template = templateOf(deployment)
  const metadata = objectAt(template, 'metadata')
  const hash = createHash('sha256')
    .update(JSON.stringify([template, collisionsOf(deployment)]))
    .digest('hex')
    .slice(0, 10)
  const labels = {...objectAt(metadata, 'labels'), [HASH]: hash}
  const selector = objectAt(spec, 'selector')
  return {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      labels,
      annotations: {
        ...without({...deployment.metadata.annotations}, LAST_APPLIED),
        [REVISION]: String(Math.max(0, ...former.map(revisionOf)) + 1),
      },
    },
    spec: {
      replicas,
      ...(spec['minReadySeconds'] !== undefined && {minReadySeconds: spec['minReadySeconds']}),
      selector: {...selector, matchLabels: {...objectAt(selector, 'matchLabels'), [HASH]: hash}},
      template: {...template, metadata: {...metadata, labels}},
    },
  }
}

const isComplete = (deployment: ApiObject, current: ApiObject, sets: readonly ApiObject[]): boolean => {
  const wanted = replicasOf(deployment)
  const observed = (set: ApiObject): number => numberAt(set, 'status.replicas')
  return observed(current) === wanted && sum(sets, observed) === wanted && sum(sets, availableOf) === wanted
}

const report = (
  deployment: ApiObject,
  current: ApiObject | undefined,
  sets: readonly ApiObject[],
  now: number,
): Pick<Plan, 'status' | 'ifTaken' | 'wakeAfter'> => {
  const observed = (set: ApiObject): number => numberAt(set, 'status.replicas')
  const available = sum(sets, availableOf)
  const numbers = counts({
    replicas: sum(sets, observed),
    updatedReplicas: current ? observed(current) : 0,
    readyReplicas: sum(sets, (set) => numberAt(set, 'status.readyReplicas')),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(sets, replicasOf) - available),
  })
  const isEnough = available >= replicasOf(deployment) - bounds(deployment).unavailable
  const availability = told(
    deployment,
    isEnough
      ? {type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.'}
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
    now,
  )
  const {condition, wakeAfter} = progress(deployment, current, sets, numbers, now)
  return {
    status: {
      observedGeneration: deployment.metadata.generation,
      ...numbers,
      terminatingReplicas: sum(sets, (set) => numberAt(set, 'status.terminatingReplicas')),
      conditions: [availability, condition],
      ...collisions(collisionsOf(deployment)),
    },
    ifTaken: collisions(collisionsOf(deployment) + 1),
    ...(wakeAfter !== undefined && {wakeAfter}),
  }
}

/** Each change of the numbers is progress; without one for too long the rollout has failed, and goes on trying. */
const progress = (
  deployment: ApiObject,
  current: ApiObject | undefined,
  sets: readonly ApiObject[],
  numbers: JsonObject,
  now: number,
): {readonly condition: JsonObject; readonly wakeAfter?: number} => {
  const name = current?.metadata.name ?? deployment.metadata.name
  const say = (status: 'True' | 'False', reason: string, message: string): JsonObject =>
    told(deployment, {type: 'Progressing', status, reason, message}, now)
  if (specOf(deployment)['paused'] === true) return {condition: say('True', 'DeploymentPaused', 'Deployment is paused')}
  if (current && isComplete(deployment, current, sets))
    return {condition: say('True', 'NewReplicaSetAvailable', `ReplicaSet "${name}" has successfully progressed.`)}
  const before = statusOf(deployment)
  const hasMoved = Object.entries(numbers).some(([field, number]) => before[field] !== number)
  const condition = say('True', 'ReplicaSetUpdated', `ReplicaSet "${name}" is progressing.`)
  if (hasMoved) return {condition: {...condition, lastUpdateTime: timestamp(now)}}
  const deadline = numberAt(deployment, 'spec.progressDeadlineSeconds') * 1000
  const wasLate = conditionOf(deployment, 'Progressing')?.['reason'] === 'ProgressDeadlineExceeded'
  const left = Date.parse(String(condition['lastUpdateTime'])) + deadline - now
  if (left > 0 && !wasLate) return {condition, wakeAfter: left}
  return {condition: say('False', 'ProgressDeadlineExceeded', `ReplicaSet "${name}" has timed out progressing.`)}
}
