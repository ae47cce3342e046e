import type {Board, ClusterCard, EventCard, WorkerCard} from '../../../../src/ui/watch/model.ts'

/** Boards to show. */

export const worker = (name: string, running = 2): WorkerCard => ({
  ...{pod: name, name, group: 'demo-default', node: 'node-1', status: 'running', message: undefined, restarts: 0},
  load: {threads: 2, cpu: 150, memory: 2 ** 29, memoryLimit: 2 ** 30, running, queued: 5, results: 7},
})

export const cluster = (name: string, workers: readonly WorkerCard[], more: Partial<ClusterCard> = {}): ClusterCard => ({
  ...{namespace: 'default', name, status: 'Ready', message: undefined, isReady: true, age: '5m'},
  ...{wanted: workers.length, ready: workers.length, workers, events: [], rates: [0, 10, 40]},
  load: {connected: workers.length, threads: 2 * workers.length, cpu: 150, memory: 2 ** 29, memoryLimit: 2 ** 30, running: 2},
  tasks: {waiting: 3, queued: 10, unrunnable: 0, processing: 4, results: 7, erred: 0, done: 100},
  groups: [{name: `${name}-default`, wanted: workers.length, ready: workers.length, retiring: 0, autoscaler: undefined}],
  ...more,
})

export const event = (reason: string, at: number): EventCard => ({
  ...{id: reason, at, age: '5m', isWarning: false, about: 'pod/p', reason, message: 'm'},
})

export const board = (clusters: readonly ClusterCard[], more: Partial<Board> = {}): Board => ({
  ...{place: 'kind · default', namespace: 'default', at: Date.UTC(2026, 0, 1, 12), clusters, jobs: [], trouble: undefined},
  ...more,
})
