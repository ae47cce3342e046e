import {chmod, mkdir, rename, rm, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import type {Container, Pod} from '../../api/core.ts'
import type {KubeClient} from '../../kube/client.ts'
import {ConfigFailure, configMapData, secretData} from './environment.ts'

/** `[folder or file on the machine, path in the container, read only]` */
export type Mount = readonly [string, string, boolean]

interface Items {
  readonly items?: readonly {readonly key: string; readonly path: string; readonly mode?: number}[]
  readonly defaultMode?: number
  readonly optional?: boolean
}

type Volume = {readonly name: string} & {
  readonly emptyDir?: object
  readonly configMap?: Items & {readonly name: string}
  readonly secret?: Items & {readonly secretName: string}
}

/** Makes a pod's volumes below `directory` and resolves with where each lies. Throws a ConfigFailure for what the sandbox does not have. */
export async function makeVolumes(client: KubeClient, pod: Pod, directory: string): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>()
  const namespace = pod.metadata.namespace ?? 'default'
  for (const volume of (pod.spec.volumes ?? []) as readonly Volume[]) {
    const path = join(directory, volume.name)
    if (volume.emptyDir) await mkdir(path, {recursive: true, mode: 0o777})
    else if (volume.configMap) {
      const {name, optional, ...items} = volume.configMap
      await fill(path, await configMapData(client, namespace, name, optional), items)
    } else if (volume.secret) {
      const {secretName, optional, ...items} = volume.secret
      await fill(path, await secretData(client, namespace, secretName, optional), items)
    } else {
      const kind = Object.keys(volume).find((key) => key !== 'name')
      throw new ConfigFailure(`the sandbox has no volumes of type ${kind} (volume "${volume.name}"): it has emptyDir, configMap and secret`)
    }
    paths.set(volume.name, path)
  }
  return paths
}

const fill = async (path: string, data: ReadonlyMap<string, Buffer>, {items, defaultMode = 0o644}: Items): Promise<void> => {
  await rm(path, {recursive: true, force: true})
  await mkdir(path, {recursive: true})
  const files = items ?? [...data.keys()].map((key) => ({key, path: key, mode: undefined}))
  for (const {key, path: inside, mode} of files) {
    const content = data.get(key)
    if (content === undefined) throw new ConfigFailure(`references non-existent key: ${key}`)
    const file = join(path, inside)
    await mkdir(dirname(file), {recursive: true})
    await writeFile(`${file}.new`, content)
    await chmod(`${file}.new`, mode ?? defaultMode)
    await rename(`${file}.new`, file)
  }
}

/** The mounts of one container; a `subPath` that is not there yet is made as a folder, as the kubelet does. */
export async function mountsOf(container: Container, volumes: ReadonlyMap<string, string>): Promise<readonly Mount[]> {
  return Promise.all(
    (container.volumeMounts ?? []).map(async ({name, mountPath, subPath, readOnly = false}): Promise<Mount> => {
      const volume = volumes.get(name)
      if (volume === undefined) throw new ConfigFailure(`container ${container.name} mounts volume "${name}", which the pod does not have`)
      const source = subPath ? join(volume, subPath) : volume
      await mkdir(source, {recursive: true}).catch((error: NodeJS.ErrnoException) => {
        // It is there already, as a file.
        if (error.code !== 'EEXIST') throw error
      })
      return [source, mountPath, readOnly]
    }),
  )
}
