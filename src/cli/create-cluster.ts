import {
  DASK_AUTOSCALERS,
  DASK_CLUSTERS,
  DASK_WORKER_GROUPS,
  type DaskAutoscaler,
  type DaskCluster,
  type DaskWorkerGroup,
} from '../api/dask.ts'
import {defaultGroupName} from '../api/names.ts'
import type {KubeClient} from '../kube/client.ts'
import {isNotFound} from '../kube/errors.ts'
import {autoscalerManifest} from './autoscalers.ts'
import {type ChoiceFlags, checkGroupName, choicesOf, type MarkFlags, marksOf} from './choices.ts'
import {clusterManifest, groupManifest} from './cluster-manifest.ts'
import type {GroupChoice} from './group-flag.ts'
import {tell} from './output.ts'
import {createObject} from './write.ts'

/** A cluster and what is made together with it. */
export interface ClusterSet {
  readonly cluster: DaskCluster
  readonly groups: readonly DaskWorkerGroup[]
  readonly autoscaler: DaskAutoscaler | undefined
}

export interface SetFlags extends ChoiceFlags, MarkFlags {
  readonly group?: readonly GroupChoice[] | undefined
  readonly adapt?: {readonly minimum: number; readonly maximum: number} | undefined
}

/** What the flags of a call describe; rejects names of groups that no operator would take. */
export function clusterSet(name: string, namespace: string | undefined, flags: SetFlags): ClusterSet {
  const choices = choicesOf(flags)
  const groups = (flags.group ?? []).map((group) => {
    const full = `${name}-${group.name}`
    checkGroupName(full)
    const resources = {...choices.resources, ...group.resources}
    const own = {
      ...choices,
      workers: group.workers,
      resources,
      workerResources: group.workerResources,
      ...(group.image && {image: group.image}),
      ...(group.workerCommand && {workerCommand: group.workerCommand}),
    }
    return groupManifest(full, namespace, name, own, marksOf(flags))
  })
  const autoscaler = flags.adapt && autoscalerManifest(namespace, name, defaultGroupName(name), flags.adapt)
  return {cluster: clusterManifest(name, namespace, choices, marksOf(flags)), groups, autoscaler}
}

/** Makes all of a set, or nothing: what was made before one was refused is taken away again, unless it is to be kept. */
export async function createSet(
  client: KubeClient,
  {cluster, groups, autoscaler}: ClusterSet,
  {dryRun, keep, signal}: {readonly dryRun: boolean; readonly keep: boolean; readonly signal: AbortSignal},
): Promise<ClusterSet> {
  const call = {client, dryRun, signal}
  const made = await createObject({...call, kind: DASK_CLUSTERS, object: cluster})
  const further = await Promise.allSettled([
    ...groups.map((object) => createObject({...call, kind: DASK_WORKER_GROUPS, object})),
    ...(autoscaler ? [createObject({...call, kind: DASK_AUTOSCALERS, object: autoscaler})] : []),
  ])
  const objects = further.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const makeSet: ClusterSet = {
    cluster: made,
    groups: objects.filter((object): object is DaskWorkerGroup => object.kind === DASK_WORKER_GROUPS.kind),
    autoscaler: objects.find((object): object is DaskAutoscaler => object.kind === DASK_AUTOSCALERS.kind),
  }
  const refused = further.find((each) => each.status === 'rejected')
  if (!refused) return makeSet
  if (!dryRun && !keep) await takeAway(client, makeSet)
  throw refused.reason
}

/** Deletes what was made, and nothing else of these names; what cannot be deleted is told, since another failure is on its way already. */
export async function takeAway(client: KubeClient, {cluster, groups, autoscaler}: ClusterSet): Promise<void> {
  const all = [
    ...groups.map((object) => ({kind: DASK_WORKER_GROUPS, object})),
    ...(autoscaler ? [{kind: DASK_AUTOSCALERS, object: autoscaler}] : []),
    {kind: DASK_CLUSTERS, object: cluster},
  ]
  for (const {kind, object} of all) {
    const {name, namespace = client.namespace, uid} = object.metadata
    await client
      .delete(kind, {namespace, name}, {propagationPolicy: 'Background', ...(uid !== undefined && {uid})})
      .catch((error: unknown) => isNotFound(error) || tell(`${kind.kind} "${name}" could not be deleted: ${String(error)}`))
  }
}
