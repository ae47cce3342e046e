/** An operator in this process: it shares client and connections with the raw requests that it is held against. */
import {PODS, type Pod} from '../../src/api/core.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {createLog} from '../../src/operator/engine/log.ts'
import {runOperator} from '../../src/operator/run.ts'

export interface WatchedOperator {
  /** Worker pods as they were sent, in the order of the answers. */
  readonly pods: readonly Pod[]
  /** The most POSTs of pods that were under way at once. */
  inFlight(): number
  /** Resolves with the time of the answer with which it has become so; rejects where that does not come within some minutes (an answer may be lost). */
  until(isSo: (pods: readonly Pod[]) => boolean): Promise<number>
  stop(): Promise<void>
}

const DEADLINE_MS = 300_000

/** Resolves when it serves the namespace. */
export async function startWatchedOperator(client: KubeClient, namespace: string): Promise<WatchedOperator> {
  const pods: Pod[] = []
  const waiting = new Set<() => void>()
  let [running, most] = [0, 0]
  const create = async (...[kind, object, options]: Parameters<KubeClient['create']>): ReturnType<KubeClient['create']> => {
    if (kind.plural !== PODS.plural) return client.create(kind, object, options)
    most = Math.max(most, ++running)
    const created = await client.create(kind, object, options).finally(() => running--)
    if (object.metadata.labels?.['dask.org/component'] === 'worker') pods.push(object as Pod)
    for (const look of waiting) look()
    return created
  }
  const ready = Promise.withResolvers<void>()
  const stop = new AbortController()
  const ended = runOperator({
    client: {...client, create: create as KubeClient['create']},
    namespace,
    identity: 'bench',
    leaderElection: false,
    signal: stop.signal,
    log: createLog('error', () => undefined),
    onReady: ready.resolve,
  })
  await Promise.race([ready.promise, ended])
  const become = (isSo: (pods: readonly Pod[]) => boolean): Promise<number> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`waited ${DEADLINE_MS / 1000} s in vain; ${pods.length} pods are made`)), DEADLINE_MS)
      const look = (): void => {
        if (!isSo(pods)) return
        clearTimeout(late)
        waiting.delete(look)
        resolve(performance.now())
      }
      waiting.add(look)
      look()
    })
  return {
    pods,
    inFlight: () => most,
    until: (isSo) =>
      Promise.race([
        become(isSo),
        ended.then(() => {
          throw new Error('the operator has ended')
        }),
      ]),
    stop: () => {
      stop.abort()
      return ended
    },
  }
}
