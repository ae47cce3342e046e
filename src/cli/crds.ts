import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {CUSTOM_RESOURCE_DEFINITIONS} from '../api/core.ts'
import {API_VERSION} from '../api/dask.ts'
import {ANNOTATION_VERSION} from '../api/names.ts'
import type {KubeObject} from '../api/object.ts'
import type {KubeClient} from '../kube/client.ts'
import {ifMissing, KubeError} from '../kube/errors.ts'
import {isOlder} from './is-older.ts'
import {packageRoot} from './package-root.ts'
import {UserError} from './user-error.ts'
import {FIELD_MANAGER} from './write.ts'

/** Whether the API server knows the resources of Dask. */
export async function hasCrds(client: KubeClient, signal: AbortSignal): Promise<boolean> {
  const answer = await client.raw({path: `/apis/${API_VERSION}`, signal})
  const text = await answer.body.text()
  if (answer.status === 200) return true
  if (answer.status === 404) return false
  throw new KubeError(answer.status, 'Unknown', text.slice(0, 500))
}

/** The definitions that came with this program. */
export const readCrds = (): Promise<readonly KubeObject[]> => readDefinitions(join(packageRoot(), 'manifests', 'crds'))

/** All objects of the YAML files in a folder. */
export async function readDefinitions(folder: string): Promise<readonly KubeObject[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).toSorted()
  const {parseAllDocuments} = await import('./yaml.ts')
  const documents = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return documents.flatMap((text) => [...parseAllDocuments(text)].map((document) => document.toJS() as KubeObject))
}

/** Rejects where a newer program has installed its definitions: fields that only those know would be lost, and with them what people have set. */
export async function refuseNewerCrds(client: KubeClient, ours: readonly KubeObject[], signal: AbortSignal): Promise<void> {
  for (const {metadata} of ours) {
    const found = await client.get(CUSTOM_RESOURCE_DEFINITIONS, {name: metadata.name}, {signal}).catch(ifMissing(undefined))
    const version = metadata.annotations?.[ANNOTATION_VERSION] ?? ''
    const there = found?.metadata.annotations?.[ANNOTATION_VERSION] ?? ''
    if (there !== '' && isOlder(version, there))
      throw new UserError(
        `the definition ${metadata.name} in the cluster is of version ${there}, and this program is ${version}: it would take fields away`,
        {
          next: [`use version ${there} of this program or a later one`],
        },
      )
  }
}

/**
 * Installs or upgrades the definitions by server-side apply. Fields that somebody else has set (the Python operator's own definitions) are taken over:
 * ours are supersets of them, and a definition made of both would be neither.
 */
export async function applyCrds(client: KubeClient, signal: AbortSignal): Promise<readonly string[]> {
  const crds = await readCrds()
  await refuseNewerCrds(client, crds, signal)
  for (const crd of crds) await client.apply(CUSTOM_RESOURCE_DEFINITIONS, crd, {fieldManager: FIELD_MANAGER, force: true, signal})
  return crds.map(({metadata}) => metadata.name)
}
