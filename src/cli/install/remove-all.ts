import {PODS, type Pod} from '../../api/core.ts'
import {API_VERSION, DASK_AUTOSCALERS, DASK_CLUSTERS, DASK_JOBS, DASK_WORKER_GROUPS} from '../../api/dask.ts'
import {LABEL_CLUSTER} from '../../api/names.ts'
import type {Kind} from '../../api/object.ts'
import type {KubeClient} from '../../kube/client.ts'
import {ifMissing} from '../../kube/errors.ts'
import {type Look, openWatch} from '../watch.ts'

/** Owners before what they own: a group that goes first would be made again. */
const KINDS: readonly Kind[] = [DASK_AUTOSCALERS, DASK_JOBS, DASK_CLUSTERS, DASK_WORKER_GROUPS]

export interface RemoveAll {
  readonly client: KubeClient
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * Deletes every cluster, job, group and autoscaler of all namespaces and waits until their pods have gone. It has to be done before the
 * definitions go: without those the garbage collector does not know the owners' kinds, and leaves what they own.
 */
export async function removeAllObjects({client, timeoutMs, signal}: RemoveAll): Promise<number> {
  let count = 0
  for (const kind of KINDS) {
    const items = await all(client, kind, signal)
    count += items.length
    await Promise.all(
      items.map(({metadata}) => client.delete(kind, metadata, {propagationPolicy: 'Background', signal}).catch(ifMissing(undefined))),
    )
  }
  const watch = await openWatch(client, signal)
  const pods = watch.see(PODS, {namespace: '', labelSelector: LABEL_CLUSTER})
  const left = (): readonly Pod[] =>
    pods.list().filter(({metadata}) => metadata.ownerReferences?.some(({apiVersion}) => apiVersion === API_VERSION))
  const look = (): Look<true> => (left().length === 0 ? {done: true} : {})
  await watch.until(look, {timeoutMs, waitingFor: () => `${left().length} pods of clusters are still ending`}).finally(watch.close)
  return count
}

/** Nothing where its definition is missing. */
const all = async (client: KubeClient, kind: Kind, signal: AbortSignal) =>
  (await client.list(kind, {signal}).catch(ifMissing({items: []}))).items
