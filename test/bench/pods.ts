/** How fast the operator makes worker pods, against nothing but the POSTs of the same pods. */
import {NAMESPACES, PODS, type Pod} from '../../src/api/core.ts'
import {DASK_CLUSTERS} from '../../src/api/dask.ts'
import type {Kind} from '../../src/api/object.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {createLimit, mapLimited} from '../../src/operator/engine/limit.ts'
import {runOperator} from '../../src/operator/run.ts'
import {cluster} from './cluster.ts'
import {median, perSecond, type Row} from './figures.ts'

export interface Shape {
  readonly clusters: number
  readonly workers: number
}

const ROUNDS = 5
const COMPONENT = 'dask.org/component'

/** Rounds of operator and raw POSTs in turns, so that what else the machine does meets both. */
export async function benchPods(client: KubeClient, {clusters, workers}: Shape): Promise<Row> {
  const rounds: {readonly made: Made; readonly raw: number}[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const namespace = `bench-${clusters}x${workers}-${round}`
    const made = await inNamespace(client, namespace, () => byOperator(client, namespace, {clusters, workers}))
    const raw = await inNamespace(client, `${namespace}-raw`, () => byHand(client, `${namespace}-raw`, made))
    rounds.push({made, raw})
  }
  const count = clusters * workers
  return {
    what: `${clusters} × ${workers} worker pods by the operator / by POST alone (${rounds[0]?.made.inFlight} in flight)`,
    ours: `${perSecond(count, median(rounds.map(({made}) => made.ms)))}/s`,
    theirs: `${perSecond(count, median(rounds.map(({raw}) => raw)))}/s`,
    // By round: both halves of a ratio saw the same state of the machine.
    ratio: median(rounds.map(({made, raw}) => raw / made.ms)),
    bound: 'at least 0.7',
  }
}

interface Made {
  /** From the POST of the first DaskCluster until the answer to the last worker's POST. */
  readonly ms: number
  readonly pods: readonly Pod[]
  /** The most POSTs of pods that were under way at once. */
  readonly inFlight: number
}

const byOperator = async (client: KubeClient, namespace: string, {clusters, workers}: Shape): Promise<Made> => {
  const pods: Pod[] = []
  let [inFlight, most] = [0, 0]
  const all = Promise.withResolvers<void>()
  const create = async (...[kind, object, options]: Parameters<KubeClient['create']>): ReturnType<KubeClient['create']> => {
    if (kind.plural !== PODS.plural) return client.create(kind, object, options)
    most = Math.max(most, ++inFlight)
    const created = await client.create(kind, object, options).finally(() => inFlight--)
    if (object.metadata.labels?.[COMPONENT] === 'worker') pods.push(object as Pod)
    if (pods.length === clusters * workers) all.resolve()
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
    log: () => undefined,
    onReady: ready.resolve,
  })
  try {
    await Promise.race([ready.promise, ended])
    const started = performance.now()
    const names = Array.from({length: clusters}, (_, index) => `demo-${index}`)
    await Promise.all(names.map((name) => client.create(DASK_CLUSTERS, cluster(namespace, name, workers))))
    await Promise.race([all.promise, ended])
    return {ms: performance.now() - started, pods, inFlight: most}
  } finally {
    stop.abort()
    await ended
  }
}

const byHand = async (client: KubeClient, namespace: string, {pods, inFlight}: Made): Promise<number> => {
  const bodies = pods.map(({metadata, ...pod}) => ({...pod, metadata: {...metadata, namespace}}))
  const started = performance.now()
  await mapLimited(createLimit(inFlight), '', bodies, async (pod) => void (await client.create(PODS, pod)))
  return performance.now() - started
}

/** Nothing of one round is there in the next: pods without a node vanish at once. */
const inNamespace = async <T>(client: KubeClient, name: string, work: () => Promise<T>): Promise<T> => {
  await client.create(NAMESPACES, {apiVersion: 'v1', kind: 'Namespace', metadata: {name}})
  const result = await work()
  for (const kind of [DASK_CLUSTERS, PODS] as readonly Kind[]) {
    const {items} = await client.list(kind, {namespace: name})
    await mapLimited(createLimit(64), '', items, ({metadata}) =>
      client.delete(kind, {namespace: name, name: metadata.name}, {propagationPolicy: 'Background'}).catch(() => undefined),
    )
  }
  await client.delete(NAMESPACES, {name})
  return result
}
