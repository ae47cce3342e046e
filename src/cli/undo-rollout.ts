import {DASK_CLUSTERS, DASK_WORKER_GROUPS} from '../api/dask.ts'
import {formerTemplates, templatesOf} from '../api/history.ts'
import {mergePatch} from '../api/json.ts'
import {defaultGroupName} from '../api/names.ts'
import {ifMissing} from '../kube/errors.ts'
import type {ChangeCall} from './suspend.ts'
import {UserError} from './user-error.ts'
import {FIELD_MANAGER} from './write.ts'

/** The parts of a cluster whose pod template went back. */
export type Undone = readonly ('scheduler' | 'worker')[]

/** Gives a cluster the pod templates of before its last change; its numbers, strategies and services stay. */
export async function undoRollout({client, namespace, name, dryRun, signal}: ChangeCall): Promise<Undone> {
  const cluster = await client.get(DASK_CLUSTERS, {namespace, name}, {signal})
  const group = await client.get(DASK_WORKER_GROUPS, {namespace, name: defaultGroupName(name)}, {signal}).catch(ifMissing(undefined))
  const former = formerTemplates(cluster, group?.metadata.annotations)
  if (!former)
    throw new UserError(`there is nothing that DaskCluster "${name}" could go back to: no earlier pod template of it is kept`, {
      next: ['they are kept from the first change on that this operator has carried out, one step back'],
    })
  const now = templatesOf(cluster)
  const [scheduler, worker] = [mergePatch(now.scheduler, former.scheduler), mergePatch(now.worker, former.worker)]
  const spec = {...(scheduler !== undefined && {scheduler: {spec: scheduler}}), ...(worker !== undefined && {worker: {spec: worker}})}
  const {resourceVersion} = cluster.metadata
  // Somebody else's edit meanwhile would be mixed with the one that is taken back.
  const patch = {spec, metadata: {...(resourceVersion !== undefined && {resourceVersion})}}
  await client.patch(DASK_CLUSTERS, {namespace, name}, patch, {type: 'merge', dryRun, fieldManager: FIELD_MANAGER, signal})
  return [...(scheduler === undefined ? [] : (['scheduler'] as const)), ...(worker === undefined ? [] : (['worker'] as const))]
}
