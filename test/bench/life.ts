/** Many clusters made, suspended and deleted by the operator, against nothing but the POSTs and DELETEs of the same pods. */
import {NAMESPACES, PODS, type Pod} from '../../src/api/core.ts'
import {DASK_CLUSTERS} from '../../src/api/dask.ts'
import type {KubeClient} from '../../src/kube/client.ts'
import {startInformer} from '../../src/kube/start-informer.ts'
import {createLimit, mapLimited} from '../../src/operator/engine/limit.ts'
import {createByHand, deleteByHand, prepareByHand} from './by-hand.ts'
import {cluster} from './cluster.ts'
import {median, perSecond, type Row} from './figures.ts'
import type {Shape} from './pods.ts'
import {startWatchedOperator} from './watched-operator.ts'

interface Spans {
  readonly made: number
  readonly suspended?: number
  readonly deleted: number
}

/** Clusters are asked for, suspended and deleted by so many requests at once. */
const ASKS = 16

export async function benchLife(client: KubeClient, {clusters, workers}: Shape, rounds: number): Promise<readonly Row[]> {
  const pairs: {readonly ours: Spans; readonly raw: Spans}[] = []
  for (let round = 0; round < rounds; round++) {
    const namespace = `life-${clusters}x${workers}-${round}`
    const {spans: ours, pods, inFlight} = await byOperator(client, namespace, {clusters, workers})
    const raw = await byHand(client, `${namespace}-raw`, pods, inFlight)
    pairs.push({ours, raw})
    console.error(`${clusters} × ${workers}, round ${round + 1} of ${rounds}: ${JSON.stringify({ours, raw})}`)
  }
  const count = clusters * workers
  const row = (what: string, span: (spans: Spans) => number, base: (spans: Spans) => number, bound: string): Row => ({
    what: `${clusters} × ${workers} worker pods ${what}`,
    ours: `${perSecond(count, median(pairs.map(({ours}) => span(ours))))}/s`,
    theirs: `${perSecond(count, median(pairs.map(({raw}) => base(raw))))}/s`,
    ratio: median(pairs.map(({ours, raw}) => base(raw) / span(ours))),
    bound,
  })
  return [
    row(
      'made / by POST alone',
      ({made}) => made,
      ({made}) => made,
      'at least 0.9',
    ),
    row(
      'gone when their clusters are suspended / by DELETE alone',
      ({suspended = 0}) => suspended,
      ({deleted}) => deleted,
      'at least 0.83',
    ),
    row(
      'gone when their clusters are deleted / by DELETE alone',
      ({deleted}) => deleted,
      ({deleted}) => deleted,
      'at least 0.83',
    ),
  ]
}

const byOperator = async (
  client: KubeClient,
  namespace: string,
  {clusters, workers}: Shape,
): Promise<{readonly spans: Spans; readonly pods: readonly Pod[]; readonly inFlight: number}> => {
  await client.create(NAMESPACES, {apiVersion: 'v1', kind: 'Namespace', metadata: {name: namespace}})
  const operator = await startWatchedOperator(client, namespace)
  const names = Array.from({length: clusters}, (_, index) => `demo-${index}`)
  const ask = (work: (name: string) => Promise<unknown>): Promise<void> =>
    mapLimited(createLimit(ASKS), '', names, async (name) => void (await work(name)))
  const suspend = (isSuspended: boolean) => (name: string) =>
    client.patch(DASK_CLUSTERS, {namespace, name}, {spec: {suspend: isSuspended}}, {type: 'merge'})
  const all = clusters * workers
  try {
    const began = performance.now()
    const [made] = await Promise.all([
      operator.until((pods) => pods.length === all),
      ask((name) => client.create(DASK_CLUSTERS, cluster(namespace, name, workers))),
    ])
    const pods = operator.pods.slice()
    const inFlight = operator.inFlight()
    const suspended = await untilGone(client, namespace, () => ask(suspend(true)))
    await Promise.all([operator.until(({length}) => length === 2 * all), ask(suspend(false))])
    const deleted = await untilGone(client, namespace, () =>
      ask((name) => client.delete(DASK_CLUSTERS, {namespace, name}, {propagationPolicy: 'Background'})),
    )
    return {spans: {made: made - began, suspended, deleted}, pods, inFlight}
  } finally {
    await operator.stop()
    await client.delete(NAMESPACES, {name: namespace})
  }
}

const byHand = async (client: KubeClient, namespace: string, pods: readonly Pod[], inFlight: number): Promise<Spans> => {
  const bodies = await prepareByHand(client, namespace, pods)
  const made = await createByHand(client, bodies, inFlight)
  const deleted = await untilGone(client, namespace, () => deleteByHand(client, bodies, inFlight))
  await client.delete(NAMESPACES, {name: namespace})
  return {made, deleted}
}

/** Milliseconds from the first request until a watch has told the end of the last worker. */
const untilGone = async (client: KubeClient, namespace: string, remove: () => Promise<void>): Promise<number> => {
  const end = new AbortController()
  const gone = Promise.withResolvers<void>()
  let [here, isAsked] = [0, false]
  const informer = startInformer({
    ...{client, kind: PODS, namespace, labelSelector: 'dask.org/component=worker', signal: end.signal},
    onChange: (before, after) => {
      if (!before) here += 1
      if (!after) here -= 1
      if (isAsked && here === 0) gone.resolve()
    },
  })
  try {
    await informer.synced
    isAsked = true
    const began = performance.now()
    await Promise.all([remove(), gone.promise])
    return performance.now() - began
  } finally {
    end.abort()
  }
}
