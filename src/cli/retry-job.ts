import {DASK_JOBS, type DaskJob} from '../api/dask.ts'
import {ANNOTATION_STOPPED_AT} from '../api/names.ts'
import type {KubeClient} from '../kube/client.ts'
import {isNotFound} from '../kube/errors.ts'
import {filesName} from './job-manifest.ts'
import {formatDocument, tell} from './output.ts'
import {giveFiles} from './submit-job.ts'
import {type Look, openWatch} from './watch.ts'
import {createObject} from './write.ts'

export interface RetryCall {
  readonly client: KubeClient
  readonly namespace: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * Deletes a job that has ended and makes it anew under its name, with the files that travelled with it. Where that breaks off in between,
 * nothing is lost: the files go back to a job that is still there, and of one that has gone the manifest is told.
 */
export async function retryJob(before: DaskJob, {client, namespace, timeoutMs, signal}: RetryCall): Promise<void> {
  const {name, labels} = before.metadata
  const {[ANNOTATION_STOPPED_AT]: _, ...annotations} = before.metadata.annotations ?? {}
  const metadata = {name, namespace, ...(labels && {labels}), annotations}
  const object: DaskJob = {apiVersion: DASK_JOBS.apiVersion, kind: DASK_JOBS.kind, metadata, spec: before.spec}
  // The files would go with the job that they belong to.
  const hasFiles = await giveFiles(client, before, undefined, signal)
  let made: DaskJob
  try {
    await deleteAndWait(before, {client, namespace, timeoutMs, signal})
    made = await createObject({client, kind: DASK_JOBS, object, dryRun: false, signal})
  } catch (error) {
    await save(before, object, {client, hasFiles})
    throw error
  }
  if (hasFiles) await giveFiles(client, before, made, signal)
}

const deleteAndWait = async ({metadata: {name, uid}}: DaskJob, {client, namespace, timeoutMs, signal}: RetryCall): Promise<void> => {
  const watch = await openWatch(client, signal)
  try {
    const jobs = watch.see(DASK_JOBS, {namespace, name})
    const look = (): Look<true> => (jobs.get({namespace, name})?.metadata.uid === uid ? {} : {done: true})
    await client.delete(DASK_JOBS, {namespace, name}, {propagationPolicy: 'Background', signal, ...(uid !== undefined && {uid})})
    await watch.until(look, {timeoutMs, waitingFor: () => `job "${name}" is still being deleted`})
  } finally {
    watch.close()
  }
}

/** What failed is told by the caller: here nothing may fail any more. */
const save = async (before: DaskJob, object: DaskJob, {client, hasFiles}: {readonly client: KubeClient; readonly hasFiles: boolean}) => {
  const {name} = object.metadata
  const now = await client.get(DASK_JOBS, object.metadata).catch((error: unknown) => {
    if (!isNotFound(error)) tell(`whether job "${name}" is still there cannot be seen: ${String(error)}`)
    return undefined
  })
  const isThere = now !== undefined && now.metadata.uid === before.metadata.uid && now.metadata.deletionTimestamp === undefined
  if (!isThere) tell(`job "${name}" was not made again; this is its manifest, for "job run -f":\n${await formatDocument(object, 'yaml')}`)
  if (!hasFiles) return
  if (!isThere) return tell(`its files are in ConfigMap "${filesName(name)}", which belongs to no job now`)
  await giveFiles(client, before, now, AbortSignal.timeout(10_000)).catch((error: unknown) =>
    tell(`ConfigMap "${filesName(name)}" with its files belongs to no job now: ${String(error)}`),
  )
}
