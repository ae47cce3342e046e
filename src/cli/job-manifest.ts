import type {ConfigMap, PodSpec} from '../api/core.ts'
import {API_VERSION, type DaskJob} from '../api/dask.ts'
import {type ClusterChoices, clusterSpec, common, type Marks} from './cluster-manifest.ts'
import type {JobFile} from './job-files.ts'
import type {JobLimits} from './job-limits.ts'

/** Where the files that travel with a job lie in its pod; the job's command starts there. */
export const WORKSPACE = '/workspace'

export const filesName = (job: string): string => `${job}-files`

/** A DaskJob that runs `command` on a cluster of its own, or on the one that `limits` name. */
export const jobManifest = (
  name: string,
  namespace: string | undefined,
  command: readonly string[],
  files: readonly JobFile[],
  choices: ClusterChoices,
  marks: Marks = {},
  limits: JobLimits = {},
): DaskJob => ({
  apiVersion: API_VERSION,
  kind: 'DaskJob',
  metadata: {name, ...(namespace !== undefined && {namespace}), ...marks},
  spec: {
    job: {spec: jobPod(name, command, files, choices)},
    ...(limits.clusterName === undefined && {cluster: {spec: clusterSpec(name, choices)}}),
    ...limits,
  },
})

const jobPod = (
  name: string,
  command: readonly string[],
  files: readonly JobFile[],
  {image, env, pod, container}: ClusterChoices,
): PodSpec => ({
  // A program that failed is not started again by itself: it may have written half of its results.
  restartPolicy: 'Never',
  containers: [
    {
      name: 'job',
      image,
      args: command,
      ...common(env),
      ...container,
      ...(files.length > 0 && {
        workingDir: WORKSPACE,
        volumeMounts: [...(container?.volumeMounts ?? []), {name: 'files', mountPath: WORKSPACE, readOnly: true}],
      }),
    },
  ],
  ...pod,
  ...(files.length > 0 && {
    volumes: [...(pod?.volumes ?? []), {name: 'files', configMap: {name: filesName(name), items: files.map(itemOf)}}],
  }),
})

const itemOf = ({key, path, isExecutable}: JobFile) => ({key, path, ...(isExecutable && {mode: 0o755})})

/** The files of a job as a ConfigMap; text stays readable, anything else goes as base64. */
export const filesManifest = (job: string, namespace: string | undefined, files: readonly JobFile[]): ConfigMap => {
  const text = files.filter((file) => isText(file.content))
  const binary = files.filter((file) => !isText(file.content))
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {name: filesName(job), ...(namespace !== undefined && {namespace})},
    ...(text.length > 0 && {data: Object.fromEntries(text.map(({key, content}) => [key, Buffer.from(content).toString('utf8')]))}),
    ...(binary.length > 0 && {
      binaryData: Object.fromEntries(binary.map(({key, content}) => [key, Buffer.from(content).toString('base64')])),
    }),
  }
}

const isText = (content: Uint8Array): boolean => {
  try {
    new TextDecoder('utf-8', {fatal: true}).decode(content)
    return true
  } catch {
    return false
  }
}
