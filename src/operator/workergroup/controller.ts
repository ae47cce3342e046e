import {randomBytes} from 'node:crypto'
import {PODS, type Pod} from '../../api/core.ts'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS, type DaskCluster, type DaskWorkerGroup} from '../../api/dask.ts'
import {ANNOTATION_RETIRING, LABEL_CLUSTER, LABEL_COMPONENT, LABEL_GROUP} from '../../api/names.ts'
import type {KubeObject, Ref} from '../../api/object.ts'
import {isPodEnded, isPodLeaving} from '../../api/pod-state.ts'
import {isMadeByPythonOperator, isOfPythonOperator} from '../../api/python-operator.ts'
import {refIn, refOf} from '../../api/ref.ts'
import {ownScheduler} from '../../api/scheduler-pod.ts'
import type {Controller, Reader} from '../engine/contract.ts'
import {planGroup} from './plan.ts'
import {NOTABLES} from './reasons.ts'
import type {Retirements} from './retirements.ts'
import {rolloutOf} from './rollout.ts'
import {failedGroupStatus} from './status.ts'
import {wantedOf} from './wanted.ts'
import type {GroupWorld, Retire, SchedulerView} from './world.ts'

export interface Question {
  readonly cluster: DaskCluster
  readonly scheduler: Pod
  /** Pods of one group that have not ended. */
  readonly pods: readonly Pod[]
}

/** Asks a cluster's scheduler who of these pods is connected and who should leave first; never rejects, and never takes long. */
export type AskScheduler = (question: Question, signal: AbortSignal) => Promise<SchedulerView>

/** Keeps as many workers in each DaskWorkerGroup as its spec says, and lets those that are too many go without losing their work. */
export const createGroupController = (ask: AskScheduler, retirements: Retirements): Controller<DaskWorkerGroup, GroupWorld, Retire> => ({
  kind: DASK_WORKER_GROUPS,
  owns: [PODS],
  watches: [
    {kind: DASK_CLUSTERS, keysOf: (cluster, reader) => groupsOf(cluster, cluster.metadata.name, reader)},
    {kind: PODS, keysOf: formerGroup},
    {kind: PODS, keysOf: (pod, reader) => (isScheduler(pod) ? groupsOf(pod, pod.metadata.labels?.[LABEL_CLUSTER], reader) : [])},
  ],
  start: retirements.start,
  observe: (group, reader, signal) => observeGroup(group, reader, {ask, retirements, signal}),
  plan: planGroup,
  act: async (group, order) => retirements.retire(refOf(group), order),
  notables: NOTABLES,
  failed: failedGroupStatus,
})

/** Pods of one plan: a number that somebody has mistyped must not fill the memory. Those that are still missing are made by the next one. */
const MOST_AT_ONCE = 2_000

/** The group that a pod of the Python operator keeps waiting. */
const formerGroup = (pod: KubeObject): readonly Ref[] => {
  const group = pod.metadata.labels?.[LABEL_GROUP]
  return group !== undefined && isOfPythonOperator(pod as Pod) ? [refIn(pod, group)] : []
}

interface Means {
  readonly ask: AskScheduler
  readonly retirements: Retirements
  readonly signal: AbortSignal
}

async function observeGroup(group: DaskWorkerGroup, reader: Reader, {ask, retirements, signal}: Means): Promise<GroupWorld> {
  const {namespace, uid} = group.metadata
  const at = (name: string): Ref => ({name, ...(namespace !== undefined && {namespace})})
  const cluster = reader.cache(DASK_CLUSTERS).get(at(group.spec.cluster))
  const scheduler = cluster && ownScheduler(cluster, reader.cache(PODS))
  const pods = uid === undefined ? [] : reader.cache(PODS).ownedBy(uid)
  const wanted = wantedOf(group, cluster)
  const live = pods.filter((pod) => !isPodLeaving(pod) && !isPodEnded(pod))
  const staying = live.filter((pod) => !isMarked(pod))
  const rollout = cluster && rolloutOf(group, cluster, scheduler, staying, wanted)
  // A namespace may hold thousands of pods: looked through only for a group that has none yet, or some that were taken over.
  const mayBeFormer = staying.length < wanted && (pods.length === 0 || pods.some(isMadeByPythonOperator))
  const former = mayBeFormer ? reader.cache(PODS).list(namespace).filter(isFormerWorkerOf(group)) : []
  const isAnyToLeave = live.length > Math.min(wanted, staying.length) || (rollout && rollout.outdated.length > 0 && !rollout.isHeld)
  return {
    cluster,
    scheduler,
    pods,
    former,
    ids: Array.from({length: Math.min(MOST_AT_ONCE, Math.max(0, wanted - staying.length) + (rollout?.surge ?? 0))}, () =>
      randomBytes(5).toString('hex'),
    ),
    view:
      !cluster || !isAnyToLeave
        ? {is: 'unasked'}
        : !mayHaveServed(scheduler)
          ? {is: 'absent'}
          : await ask({cluster, scheduler, pods: live}, signal),
    // What was known of a pod that stayed after all says nothing of it when it is chosen again.
    retirements: retirements.of(refOf(group), pods.filter(isMarked)),
    isGoingToZero: groupsNaming(group.spec.cluster, namespace, reader).every((each) => wantedOf(each, cluster) === 0),
  }
}

const isMarked = ({metadata}: Pod): boolean => metadata.annotations?.[ANNOTATION_RETIRING] !== undefined

const isFormerWorkerOf =
  ({metadata: {name}}: DaskWorkerGroup) =>
  (pod: Pod): boolean =>
    pod.metadata.labels?.[LABEL_GROUP] === name && isOfPythonOperator(pod)

/** Whether there is a scheduler that workers may have got work from; one that only waits, leaves or has ended is none. */
const mayHaveServed = (scheduler: Pod | undefined): scheduler is Pod => scheduler?.status?.phase === 'Running' && !isPodLeaving(scheduler)

const isScheduler = (pod: KubeObject): boolean => pod.metadata.labels?.[LABEL_COMPONENT] === 'scheduler'

const groupsNaming = (cluster: string, namespace: string | undefined, reader: Reader): readonly DaskWorkerGroup[] =>
  reader
    .cache(DASK_WORKER_GROUPS)
    .list(namespace)
    .filter(({spec}) => spec.cluster === cluster)

const groupsOf = (object: KubeObject, cluster: string | undefined, reader: Reader): readonly Ref[] =>
  cluster === undefined ? [] : groupsNaming(cluster, object.metadata.namespace, reader).map(refOf)
