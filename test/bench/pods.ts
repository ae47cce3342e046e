/** How fast the operator makes worker pods, against nothing but the POSTs of the same pods. */
import {NAMESPACES, PODS, type Pod} from '../../src/api/core.ts'
import {DASK_CLUSTERS} from '../../src/api/dask.ts'
import type {Kind} from '../../src/api/object.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {createLimit, mapLimited} from '../../src/operator/engine/limit.ts'
import {createByHand, deleteByHand, prepareByHand} from './by-hand.ts'
import {cluster} from './cluster.ts'
import {median, perSecond, type Row} from './figures.ts'
import {startWatchedOperator} from './watched-operator.ts'

export interface Shape {
  readonly clusters: number
  readonly workers: number
}

const ROUNDS = 5
/** The large cluster has this many workers when a small one is asked for. */
const BEGUN = 500

/** Rounds of operator and raw POSTs in turns, so that what else the machine does meets both. */
export async function benchPods(client: KubeClient, {clusters, workers}: Shape): Promise<Row> {
  const rounds: {readonly made: Made; readonly raw: number}[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const namespace = `bench-${clusters}x${workers}-${round}`
    const made = await byOperator(client, namespace, {clusters, workers})
    const raw = await byHand(client, `${namespace}-raw`, made)
    rounds.push({made, raw})
  }
  const count = clusters * workers
  return {
    what: `${clusters} × ${workers} worker pods by the operator / by POST alone (${rounds[0]?.made.inFlight} in flight)`,
    ours: `${perSecond(count, median(rounds.map(({made}) => made.ms)))}/s`,
    theirs: `${perSecond(count, median(rounds.map(({raw}) => raw)))}/s`,
    // By round: both halves of a ratio saw the same state of the machine.
    ratio: median(rounds.map(({made, raw}) => raw / made.ms)),
    bound: 'at least 0.9',
  }
}

/** Milliseconds from the call that asks for a small cluster, in the middle of a large one's creation, until its last worker is answered for: by round. */
export async function benchBeside(
  client: KubeClient,
  {large, small}: {readonly large: number; readonly small: number},
): Promise<readonly number[]> {
  const waits: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const namespace = `beside-${round}`
    await inNamespace(client, namespace, async () => {
      const operator = await startWatchedOperator(client, namespace)
      try {
        await client.create(DASK_CLUSTERS, cluster(namespace, 'large', large))
        await operator.until(({length}) => length >= BEGUN)
        const asked = performance.now()
        await client.create(DASK_CLUSTERS, cluster(namespace, 'small', small))
        waits.push((await operator.until((pods) => countOf(pods, 'small') === small)) - asked)
        if (countOf(operator.pods, 'large') === large) throw new Error('the large cluster was complete before the small one')
      } finally {
        await operator.stop()
      }
    })
  }
  return waits
}

const countOf = (pods: readonly Pod[], name: string): number =>
  pods.filter(({metadata}) => metadata.labels?.['dask.org/cluster-name'] === name).length

interface Made {
  /** From the POST of the first DaskCluster until the answer to the last worker's POST. */
  readonly ms: number
  readonly pods: readonly Pod[]
  readonly inFlight: number
}

const byOperator = (client: KubeClient, namespace: string, {clusters, workers}: Shape): Promise<Made> =>
  inNamespace(client, namespace, async () => {
    const operator = await startWatchedOperator(client, namespace)
    try {
      const began = performance.now()
      const names = Array.from({length: clusters}, (_, index) => `demo-${index}`)
      await Promise.all(names.map((name) => client.create(DASK_CLUSTERS, cluster(namespace, name, workers))))
      const done = await operator.until(({length}) => length === clusters * workers)
      return {ms: done - began, pods: operator.pods, inFlight: operator.inFlight()}
    } finally {
      await operator.stop()
    }
  })

const byHand = async (client: KubeClient, namespace: string, {pods, inFlight}: Made): Promise<number> => {
  const bodies = await prepareByHand(client, namespace, pods)
  const ms = await createByHand(client, bodies, inFlight)
  await deleteByHand(client, bodies, inFlight)
  await client.delete(NAMESPACES, {name: namespace})
  return ms
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
