/** The controllers of Deployments, ReplicaSets and Jobs: each follows its kind and what it owns, plans, and writes to the store. */
import {makeAgenda} from '../agenda.ts'
import {remove} from '../delete.ts'
import {Refusal} from '../errors.ts'
import {type ApiObject, isEqual, type JsonObject, objectAt} from '../json.ts'
import {builtIn} from '../kinds/built-in.ts'
import {timestamp} from '../prepare.ts'
import {apiVersionOf, type Ground, type Resource} from '../resources.ts'
import {create, type WriteOptions} from '../write.ts'
import {planDeployment} from './deployments.ts'
import {planJob} from './jobs.ts'
import {conditionOf, conditionsOf, type Plan, type Planner} from './planning.ts'
import {planReplicaSet} from './replica-sets.ts'

interface Workload {
  readonly owner: Resource
  readonly dependent: Resource
  readonly plan: Planner
}

const WORKLOADS: readonly Workload[] = [
  {owner: builtIn('deployments.apps'), dependent: builtIn('replicasets.apps'), plan: planDeployment},
  {owner: builtIn('replicasets.apps'), dependent: builtIn('pods'), plan: planReplicaSet},
  {owner: builtIn('jobs.batch'), dependent: builtIn('pods'), plan: planJob},
]

const OPTIONS: WriteOptions = {dryRun: false, fieldValidation: 'Ignore', manager: 'kube-controller-manager'}

/** Follows the store until it is stopped. */
export function startWorkloads(ground: Ground, onError: (error: unknown) => void): {stop(): void} {
  const {store} = ground
  const alarms = new Map<string, NodeJS.Timeout>()

  const keyOf = (owner: Resource, namespace: string, name: string): string => `${owner.storage}/${namespace}/${name}`

  const run = (key: string): void => {
    clearTimeout(alarms.get(key))
    alarms.delete(key)
    const [storage = '', namespace = '', name = ''] = key.split('/')
    const workload = WORKLOADS.find(({owner}) => owner.storage === storage)
    const owner = store.get(storage, namespace, name)
    if (!workload || !owner || owner.metadata.deletionTimestamp) return
    const owned = store.list(workload.dependent.storage, namespace).filter((each) => controllerOf(each)?.uid === owner.metadata.uid)
    const plan = workload.plan(owner, owned, Date.now())
    const refusal = act(ground, workload, owner, plan)
    report(ground, workload.owner, owner, plan, refusal)
    if (plan.wakeAfter !== undefined) alarms.set(key, setTimeout(() => agenda.add(key), Math.min(plan.wakeAfter, LONGEST_TIMER_MS)).unref())
  }

  const agenda = makeAgenda(run, onError)
  const unsubscribe = store.watchAll((storage, {object}) => {
    const {namespace = '', name} = object.metadata
    for (const {owner, dependent} of WORKLOADS) {
      if (owner.storage === storage) agenda.add(keyOf(owner, namespace, name))
      if (dependent.storage !== storage) continue
      const controller = controllerOf(object)
      if (controller?.kind === owner.kind && controller.apiVersion === apiVersionOf(owner))
        agenda.add(keyOf(owner, namespace, controller.name))
    }
  })
  return {
    stop: () => {
      unsubscribe()
      agenda.stop()
      for (const alarm of alarms.values()) clearTimeout(alarm)
    },
  }
}

/** What setTimeout can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

const controllerOf = (object: ApiObject) => object.metadata.ownerReferences?.find(({controller}) => controller)

/** What the server refuses is returned, to be told in the owner's status. */
const act = (ground: Ground, {owner: resource, dependent}: Workload, owner: ApiObject, plan: Plan): Refusal | undefined => {
  const {namespace = '', name, uid = ''} = owner.metadata
  const reference = {apiVersion: apiVersionOf(resource), kind: resource.kind, name, uid, controller: true, blockOwnerDeletion: true}
  try {
    for (const {metadata} of plan.remove ?? [])
      remove(ground, dependent, namespace, metadata.name, {propagation: 'Background', dryRun: false})
    for (const changed of plan.change ?? []) ground.store.put(dependent.storage, changed)
    for (const fresh of plan.create ?? []) {
      const owned = {...fresh, metadata: {...objectAt(fresh, 'metadata'), ownerReferences: [reference]}}
      create(ground, dependent, namespace, owned, OPTIONS)
    }
    if (plan.isOver) remove(ground, resource, namespace, name, {propagation: 'Background', dryRun: false})
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  return undefined
}

const report = ({store}: Ground, {storage}: Resource, planned: ApiObject, plan: Plan, refusal?: Refusal): void => {
  const {namespace = '', name} = planned.metadata
  const owner = store.get(storage, namespace, name)
  const {annotations} = plan
  if (!owner || plan.isOver) return
  const next = {
    ...owner,
    metadata: annotations ? {...owner.metadata, annotations: {...owner.metadata.annotations, ...annotations}} : owner.metadata,
    status: refusal ? afterRefusal(plan, refusal, owner) : plan.status,
  }
  if (!isEqual(next, owner)) store.put(storage, next)
}

const FAILURE = 'ReplicaFailure'

const afterRefusal = ({status, ifTaken}: Plan, {reason, message}: Refusal, owner: ApiObject): JsonObject => {
  if (reason === 'AlreadyExists' && ifTaken) return {...status, ...ifTaken}
  const before = conditionOf(owner, FAILURE)
  const told = {type: FAILURE, status: 'True', reason: 'FailedCreate', message}
  const since = before?.['message'] === message ? before['lastTransitionTime'] : timestamp()
  return {...status, conditions: [...conditionsOf({status}), {...told, lastTransitionTime: since}]}
}
