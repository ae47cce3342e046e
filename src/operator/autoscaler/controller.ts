import {boundsOf} from '../../api/autoscaler-bounds.ts'
import {PODS, type Pod} from '../../api/core.ts'
import {DASK_AUTOSCALERS, DASK_CLUSTERS, DASK_WORKER_GROUPS, type DaskAutoscaler, type DaskCluster} from '../../api/dask.ts'
import {LABEL_CLUSTER, LABEL_COMPONENT} from '../../api/names.ts'
import type {KubeObject, Ref} from '../../api/object.ts'
import {isPodEnded, isPodLeaving, isPodReady} from '../../api/pod-state.ts'
import {keyOf, refOf} from '../../api/ref.ts'
import {ownScheduler} from '../../api/scheduler-pod.ts'
import {workerProcesses} from '../../api/worker-processes.ts'
import type {Controller, Reader} from '../engine/contract.ts'
import {createPolls} from '../engine/polls.ts'
import {rulesOf, type Step} from './behavior.ts'
import {leavingIn} from './demand.ts'
import {groupRefOf, holderOf, replicasOf} from './holder.ts'
import {planAutoscaler} from './plan.ts'
import {type Answer, type Readings, withAnswer, withFailure} from './readings.ts'
import {NOTABLES} from './reasons.ts'
import {failedAutoscalerStatus} from './status.ts'
import {createSteps} from './steps.ts'
import type {AutoscalerWorld, GroupView} from './world.ts'

export interface TargetQuestion {
  readonly cluster: DaskCluster
  readonly scheduler: Pod
  /** Whether workers may have to go, so that tasks which none can run must be known. */
  readonly withUnrunnable: boolean
}

/** Asks a scheduler, by one call, how many workers it would like to have. Rejects when it does not answer, and never takes long. */
export type AskTarget = (question: TargetQuestion) => Promise<Answer>

/** How soon a new load is seen; the question costs the scheduler less than a millisecond. */
const TICK_MS = 2_000
/** For schedulers that do not answer: they take up connections that others wait for. */
const MOST_MS = 30_000

/** Keeps the number of each autoscaler's group where the scheduler wants it, between the autoscaler's bounds. */
export function createAutoscalerController(ask: AskTarget, clock: () => number = Date.now): Controller<DaskAutoscaler, AutoscalerWorld> {
  const known = new Map<string, Readings>()
  const steps = createSteps(clock)
  let enqueue: (ref: Ref) => void = () => undefined

  const polls = createPolls<ClusterQuestion>({
    ask: async ({cluster, scheduler, mayShrinkBelow, leaving, windowMs, followers}) => {
      const key = keyOf(refOf(cluster))
      const before = known.get(key)
      const {uid = ''} = scheduler.metadata
      const withUnrunnable = mayShrinkBelow > (before?.spans.at(-1)?.needed ?? Number.POSITIVE_INFINITY)
      try {
        const answer = await ask({cluster, scheduler, withUnrunnable})
        known.set(key, withAnswer(before, {scheduler: uid, answer, leaving, windowMs}, clock()))
      } catch (error) {
        known.set(key, withFailure(before, uid, error instanceof Error ? error.message : String(error), clock()))
      }
      for (const follower of followers) enqueue(follower)
    },
    everyMs: ({cluster}) => Math.min(MOST_MS, TICK_MS * 2 ** (known.get(keyOf(refOf(cluster)))?.failure?.count ?? 0)),
    onEnd: (key) => known.delete(key),
  })

  return {
    kind: DASK_AUTOSCALERS,
    owns: [],
    watches: [
      {kind: DASK_AUTOSCALERS, keysOf: (each, reader) => autoscalersOf(clusterNamedBy(each), each, reader)},
      {kind: DASK_WORKER_GROUPS, keysOf: (group, reader) => autoscalersOf(clusterNamedBy(group), group, reader)},
      {kind: DASK_CLUSTERS, keysOf: naming},
      {kind: PODS, keysOf: (pod, reader) => (isScheduler(pod) ? autoscalersOf(pod.metadata.labels?.[LABEL_CLUSTER], pod, reader) : [])},
    ],
    start: (ask, signal) => {
      enqueue = ask
      polls.start(signal)
    },
    observe: (autoscaler, reader) => {
      const cluster = {...refOf(autoscaler), name: autoscaler.spec.cluster}
      const need = (): ClusterQuestion | undefined => questionOf(cluster, reader)
      polls.follow(keyOf(cluster), need)
      return observeAutoscaler(autoscaler, reader, known.get(keyOf(cluster)), steps.of)
    },
    plan: planAutoscaler,
    notables: NOTABLES,
    failed: failedAutoscalerStatus,
  }
}

/** What has to be known of one cluster, whoever needs it. */
interface ClusterQuestion {
  readonly cluster: DaskCluster
  readonly scheduler: Pod
  /** Where fewer workers than this are needed some would have to go; 0: none can. */
  readonly mayShrinkBelow: number
  /** Workers that leave now. */
  readonly leaving: number
  /** The longest stabilization window of its autoscalers. */
  readonly windowMs: number
  readonly followers: readonly Ref[]
}

/** `undefined` while there is nothing to decide: the scheduler does not work, or no group's number could be another (law 10). */
const questionOf = (ref: Ref, reader: Reader): ClusterQuestion | undefined => {
  const cluster = clusterOf(ref, reader)
  const scheduler = cluster && workingScheduler(cluster, reader)
  if (!cluster || !scheduler || cluster.spec.suspend === true) return undefined
  const groups = groupsOf(cluster, reader)
  const autoscalers = ownAutoscalers(cluster, reader)
  const held = groups.flatMap((view) => {
    const holder = holderOf(view.group.metadata.name, autoscalers)
    return holder ? [{...view, bounds: boundsOf(holder), holder}] : []
  })
  const open = held.filter(({bounds}) => bounds.minimum < bounds.maximum)
  if (open.length === 0) return undefined
  const workers = groups.reduce((sum, {group}) => sum + replicasOf(group) * workerProcesses(group.spec.worker.spec), 0)
  return {
    cluster,
    scheduler,
    mayShrinkBelow: open.some(({group, bounds}) => replicasOf(group) > bounds.minimum) ? workers : 0,
    leaving: leavingIn(groups),
    windowMs: Math.max(...open.flatMap(({holder}) => Object.values(rulesOf(holder)).map(({windowMs}) => windowMs))),
    followers: open.map(({holder}) => refOf(holder)),
  }
}

const observeAutoscaler = (
  autoscaler: DaskAutoscaler,
  reader: Reader,
  readings: Readings | undefined,
  stepsOf: (uid: string, replicas: number | undefined) => {readonly steps: readonly Step[]; readonly since: number},
): AutoscalerWorld => {
  const ref = {...refOf(autoscaler), name: autoscaler.spec.cluster}
  const cluster = clusterOf(ref, reader)
  const scheduler = cluster && workingScheduler(cluster, reader)
  const named = reader.cache(DASK_WORKER_GROUPS).get(groupRefOf(autoscaler))
  const group = named?.metadata.deletionTimestamp === undefined ? named : undefined
  const {steps, since} = stepsOf(autoscaler.metadata.uid ?? '', group && replicasOf(group))
  return {
    cluster,
    scheduler,
    group,
    groups: cluster ? groupsOf(cluster, reader) : [],
    autoscalers: [
      autoscaler,
      ...(cluster ? ownAutoscalers(cluster, reader) : []).filter(({metadata}) => metadata.uid !== autoscaler.metadata.uid),
    ],
    // What another scheduler asked for says nothing of this one.
    readings: readings?.scheduler === scheduler?.metadata.uid ? readings : undefined,
    steps,
    watchedSince: since,
  }
}

const clusterOf = (ref: Ref, reader: Reader): DaskCluster | undefined => {
  const cluster = reader.cache(DASK_CLUSTERS).get(ref)
  return cluster && cluster.metadata.deletionTimestamp === undefined ? cluster : undefined
}

const workingScheduler = (cluster: DaskCluster, reader: Reader): Pod | undefined => {
  const pod = ownScheduler(cluster, reader.cache(PODS))
  return pod && isPodReady(pod) ? pod : undefined
}

/** What belongs to a cluster is found by its owner: a namespace may hold thousands of them. */
const groupsOf = ({metadata: {name, uid = ''}}: DaskCluster, reader: Reader): readonly GroupView[] =>
  reader
    .cache(DASK_WORKER_GROUPS)
    .ownedBy(uid)
    .filter(({spec, metadata}) => spec.cluster === name && metadata.deletionTimestamp === undefined)
    .map((group) => ({
      group,
      pods: (group.metadata.uid === undefined ? [] : reader.cache(PODS).ownedBy(group.metadata.uid)).filter(
        (pod) => !isPodLeaving(pod) && !isPodEnded(pod),
      ),
    }))

const ownAutoscalers = ({metadata: {name, uid = ''}}: DaskCluster, reader: Reader): readonly DaskAutoscaler[] =>
  reader
    .cache(DASK_AUTOSCALERS)
    .ownedBy(uid)
    .filter(({spec, metadata}) => spec?.cluster === name && metadata.deletionTimestamp === undefined)

/** Those that a cluster has taken in already, where it is there; a new one looks after itself. */
const autoscalersOf = (cluster: string | undefined, {metadata: {namespace}}: KubeObject, reader: Reader): readonly Ref[] => {
  const found = cluster === undefined ? undefined : clusterOf({name: cluster, ...(namespace !== undefined && {namespace})}, reader)
  return found ? ownAutoscalers(found, reader).map(refOf) : []
}

/** A cluster that comes or goes matters to whoever names it, taken in or not. */
const naming = (cluster: KubeObject, reader: Reader): readonly Ref[] =>
  reader
    .cache(DASK_AUTOSCALERS)
    .list(cluster.metadata.namespace)
    .filter(({spec}) => spec?.cluster === cluster.metadata.name)
    .map(refOf)

const clusterNamedBy = (object: KubeObject): string | undefined => {
  const cluster: unknown = (object as {readonly spec?: {readonly cluster?: unknown}}).spec?.cluster
  return typeof cluster === 'string' ? cluster : undefined
}

const isScheduler = (pod: KubeObject): boolean => pod.metadata.labels?.[LABEL_COMPONENT] === 'scheduler'
