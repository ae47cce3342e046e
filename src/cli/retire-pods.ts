import {PODS, type Pod} from '../api/core.ts'
import type {KubeClient} from '../kube/client.ts'
import {isNotFound} from '../kube/errors.ts'
import {answer} from './output.ts'
import {type Look, openWatch} from './watch.ts'
import {doneText} from './write.ts'

export interface DeletePods {
  readonly client: KubeClient
  readonly namespace: string
  /** Of the pods among which these are. */
  readonly labelSelector: string
  readonly dryRun: 'client' | 'server' | undefined
  readonly wait: boolean
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Deletes worker pods in peace: each has itself retired by its scheduler before it ends (its `preStop` hook). */
export async function deletePods(
  pods: readonly Pod[],
  {client, namespace, labelSelector, dryRun, wait, timeoutMs, signal}: DeletePods,
): Promise<void> {
  for (const {metadata} of pods) {
    const {name, uid} = metadata
    if (dryRun !== 'client')
      await client
        .delete(PODS, {namespace, name}, {dryRun: dryRun === 'server', signal, ...(uid !== undefined && {uid})})
        .catch((error: unknown) => {
          // It has gone by itself: what was asked for has happened.
          if (!isNotFound(error)) throw error
        })
    answer(`pod/${name} ${doneText('retires', dryRun)}\n`)
  }
  if (!wait || dryRun !== undefined) return
  const uids = new Set(pods.map(({metadata}) => metadata.uid))
  const watch = await openWatch(client, signal)
  try {
    const cache = watch.see(PODS, {namespace, labelSelector})
    const left = (): readonly string[] => cache.list(namespace).flatMap(({metadata}) => (uids.has(metadata.uid) ? [metadata.name] : []))
    await watch.until((): Look<true> => (left().length === 0 ? {done: true} : {}), {
      timeoutMs,
      waitingFor: () => `${left().length} workers are still finishing: ${left().slice(0, 3).join(', ')}`,
    })
  } finally {
    watch.close()
  }
}
