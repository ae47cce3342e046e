import {DASK_CLUSTERS} from '../api/dask.ts'
import type {Revision} from '../api/history.ts'
import {mergePatch} from '../api/json.ts'
import {readHistory} from './rollout-history.ts'
import type {ChangeCall} from './suspend.ts'
import {EXIT, UserError, usageError} from './user-error.ts'
import {FIELD_MANAGER} from './write.ts'

/** The parts of a cluster whose pod template went back. */
export type Undone = readonly ('scheduler' | 'worker')[]

/** Gives a cluster the pod templates of a revision, that of before its last change unless one is named; its numbers, strategies and services stay. */
export async function undoRollout(call: ChangeCall & {readonly toRevision: number | undefined}): Promise<Undone> {
  const {client, namespace, name, toRevision, dryRun, signal} = call
  const {cluster, revisions} = await readHistory(call)
  const [former, now] = [formerOf(revisions, name, toRevision), revisions.at(-1)]
  const [scheduler, worker] = [mergePatch(now?.scheduler, former.scheduler), mergePatch(now?.worker, former.worker)]
  if (scheduler === undefined && worker === undefined)
    throw usageError(`DaskCluster "${name}" has the templates of revision ${former.revision} already`)
  const spec = {...(scheduler !== undefined && {scheduler: {spec: scheduler}}), ...(worker !== undefined && {worker: {spec: worker}})}
  const {resourceVersion} = cluster.metadata
  // Somebody else's edit meanwhile would be mixed with the one that is taken back.
  const patch = {spec, metadata: {...(resourceVersion !== undefined && {resourceVersion})}}
  await client.patch(DASK_CLUSTERS, {namespace, name}, patch, {type: 'merge', dryRun, fieldManager: FIELD_MANAGER, signal})
  return [...(scheduler === undefined ? [] : (['scheduler'] as const)), ...(worker === undefined ? [] : (['worker'] as const))]
}

/** The one before the last change, or the one that is asked for; of those before there may be none. */
const formerOf = (revisions: readonly Revision[], name: string, toRevision: number | undefined): Revision => {
  const former = revisions.at(-2)
  if (!former)
    throw new UserError(`there is nothing that DaskCluster "${name}" could go back to: no earlier pod template of it is kept`, {
      next: ['they are kept from the first change on that this operator has carried out'],
    })
  return toRevision === undefined ? former : revisionOf(revisions, name, toRevision)
}

/** Throws where that one is not kept, with those that are. */
export const revisionOf = (revisions: readonly Revision[], name: string, wanted: number): Revision => {
  const found = revisions.find(({revision}) => revision === wanted)
  if (found) return found
  throw new UserError(
    `no revision ${wanted} of DaskCluster "${name}" is kept; there are ${revisions.map(({revision}) => revision).join(', ')}`,
    {
      exitCode: EXIT.notFound,
    },
  )
}
