/** The operator's numbers in Prometheus' format. Names and units follow Prometheus, "Metric and label naming". */
import {Counter, collectDefaultMetrics, Gauge, Histogram, Registry} from 'prom-client'
import {PODS} from '../api/core.ts'
import {DASK_KINDS} from '../api/dask.ts'
import {LABEL_COMPONENT} from '../api/names.ts'
import type {KubeObject} from '../api/object.ts'
import type {KubeClient} from '../kube/client.ts'
import {countedClient} from './counted-client.ts'
import type {Health} from './engine/health.ts'
import type {Meter} from './engine/meter.ts'
import {toldRetirement} from './told-retirement.ts'
import type {RunRetirement} from './workergroup/retirements.ts'

export interface Metrics {
  /** Told by the engine. */
  readonly meter: Meter
  readonly contentType: string
  /** The same client; its requests are counted. */
  counting(client: KubeClient): KubeClient
  /** The same retirement; how each worker's ended is counted, and how long it took. */
  timing(run: RunRetirement): RunRetirement
  /** What this operator sees belongs to the numbers from now on. */
  follow(health: Health): void
  /** All of it, as `/metrics` answers. */
  text(): Promise<string>
}

const PREFIX = 'dask_operator_'

export function createMetrics(): Metrics {
  const registry = new Registry()
  const followed: Health[] = []
  collectDefaultMetrics({register: registry, prefix: PREFIX})
  const registers = [registry]

  const reconciles = new Histogram({
    ...{name: `${PREFIX}reconcile_seconds`, help: 'How long runs of one object took.', registers},
    labelNames: ['kind', 'result'] as const,
    buckets: [0.001, 0.01, 0.1, 0.5, 1, 5, 30],
  })
  const requests = new Counter({
    ...{name: `${PREFIX}api_requests_total`, help: 'Requests to the API server; code "none" where no answer came.', registers},
    labelNames: ['verb', 'resource', 'code'] as const,
  })
  const events = new Counter({
    ...{name: `${PREFIX}events_total`, help: 'Events told of objects, the decisions of autoscalers among them.', registers},
    labelNames: ['kind', 'reason'] as const,
  })
  const retirements = new Histogram({
    ...{
      name: `${PREFIX}worker_retirement_seconds`,
      help: 'From the begin of a retirement until the worker had gone, or worked on.',
      registers,
    },
    labelNames: ['outcome'] as const,
    buckets: [0.1, 1, 5, 30, 120, 600, 3600],
  })

  /** A number that is read when it is asked for. */
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[], read: (set: Setter<L>) => void): void => {
    const all = new Gauge({
      ...{name: `${PREFIX}${name}`, help, labelNames, registers},
      collect: () => {
        all.reset()
        read((labels, value) => all.inc(labels, value))
      },
    })
  }
  gauge('leader', 'Whether this operator works; others stand by.', [], (set) => set({}, followed.some((each) => each.isLeading()) ? 1 : 0))
  gauge('queue_depth', 'Objects that are due or being handled.', ['kind'], (set) => {
    for (const {kind, depth} of followed.flatMap((each) => each.queues())) set({kind}, depth)
  })
  gauge('queue_age_seconds', 'How long the longest change has waited.', ['kind'], (set) => {
    for (const [kind, ms] of longest(followed.flatMap((each) => each.queues().map(({kind, latencyMs}) => [kind, latencyMs] as const))))
      set({kind}, ms / 1000)
  })
  gauge('watch_age_seconds', 'How long ago a watch was heard of last.', ['kind'], (set) => {
    for (const [kind, ms] of longest(followed.flatMap((each) => each.watches().map(({kind, silenceMs}) => [kind, silenceMs] as const))))
      set({kind}, ms / 1000)
  })
  gauge('objects', 'Objects under care, by phase.', ['kind', 'phase'], (set) => {
    for (const {kind, list} of followed.flatMap((each) => each.objects()))
      if (DASK_KINDS.some(({plural}) => plural === kind)) for (const object of list()) set({kind, phase: phaseOf(object)}, 1)
  })
  gauge('pods', 'Pods of Dask, by component and phase.', ['component', 'phase'], (set) => {
    for (const {kind, list} of followed.flatMap((each) => each.objects()))
      if (kind === PODS.plural)
        for (const object of list()) set({component: object.metadata.labels?.[LABEL_COMPONENT] ?? '', phase: phaseOf(object)}, 1)
  })

  return {
    meter: {
      reconciled: (kind, isSuccessful, ms) => reconciles.observe({kind, result: isSuccessful ? 'success' : 'error'}, ms / 1000),
    },
    contentType: registry.contentType,
    counting: (client) =>
      countedClient(client, {
        answered: (verb, resource, code) => requests.inc({verb, resource, code}),
        told: (kind, reason) => events.inc({kind, reason}),
      }),
    timing: (run) => toldRetirement(run, (_, {is}, ms) => retirements.observe({outcome: is}, ms / 1000)),
    follow: (health) => void followed.push(health),
    text: () => registry.metrics(),
  }
}

type Setter<L extends string> = (labels: Partial<Record<L, string>>, value: number) => void

const longest = (ages: readonly (readonly [kind: string, ms: number])[]): ReadonlyMap<string, number> => {
  const found = new Map<string, number>()
  for (const [kind, ms] of ages) found.set(kind, Math.max(found.get(kind) ?? 0, ms))
  return found
}

/** Kinds without a phase are ready or not. */
const phaseOf = (object: KubeObject): string => {
  const {phase, jobStatus, conditions} = ((object as {readonly status?: unknown}).status ?? {}) as {
    readonly phase?: string
    readonly jobStatus?: string
    readonly conditions?: readonly {readonly type: string; readonly status: string}[]
  }
  const ready = conditions?.find(({type}) => type === 'Ready')
  return phase ?? jobStatus ?? (ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown')
}
