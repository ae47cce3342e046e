import {randomInt} from 'node:crypto'
import {basename} from 'node:path'
import {CONFIG_MAPS} from '../api/core.ts'
import {DASK_JOBS, type DaskJob} from '../api/dask.ts'
import {MAX_CLUSTER_NAME} from '../api/names.ts'
import type {KubeClient} from '../kube/client.ts'
import {isConflict, isNotFound} from '../kube/errors.ts'
import type {JobFile} from './job-files.ts'
import {filesManifest, filesName} from './job-manifest.ts'
import {createObject, FIELD_MANAGER} from './write.ts'

/** Letters and digits that nobody mixes up, as Kubernetes generates names. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'
const SUFFIX_LENGTH = 5

/** A name for a job that has none: what it runs, and something random. */
export function generateJobName(command: readonly string[]): string {
  const program = command.find((word) => /\.(py|pyw|ipynb|sh)$/.test(word)) ?? command[0] ?? 'job'
  const stem = basename(program)
    .replace(/\.[^.]+$/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_CLUSTER_NAME - SUFFIX_LENGTH - 1)
    .replaceAll(/^-+|-+$/g, '')
  const suffix = Array.from({length: SUFFIX_LENGTH}, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  return `${stem || 'job'}-${suffix}`
}

/**
 * Makes a job and, before it, the ConfigMap with its files, which then belongs to the job and goes with it.
 * Leaves no ConfigMap behind when the job is refused. Not aborted half-way: these are three short requests.
 */
export async function submitJob(
  client: KubeClient,
  namespace: string,
  job: DaskJob,
  files: readonly JobFile[],
  dryRun: boolean,
): Promise<DaskJob> {
  const signal = new AbortController().signal
  const {name} = job.metadata
  if (files.length === 0) return await createObject({client, kind: DASK_JOBS, object: job, dryRun, signal})
  const object = filesManifest(name, namespace, files)
  const luggage = await createObject({client, kind: CONFIG_MAPS, object, dryRun, signal}).catch(async (error: unknown) => {
    // Files that are there already may be those of a job of this name: it is the job that is in the way.
    if (isConflict(error)) await createObject({client, kind: DASK_JOBS, object: job, dryRun: true, signal})
    throw error
  })
  const removeLuggage = (): Promise<void> =>
    client.delete(CONFIG_MAPS, {namespace, name: filesName(name)}, luggage.metadata.uid === undefined ? {} : {uid: luggage.metadata.uid})
  try {
    const made = await createObject({client, kind: DASK_JOBS, object: job, dryRun, signal})
    if (dryRun) return made
    await giveFiles(client, made, made, signal)
    return made
  } catch (error) {
    if (!dryRun) await removeLuggage().catch(() => undefined)
    throw error
  }
}

/** Gives the files that travelled with a job to another one (or to nobody, for a while); `false` where none travelled. */
export async function giveFiles(client: KubeClient, of: DaskJob, to: DaskJob | undefined, signal: AbortSignal): Promise<boolean> {
  const {name, namespace = client.namespace} = of.metadata
  const owner = to && {
    ...{apiVersion: DASK_JOBS.apiVersion, kind: DASK_JOBS.kind, name: to.metadata.name, uid: to.metadata.uid ?? ''},
    ...{controller: true, blockOwnerDeletion: false},
  }
  const patch = {metadata: {ownerReferences: owner ? [owner] : null}}
  try {
    await client.patch(CONFIG_MAPS, {namespace, name: filesName(name)}, patch, {type: 'merge', fieldManager: FIELD_MANAGER, signal})
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}
