import {readFile} from 'node:fs/promises'
import {NAMESPACES} from '../api/core.ts'
import {DASK_AUTOSCALERS, DASK_CLUSTERS, DASK_JOBS, DASK_WORKER_GROUPS} from '../api/dask.ts'
import type {Kind, KubeObject} from '../api/object.ts'
import {type CommandLine, complete, type Manifest, type Wanted} from './completion.ts'
import {openConnection} from './connection.ts'

/** Whoever presses TAB waits: rather no names than late ones. */
const TIMEOUT_MS = 2_000

const KINDS: Readonly<Record<Exclude<Wanted['objects'], 'context'>, Kind>> = {
  cluster: DASK_CLUSTERS,
  workergroup: DASK_WORKER_GROUPS,
  job: DASK_JOBS,
  autoscaler: DASK_AUTOSCALERS,
  namespace: NAMESPACES,
}

/** Answers `kubectl dask <TAB>`: candidates, then a line with the directive that kubectl's own completion understands. Never fails. */
export async function start(): Promise<void> {
  try {
    const manifest = JSON.parse(await readFile(new URL('oclif.manifest.json', import.meta.url), 'utf8')) as Manifest
    const {candidates, wanted, directive} = complete(manifest, process.argv.slice(2))
    const names = wanted ? await objectNames(wanted).catch(() => []) : []
    process.stdout.write(`${[...candidates, ...names].map((line) => `${line}\n`).join('')}:${directive}\n`)
  } catch {
    // A shell in the middle of a line has no place for an error.
    process.stdout.write(':4\n')
  }
}

const objectNames = async ({objects, prefix, line}: Wanted): Promise<readonly string[]> =>
  (objects === 'context' ? await contextNames(line) : await listNames(KINDS[objects], line)).filter((name) => name.startsWith(prefix))

const listNames = async (kind: Kind<KubeObject>, line: CommandLine): Promise<readonly string[]> => {
  const {client, namespace} = await openConnection(line.globals)
  try {
    const list = await client.list(kind, {...(kind.namespaced && {namespace}), signal: AbortSignal.timeout(TIMEOUT_MS)})
    return list.items.map(({metadata}) => metadata.name).filter((name) => !line.words.includes(name))
  } finally {
    await client.close()
  }
}

const contextNames = async (line: CommandLine): Promise<readonly string[]> => {
  const {kubeconfigContexts} = await import('./contexts.ts')
  return kubeconfigContexts(line.globals.kubeconfig)
}
