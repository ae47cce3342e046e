import type {Kind, KubeObject} from '../../api/object.ts'
import type {Informer} from '../../kube/informer.ts'
import type {Queue} from './queue.ts'

/**
 * Liveness by progress (law 8): a port that answers proves nothing. Alive is who hears of every kind it watches, and whose queues move.
 */
export interface Health {
  /** What does not move, one sentence each; none while the operator is alive. */
  stuck(): readonly string[]
  /** Every cache has its first list. */
  isSynced(): boolean
  /** This one works; others stand by. */
  isLeading(): boolean
  /** For each watched kind, milliseconds since it was heard of last. */
  watches(): readonly {readonly kind: string; readonly silenceMs: number}[]
  /** Keys that are due or being handled, and how long the longest has waited, by kind. */
  queues(): readonly {readonly kind: string; readonly depth: number; readonly latencyMs: number}[]
  /** What the caches hold. */
  objects(): readonly {readonly kind: string; readonly list: () => readonly KubeObject[]}[]
}

type Watched = Pick<Informer, 'silence' | 'list'>

/** What the engine tells of itself. */
export interface HealthBoard extends Health {
  watch(kind: Kind, informer: Watched): void
  synced(): void
  leads(queues: readonly {readonly kind: Kind; readonly queue: Pick<Queue, 'depth' | 'latency'>}[]): void
  rests(): void
}

/** A watch that is alive says something every minute, and is opened anew after a little more than two: five have seen several tries. */
const MOST_SILENCE_MS = 300_000
/** The engine itself ends a run by its requests' time limits long before this. */
const MOST_LATENCY_MS = 300_000

export function createHealth(): HealthBoard {
  const informers = new Map<string, Watched>()
  let queues: readonly {readonly kind: Kind; readonly queue: Pick<Queue, 'depth' | 'latency'>}[] = []
  let isSynced = false
  let isLeading = false

  const watches = (): ReturnType<Health['watches']> => [...informers].map(([kind, informer]) => ({kind, silenceMs: informer.silence()}))
  const waiting = (): ReturnType<Health['queues']> =>
    queues.map(({kind, queue}) => ({kind: kind.plural, depth: queue.depth(), latencyMs: queue.latency()}))
  const minutes = (ms: number): string => `${(ms / 60_000).toFixed(1)} minutes`
  return {
    watch: (kind, informer) => void informers.set(kind.plural, informer),
    synced: () => {
      isSynced = true
    },
    leads: (working) => {
      queues = working
      isLeading = true
    },
    rests: () => {
      queues = []
      isLeading = false
    },
    isSynced: () => isSynced,
    isLeading: () => isLeading,
    watches,
    queues: waiting,
    objects: () => [...informers].map(([kind, {list}]) => ({kind, list})),
    stuck: () => [
      ...watches()
        .filter(({silenceMs}) => silenceMs > MOST_SILENCE_MS)
        .map(({kind, silenceMs}) => `nothing has been heard of ${kind} for ${minutes(silenceMs)}`),
      ...waiting()
        .filter(({latencyMs}) => latencyMs > MOST_LATENCY_MS)
        .map(({kind, latencyMs}) => `a change of ${kind} has waited for ${minutes(latencyMs)}`),
    ],
  }
}
