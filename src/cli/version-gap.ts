import {execFile} from 'node:child_process'
import type {KubeClient} from '../kube/client.ts'
import {withScheduler} from './scheduler.ts'

export interface DaskVersions {
  /** Major and minor: what pickled functions depend on. */
  readonly python: string
  readonly distributed: string
}

/** The versions of the Python that a person here would call; asks for no more than what is installed, which takes some 50 ms. */
const LOCAL = "import sys, importlib.metadata as m; print('%d.%d' % sys.version_info[:2], m.version('distributed'))"
const TIMEOUT_MS = 3_000

/**
 * A sentence where a ready cluster and this machine have different versions of Python or Dask, whose clients then may not understand each other.
 * `undefined` where they agree, where this machine has no Dask, and where the cluster cannot be asked: it is advice and never a failure.
 */
export async function versionGap(client: KubeClient, namespace: string, cluster: string, signal: AbortSignal): Promise<string | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
  const [local, remote] = await Promise.all([
    readLocal(limit).catch(() => undefined),
    withScheduler(client, {namespace, cluster, signal: limit}, (scheduler) => scheduler.versions()).catch(() => undefined),
  ])
  signal.throwIfAborted()
  return local && remote && describeGap(local, {python: shortPython(remote['python']), distributed: remote['distributed'] ?? ''})
}

export function describeGap(local: DaskVersions, cluster: DaskVersions): string | undefined {
  const gaps = [
    ...(cluster.python !== '' && local.python !== cluster.python ? [`Python ${cluster.python} in the cluster, ${local.python} here`] : []),
    ...(cluster.distributed !== '' && local.distributed !== cluster.distributed
      ? [`Dask ${cluster.distributed} in the cluster, ${local.distributed} here`]
      : []),
  ]
  return gaps.length === 0
    ? undefined
    : `${gaps.join('; ')}: a client on this machine may not work with it; --image takes an image that fits`
}

/** What tasks and results are packed with, and what they are made of most often. */
const COMPARED = ['python', 'dask', 'distributed', 'msgpack', 'cloudpickle', 'tornado', 'toolz', 'numpy', 'pandas', 'lz4']

type Packages = Readonly<Record<string, string | null>>

/** A sentence where workers have other packages than their scheduler; `undefined` where all have the same. */
export function describeSkew(scheduler: Packages, workers: readonly Packages[]): string | undefined {
  const gaps = COMPARED.flatMap((name) => {
    const here = scheduler[name] ?? 'none'
    const others = workers.map((worker) => worker[name] ?? 'none').filter((version) => version !== here)
    return others.length === 0
      ? []
      : [`${name} is ${here} at the scheduler and ${[...new Set(others)].join(', ')} at ${others.length} of ${workers.length} workers`]
  })
  return gaps.length === 0 ? undefined : gaps.join('; ')
}

/** `3.11` of Dask's `3.11.2.final.0`. */
const shortPython = (version: string | undefined): string => /^\d+\.\d+/.exec(version ?? '')?.[0] ?? ''

const readLocal = (signal: AbortSignal): Promise<DaskVersions> =>
  new Promise((resolve, reject) => {
    execFile('python3', ['-c', LOCAL], {signal}, (error, stdout) => {
      const [python = '', distributed = ''] = stdout.trim().split(' ')
      if (error) reject(error)
      else resolve({python, distributed})
    })
  })
