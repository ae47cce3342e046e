import {DASK_JOBS, type DaskJob} from '../api/dask.ts'
import {hasJobEnded} from '../api/job-state.ts'
import {ANNOTATION_STOPPED_AT} from '../api/names.ts'
import type {KubeClient} from '../kube/client.ts'
import {EXIT, UserError} from './user-error.ts'
import {type Look, openWatch} from './watch.ts'
import {FIELD_MANAGER} from './write.ts'

export interface StopCall {
  readonly client: KubeClient
  readonly namespace: string
  readonly name: string
  readonly signal: AbortSignal
}

/**
 * Asks for the end of a job; resolves with `false`, and asks for nothing, where it has ended already.
 * An annotation and no field: the job's spec stays the one that was asked for, so that it can be run again.
 */
export async function askStop({client, namespace, name, signal}: StopCall, dryRun: boolean): Promise<boolean> {
  const job = await client.get(DASK_JOBS, {namespace, name}, {signal})
  if (hasJobEnded(job)) return false
  const patch = {metadata: {annotations: {[ANNOTATION_STOPPED_AT]: `${new Date().toISOString().slice(0, 19)}Z`}}}
  await client.patch(DASK_JOBS, {namespace, name}, patch, {type: 'merge', dryRun, fieldManager: FIELD_MANAGER, signal})
  return true
}

/** Waits until a job has ended; resolves with it. */
export async function waitForEnd({client, namespace, name, signal, timeoutMs}: StopCall & {readonly timeoutMs: number}): Promise<DaskJob> {
  const watch = await openWatch(client, signal)
  try {
    const jobs = watch.see(DASK_JOBS, {namespace, name})
    const look = (): Look<DaskJob> => {
      const job = jobs.get({namespace, name})
      if (!job) throw new UserError(`job "${name}" was deleted meanwhile`, {exitCode: EXIT.notFound})
      return hasJobEnded(job) ? {done: job} : {}
    }
    return await watch.until(look, {
      timeoutMs,
      waitingFor: () => `job "${name}" has not ended: is an operator running that knows how to stop it?`,
    })
  } finally {
    watch.close()
  }
}
