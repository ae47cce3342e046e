import {PODS, type Pod} from '../../api/core.ts'
import {API_VERSION, DASK_CLUSTERS, DASK_WORKER_GROUPS, GROUP} from '../../api/dask.ts'
import {LABEL_CLUSTER, LABEL_COMPONENT, LABEL_GROUP} from '../../api/names.ts'
import type {Kind, KubeObject, OwnerReference} from '../../api/object.ts'
import {controllerOf} from '../../api/ownership.ts'
import {isPodEnded, isPodLeaving} from '../../api/pod-state.ts'
import {isMadeByPythonOperator} from '../../api/python-operator.ts'
import type {KubeClient} from '../../kube/client.ts'
import {ifMissing} from '../../kube/errors.ts'
import type {Right} from '../access-review.ts'
import {type Look, openWatch} from '../watch.ts'
import {FIELD_MANAGER} from '../write.ts'
import {DEPLOYMENTS, REPLICA_SETS} from './kinds.ts'

export interface TakeOverCall {
  readonly client: KubeClient
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** What it takes, in all namespaces, to stop that operator and to carry on what it has made. Nothing may be missing half-way. */
export const RIGHTS_TO_TAKE_OVER: readonly Right[] = [
  ...['deployments', 'replicasets'].flatMap((resource) => ['list', 'watch', 'delete'].map((verb) => ({verb, group: 'apps', resource}))),
  {verb: 'patch', group: 'apps', resource: 'deployments'},
  ...['list', 'watch', 'patch', 'delete'].map((verb) => ({verb, group: '', resource: 'pods'})),
  ...['daskclusters', 'daskworkergroups'].map((resource) => ({verb: 'get', group: GROUP, resource})),
]

/** Labels of what the Python operator makes for a cluster; Deployments of others have no component of Dask. */
const MADE_FOR_DASK = `${LABEL_CLUSTER},${LABEL_COMPONENT} in (scheduler,worker)`

/**
 * Carries on what the Python operator has made, as it runs: its Deployments and their ReplicaSets go, their pods stay, and belong to the
 * DaskCluster or DaskWorkerGroup itself from then on. That operator has to have been stopped. Resolves with the number of pods.
 * Begun again after it was broken off it goes on where it stood: what is to be done is read off what is there.
 */
export async function takeOverPods(call: TakeOverCall): Promise<number> {
  await orphan(call, DEPLOYMENTS, (deployment) => controllerOf(deployment)?.apiVersion === API_VERSION)
  await orphan(call, REPLICA_SETS, (set) => controllerOf(set) === undefined)
  const {client, signal} = call
  const {items} = await client.list(PODS, {labelSelector: MADE_FOR_DASK, signal})
  const adopted = await Promise.all(items.filter(isRunningOn).map((pod) => adopt(client, pod, signal)))
  return adopted.filter(Boolean).length
}

/** Nobody keeps it any more, and it runs. */
const isRunningOn = (pod: Pod): boolean =>
  isMadeByPythonOperator(pod) && controllerOf(pod) === undefined && !isPodLeaving(pod) && !isPodEnded(pod)

/** Deletes those of a kind without what they own, and waits until the garbage collector has let go of that. */
const orphan = async ({client, timeoutMs, signal}: TakeOverCall, kind: Kind, isTheirs: (object: KubeObject) => boolean): Promise<void> => {
  const items = (await client.list(kind, {labelSelector: MADE_FOR_DASK, signal})).items.filter(isTheirs)
  await Promise.all(
    items.map(({metadata}) => client.delete(kind, metadata, {propagationPolicy: 'Orphan', signal}).catch(ifMissing(undefined))),
  )
  if (items.length === 0) return
  const watch = await openWatch(client, signal)
  const left = watch.see(kind, {namespace: '', labelSelector: MADE_FOR_DASK})
  const still = (): number => left.list().filter(isTheirs).length
  const look = (): Look<true> => (still() === 0 ? {done: true} : {})
  const waitingFor = (): string => `${still()} ${kind.plural} of the Python operator are still being taken away`
  await watch.until(look, {timeoutMs, waitingFor}).finally(watch.close)
}

/** False where its owner has gone meanwhile: nobody would ever remove it, so it goes as well. */
const adopt = async (client: KubeClient, pod: Pod, signal: AbortSignal): Promise<boolean> => {
  const {name, namespace, uid, labels = {}} = pod.metadata
  const isWorker = labels[LABEL_COMPONENT] === 'worker'
  const kind: Kind = isWorker ? DASK_WORKER_GROUPS : DASK_CLUSTERS
  const ref = {name: labels[isWorker ? LABEL_GROUP : LABEL_CLUSTER] ?? '', ...(namespace !== undefined && {namespace})}
  const owner: KubeObject | undefined = await client.get(kind, ref, {signal}).catch(ifMissing(undefined))
  if (!owner) {
    await client.delete(PODS, pod.metadata, {...(uid !== undefined && {uid}), signal}).catch(ifMissing(undefined))
    return false
  }
  const reference: OwnerReference = {
    apiVersion: API_VERSION,
    kind: kind.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
  const patch = {metadata: {uid, ownerReferences: [reference]}}
  const ours = {name, ...(namespace !== undefined && {namespace})}
  const patched = client.patch(PODS, ours, patch, {type: 'merge', fieldManager: FIELD_MANAGER, signal})
  return (await patched.catch(ifMissing(undefined))) !== undefined
}
