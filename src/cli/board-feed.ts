import {EVENTS, PODS, type Pod} from '../api/core.ts'
import {DASK_AUTOSCALERS, DASK_CLUSTERS, DASK_JOBS, DASK_WORKER_GROUPS} from '../api/dask.ts'
import {LABEL_CLUSTER, LABEL_COMPONENT} from '../api/names.ts'
import type {Kind, KubeObject} from '../api/object.ts'
import {isPodReady} from '../api/pod-state.ts'
import type {KubeClient} from '../kube/client.ts'
import {KubeError} from '../kube/errors.ts'
import type {Cache} from '../kube/informer.ts'
import type {Board} from '../ui/watch/model.ts'
import {boardOf, type Reading} from './board.ts'
import {openReadings} from './readings.ts'

export interface FeedCall {
  readonly client: KubeClient
  /** Absent: all namespaces. */
  readonly namespace: string | undefined
  /** This cluster alone. */
  readonly name: string | undefined
  /** Labels of the clusters. */
  readonly selector: string | undefined
  readonly signal: AbortSignal
}

export interface BoardFeed {
  /** The newest board; the same object until there is news. */
  readonly board: () => Board
  readonly subscribe: (onNews: () => void) => () => void
}

/** News of one moment are drawn together. */
const SETTLE_MS = 250
/** Ages move on by themselves. */
const TICK_MS = 2_500

/**
 * Follows all that a board shows, from the API server by watching and from the schedulers by asking, until `signal` aborts.
 * Resolves when the first of it is there, and the schedulers have had a moment to answer; rejects where clusters or pods may not be read.
 */
export async function openBoardFeed({client, namespace, name, selector, signal}: FeedCall): Promise<BoardFeed> {
  const {startInformer} = await import('../kube/start-informer.ts')
  const listeners = new Set<() => void>()
  const failed = Promise.withResolvers<never>()
  // Raced below; what fails after that is told on the board.
  failed.promise.catch(() => undefined)
  const isAway: (() => boolean)[] = []
  let isSynced = false
  let settling: NodeJS.Timeout | undefined
  let tick: NodeJS.Timeout | undefined

  interface Scope {
    readonly labelSelector?: string | undefined
    readonly fieldSelector?: string | undefined
    /** Where it is not served, or may not be read, there is none of it. */
    readonly isOptional?: boolean
  }
  const waits: Promise<void>[] = []
  const see = <T extends KubeObject>(kind: Kind<T>, {labelSelector, fieldSelector, isOptional}: Scope = {}): Cache<T> => {
    const refused = Promise.withResolvers<void>()
    let failedAt: number | undefined
    const informer = startInformer<T>({
      client,
      kind,
      ...(namespace !== undefined && {namespace}),
      ...(labelSelector !== undefined && {labelSelector}),
      ...(fieldSelector !== undefined && {fieldSelector}),
      signal,
      onChange: () => news(),
      onError: (error) => {
        if (isOptional && error instanceof KubeError && (error.status === 403 || error.status === 404)) return refused.resolve()
        if (!isSynced) return failed.reject(error)
        failedAt = Date.now()
        return news()
      },
    })
    // Whether nothing has been heard since it failed.
    isAway.push(() => failedAt !== undefined && Date.now() - informer.silence() <= failedAt)
    waits.push(Promise.race([informer.synced, refused.promise]))
    return informer
  }
  const clusters = see(DASK_CLUSTERS, {labelSelector: selector, ...(name !== undefined && {fieldSelector: `metadata.name=${name}`})})
  const groups = see(DASK_WORKER_GROUPS)
  const pods = see(PODS, {labelSelector: name === undefined ? LABEL_CLUSTER : `${LABEL_CLUSTER}=${name}`})
  const jobs = see(DASK_JOBS, {isOptional: true, ...(name !== undefined && {fieldSelector: `metadata.name=${name}`})})
  const autoscalers = see(DASK_AUTOSCALERS, {isOptional: true})
  const events = see(EVENTS, {isOptional: true})

  const place = `${client.context} · ${namespace === undefined ? 'all namespaces' : namespace}`
  let readings: ReadonlyMap<string, Reading> = new Map()
  const make = (): Board => {
    const sight = {
      ...{place, namespace, clusters: clusters.list(), groups: groups.list(), pods: pods.list()},
      ...{jobs: jobs.list(), autoscalers: autoscalers.list(), events: events.list()},
    }
    return boardOf(sight, readings, Date.now(), isAway.some((is) => is()) ? 'no connection' : undefined)
  }
  let board: Board
  const tell = (): void => {
    settling = undefined
    board = make()
    // The next tick is for a time in which nothing happens.
    tick?.refresh()
    for (const listener of listeners) listener()
  }
  const news = (): void => {
    if (isSynced) settling ??= setTimeout(tell, SETTLE_MS)
  }

  await Promise.race([Promise.all(waits), failed.promise])
  isSynced = true
  const asked = openReadings({
    client,
    schedulers: () => clusters.list().flatMap((cluster) => schedulerOf(cluster, pods) ?? []),
    signal,
    onReadings: (told) => {
      readings = told
      news()
    },
  })
  await asked
  tick = setInterval(news, TICK_MS)
  signal.addEventListener('abort', () => {
    clearInterval(tick)
    clearTimeout(settling)
  })
  board = make()
  return {
    board: () => board,
    subscribe: (onNews) => {
      listeners.add(onNews)
      return () => listeners.delete(onNews)
    },
  }
}

const schedulerOf = (
  {metadata: {namespace = '', name}}: KubeObject,
  pods: Cache<Pod>,
): {readonly key: string; readonly pod: Pod} | undefined => {
  const pod = pods
    .list(namespace)
    .find(
      (each) => each.metadata.labels?.[LABEL_CLUSTER] === name && each.metadata.labels[LABEL_COMPONENT] === 'scheduler' && isPodReady(each),
    )
  return pod && {key: `${namespace}/${name}`, pod}
}
