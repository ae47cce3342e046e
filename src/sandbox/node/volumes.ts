import {chmod, mkdir, realpath, rename, rm, writeFile} from 'node:fs/promises'
import {dirname, resolve, sep} from 'node:path'
import {type Container, PERSISTENT_VOLUME_CLAIMS, type Pod} from '../../api/core.ts'
import type {KubeClient} from '../../kube/client.ts'
import {ifMissing} from '../../kube/errors.ts'
import {type AmountRef, amountOf, ConfigFailure, configMapData, fieldOf, secretData} from './environment.ts'

/** `[folder or file on the machine, path in the container, read only]` */
export type Mount = readonly [string, string, boolean]

interface Items {
  readonly items?: readonly {readonly key: string; readonly path: string; readonly mode?: number}[] | undefined
  readonly defaultMode?: number
  readonly optional?: boolean
}

type Volume = {readonly name: string} & {
  readonly emptyDir?: object
  readonly configMap?: ConfigMapSource
  readonly secret?: Items & {readonly secretName: string}
  readonly downwardAPI?: DownwardSource & {readonly defaultMode?: number}
  readonly projected?: {readonly sources?: readonly Projection[]; readonly defaultMode?: number}
  readonly persistentVolumeClaim?: {readonly claimName: string; readonly readOnly?: boolean}
}

type ConfigMapSource = Items & {readonly name: string}

interface DownwardSource {
  readonly items?: readonly {
    readonly path: string
    readonly mode?: number
    readonly fieldRef?: {readonly fieldPath: string}
    readonly resourceFieldRef?: AmountRef
  }[]
}

interface Projection {
  readonly configMap?: ConfigMapSource
  readonly secret?: ConfigMapSource
  readonly downwardAPI?: DownwardSource
  readonly serviceAccountToken?: {readonly path: string; readonly audience?: string; readonly expirationSeconds?: number}
}

interface File {
  readonly path: string
  readonly content: Buffer
  readonly mode?: number | undefined
}

/** Where a pod is, for what its volumes tell of it. */
export interface VolumeGround {
  readonly client: KubeClient
  readonly pod: Pod
  readonly podIP: string
  /** The volumes are made below it. */
  readonly directory: string
  /** What claims hold lies below it, and stays when the pod goes. */
  readonly claims: string
}

const DEFAULT_MODE = 0o644

/** Where a volume lies, and whether no container may write to it. */
export interface MadeVolume {
  readonly path: string
  readonly isReadOnly: boolean
}

/** Makes a pod's volumes, each under its name. Throws a ConfigFailure for what the node does not have. */
export async function makeVolumes(ground: VolumeGround): Promise<ReadonlyMap<string, MadeVolume>> {
  const made = new Map<string, MadeVolume>()
  for (const volume of (ground.pod.spec.volumes ?? []) as readonly Volume[]) {
    const path = volume.persistentVolumeClaim
      ? await claimed(volume.persistentVolumeClaim, ground)
      : inside(ground.directory, volume.name, 'volume')
    if (volume.emptyDir || volume.persistentVolumeClaim) await mkdir(path, {recursive: true, mode: 0o777})
    else {
      const {configMap, secret, downwardAPI, projected} = volume
      const sources: readonly Projection[] | undefined =
        projected?.sources ??
        (configMap ? [{configMap}] : secret ? [{secret: {...secret, name: secret.secretName}}] : downwardAPI ? [{downwardAPI}] : undefined)
      if (!sources) {
        const kind = Object.keys(volume).find((key) => key !== 'name')
        throw new ConfigFailure(
          `this node has no volumes of type ${kind} (volume "${volume.name}"): it has emptyDir, persistentVolumeClaim, configMap, secret, downwardAPI and projected`,
        )
      }
      const files = (await Promise.all(sources.map((source) => filesOf(source, ground)))).flat()
      await write(path, files, (projected ?? configMap ?? secret ?? downwardAPI)?.defaultMode ?? DEFAULT_MODE)
    }
    made.set(volume.name, {path, isReadOnly: volume.persistentVolumeClaim?.readOnly === true})
  }
  return made
}

/** A folder for each claim, by its UID: one that is made again under the same name is empty. */
const claimed = async ({claimName}: {readonly claimName: string}, {client, pod, claims}: VolumeGround): Promise<string> => {
  const {namespace = 'default'} = pod.metadata
  const claim = await client.get(PERSISTENT_VOLUME_CLAIMS, {namespace, name: claimName}).catch(ifMissing(undefined))
  if (!claim) throw new ConfigFailure(`persistentvolumeclaim "${claimName}" not found`)
  return inside(claims, claim.metadata.uid ?? claimName, 'persistentvolumeclaim')
}

const filesOf = async (
  {configMap, secret, downwardAPI, serviceAccountToken}: Projection,
  ground: VolumeGround,
): Promise<readonly File[]> => {
  const {client, pod} = ground
  const namespace = pod.metadata.namespace ?? 'default'
  if (configMap) return chosen(await configMapData(client, namespace, configMap.name, configMap.optional), configMap)
  if (secret) return chosen(await secretData(client, namespace, secret.name, secret.optional), secret)
  if (downwardAPI) return (downwardAPI.items ?? []).map((item) => ({...item, content: Buffer.from(told(item, ground))}))
  if (serviceAccountToken) return [{path: serviceAccountToken.path, content: await token(serviceAccountToken, ground), mode: 0o600}]
  return []
}

const chosen = (data: ReadonlyMap<string, Buffer>, {items}: Items): readonly File[] =>
  (items ?? [...data.keys()].map((key) => ({key, path: key, mode: undefined}))).map(({key, path, mode}) => {
    const content = data.get(key)
    if (content === undefined) throw new ConfigFailure(`references non-existent key: ${key}`)
    return {path, content, mode}
  })

type DownwardItem = NonNullable<DownwardSource['items']>[number]

/** All labels and all annotations stand one a line, each value in quotes, as a kubelet writes them. */
const told = ({fieldRef, resourceFieldRef}: DownwardItem, {pod, podIP}: VolumeGround): string => {
  if (resourceFieldRef) return amountOf(pod, resourceFieldRef)
  const path = fieldRef?.fieldPath ?? ''
  const all = path === 'metadata.labels' ? pod.metadata.labels : path === 'metadata.annotations' ? pod.metadata.annotations : undefined
  if (all === undefined && !/^metadata\.(labels|annotations)$/.test(path)) return fieldOf(pod, path, podIP)
  return Object.entries(all ?? {})
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .toSorted()
    .join('\n')
}

/** A kubelet renews tokens; this node asks for one that outlives the pods of a day. */
const TOKEN_SECONDS = 86_400

const token = async ({audience}: NonNullable<Projection['serviceAccountToken']>, {client, pod}: VolumeGround): Promise<Buffer> => {
  const {namespace = 'default', name, uid} = pod.metadata
  const account = String(pod.spec['serviceAccountName'] ?? 'default')
  const boundObjectRef = {apiVersion: 'v1', kind: 'Pod', name, uid}
  const spec = {audiences: audience === undefined ? [] : [audience], expirationSeconds: TOKEN_SECONDS, boundObjectRef}
  const answer = await client.raw({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
    headers: {'content-type': 'application/json'},
    body: JSON.stringify({apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec}),
  })
  const text = await answer.body.text()
  if (answer.status !== 201) throw new ConfigFailure(`no token for service account ${namespace}/${account}: ${messageIn(text)}`)
  return Buffer.from((JSON.parse(text) as {readonly status: {readonly token: string}}).status.token)
}

const messageIn = (text: string): string => {
  try {
    return (JSON.parse(text) as {readonly message?: string}).message ?? text
  } catch {
    return text
  }
}

const isWithin = (folder: string, path: string): boolean => path === folder || path.startsWith(`${folder}${sep}`)

const leadsOut = (what: string, name: string): ConfigFailure => new ConfigFailure(`${what} "${name}" leads out of its folder`)

/** The path of what has this name in a folder. Names come from pods: though the API server has checked them, nothing elsewhere is made or removed by one. */
const inside = (folder: string, name: string, what: string): string => {
  const path = resolve(folder, name)
  if (path === resolve(folder) || !isWithin(resolve(folder), path)) throw leadsOut(what, name)
  return path
}

const write = async (path: string, files: readonly File[], defaultMode: number): Promise<void> => {
  const placed = files.map((file) => ({...file, path: inside(path, file.path, 'file')}))
  await rm(path, {recursive: true, force: true})
  await mkdir(path, {recursive: true})
  // No file of a pod's is called so.
  const fresh = resolve(path, '..new')
  for (const {path: file, content, mode} of placed) {
    await mkdir(dirname(file), {recursive: true})
    await writeFile(fresh, content)
    await chmod(fresh, mode ?? defaultMode)
    await rename(fresh, file)
  }
}

/** A `subPath` that is not there yet is made as a folder, as the kubelet does. Links in it, which pods make, lead to what lies in the volume only. */
const partOf = async (volume: string, subPath: string): Promise<string> => {
  const path = resolve(volume, subPath)
  if (!isWithin(resolve(volume), path) || !isWithin(await realpath(volume), await nearest(path))) throw leadsOut('subPath', subPath)
  await mkdir(path, {recursive: true}).catch((error: NodeJS.ErrnoException) => {
    // It is there already, as a file.
    if (error.code !== 'EEXIST') throw error
  })
  return realpath(path)
}

/** Where a path leads, as far as it is there. */
const nearest = (path: string): Promise<string> =>
  realpath(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return nearest(dirname(path))
  })

/** The mounts of one container. */
export async function mountsOf(container: Container, volumes: ReadonlyMap<string, MadeVolume>): Promise<readonly Mount[]> {
  return Promise.all(
    (container.volumeMounts ?? []).map(async ({name, mountPath, subPath, readOnly = false}): Promise<Mount> => {
      const volume = volumes.get(name)
      if (volume === undefined) throw new ConfigFailure(`container ${container.name} mounts volume "${name}", which the pod does not have`)
      return [subPath ? await partOf(volume.path, subPath) : volume.path, mountPath, readOnly || volume.isReadOnly]
    }),
  )
}
