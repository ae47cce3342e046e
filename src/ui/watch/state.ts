import {LABEL_CLUSTER, LABEL_COMPONENT} from '../../api/names.ts'
import {type Board, type ClusterCard, keyOf, SORT_KEYS, type SortKey, sortWorkers, type WorkerCard} from './model.ts'

/** Where a person is in the live view, and what each key does there. Pure. */

export type TextSource =
  | {readonly kind: 'describe'; readonly namespace: string; readonly cluster: string}
  | {readonly kind: 'logs'; readonly namespace: string; readonly selector: string; readonly pod: string | undefined; readonly what: string}

/** Which end of a text the window is counted from: the one that stays when lines come. */
type End = 'begin' | 'end'

export type Page =
  | {readonly kind: 'overview'}
  | {readonly kind: 'cluster'; readonly key: string}
  | {readonly kind: 'text'; readonly source: TextSource; readonly back: Page; readonly from: End; readonly by: number}

export interface ViewState {
  readonly page: Page
  /** The chosen one of the overview: `cluster:` or `job:`, then its key. The first while it is not there. */
  readonly chosen: string | undefined
  /** The chosen worker of the cluster's page, by name. */
  readonly worker: string | undefined
  readonly sort: SortKey
  /** Digits typed for a new number of workers. */
  readonly prompt: string | undefined
  readonly notice: string | undefined
  readonly isHelp: boolean
}

export type Key = 'up' | 'down' | 'pageUp' | 'pageDown' | 'home' | 'end' | 'enter' | 'escape' | 'backspace' | {readonly char: string}

export type Effect = {readonly kind: 'quit'} | {readonly kind: 'scale'; readonly cluster: ClusterCard; readonly replicas: number}

export interface Reduced {
  readonly state: ViewState
  readonly effect?: Effect
}

export const startState = (cluster?: string): ViewState => ({
  page: cluster === undefined ? {kind: 'overview'} : {kind: 'cluster', key: cluster},
  chosen: undefined,
  worker: undefined,
  sort: 'name',
  prompt: undefined,
  notice: undefined,
  isHelp: false,
})

/** What can be chosen on the overview, in its order. */
export const itemsOf = (board: Board): readonly string[] => [
  ...board.clusters.map((card) => `cluster:${keyOf(card)}`),
  ...board.jobs.map((card) => `job:${keyOf(card)}`),
]

export const chosenItem = (board: Board, {chosen}: ViewState): string | undefined => {
  const items = itemsOf(board)
  return chosen !== undefined && items.includes(chosen) ? chosen : items[0]
}

/** The cluster that a key is about: that of the page, or the chosen one. */
export const clusterOf = (board: Board, state: ViewState): ClusterCard | undefined => {
  const {page} = state
  const key = page.kind === 'cluster' ? page.key : chosenItem(board, state)?.replace(/^cluster:/, '')
  return board.clusters.find((card) => keyOf(card) === key)
}

export const shownWorkers = (cluster: ClusterCard, {sort}: ViewState): readonly WorkerCard[] => sortWorkers(cluster.workers, sort)

export const chosenIndex = (names: readonly string[], chosen: string | undefined): number =>
  Math.max(0, chosen === undefined ? 0 : names.indexOf(chosen))

/** `rows`: how far a page goes. */
export function reduce(state: ViewState, key: Key, board: Board, rows: number): Reduced {
  if (state.isHelp) return isChar(key, 'q') ? quit(state) : {state: {...state, isHelp: false}}
  if (state.prompt !== undefined) return inPrompt(state, state.prompt, key, board)
  const clean: ViewState = {...state, notice: undefined}
  if (isChar(key, '?')) return {state: {...clean, isHelp: true}}
  if (isChar(key, 'q')) return state.page.kind === 'text' ? {state: {...clean, page: state.page.back}} : quit(clean)
  return state.page.kind === 'text' ? inText(clean, state.page, key, rows) : inLists(clean, key, board, rows)
}

const quit = (state: ViewState): Reduced => ({state, effect: {kind: 'quit'}})

const isChar = (key: Key, ...chars: readonly string[]): boolean => typeof key === 'object' && chars.includes(key.char)

/** How far a key moves in a list; `undefined` for a key that does not. */
const stepOf = (key: Key, rows: number): number | undefined => {
  if (key === 'up' || isChar(key, 'k')) return -1
  if (key === 'down' || isChar(key, 'j')) return 1
  if (key === 'pageUp') return -rows
  if (key === 'pageDown' || isChar(key, ' ')) return rows
  if (key === 'home' || isChar(key, 'g')) return Number.NEGATIVE_INFINITY
  if (key === 'end' || isChar(key, 'G')) return Number.POSITIVE_INFINITY
  return undefined
}

const moved = (names: readonly string[], chosen: string | undefined, step: number): string | undefined =>
  names[Math.max(0, Math.min(names.length - 1, chosenIndex(names, chosen) + step))]

const inText = (state: ViewState, page: Extract<Page, {kind: 'text'}>, key: Key, rows: number): Reduced => {
  if (key === 'escape') return {state: {...state, page: page.back}}
  const step = stepOf(key, rows)
  if (step === undefined) return {state}
  if (!Number.isFinite(step)) return {state: {...state, page: {...page, from: step < 0 ? 'begin' : 'end', by: 0}}}
  // Bounded where the lines are known.
  return {state: {...state, page: {...page, by: Math.max(0, page.by + (page.from === 'begin' ? step : -step))}}}
}

const inLists = (state: ViewState, key: Key, board: Board, rows: number): Reduced => {
  const {page} = state
  const cluster = clusterOf(board, state)
  const step = stepOf(key, rows)
  if (step !== undefined)
    return page.kind === 'cluster'
      ? {state: {...state, worker: cluster && moved(namesOf(cluster, state), state.worker, step)}}
      : {state: {...state, chosen: moved(itemsOf(board), chosenItem(board, state), step)}}
  if (key === 'escape')
    return page.kind === 'cluster' ? {state: {...state, page: {kind: 'overview'}, chosen: `cluster:${page.key}`}} : {state}
  if (isChar(key, 'o') && page.kind === 'cluster')
    return {state: {...state, sort: SORT_KEYS[(SORT_KEYS.indexOf(state.sort) + 1) % SORT_KEYS.length] ?? 'name'}}
  if (key === 'enter' && page.kind === 'overview' && cluster)
    return {state: {...state, page: {kind: 'cluster', key: keyOf(cluster)}, worker: undefined}}
  if (key === 'enter' || isChar(key, 'l', 'L')) return openLogs(state, board, cluster, isChar(key, 'L'))
  if (!cluster) return {state}
  if (isChar(key, 'd')) return {state: open(state, {kind: 'describe', namespace: cluster.namespace, cluster: cluster.name}, 'begin')}
  if (isChar(key, 's')) return startScaling(state, cluster)
  return {state}
}

const namesOf = (cluster: ClusterCard, state: ViewState): readonly string[] => shownWorkers(cluster, state).map(({name}) => name)

const open = (state: ViewState, source: TextSource, from: End = 'end'): ViewState => ({
  ...state,
  page: {kind: 'text', source, back: state.page, from, by: 0},
})

/** Of the chosen worker, of the whole cluster (on the overview, and with `L`), or of the chosen job. */
const openLogs = (state: ViewState, board: Board, cluster: ClusterCard | undefined, isAll: boolean): Reduced => {
  const job = board.jobs.find((card) => `job:${keyOf(card)}` === chosenItem(board, state))
  if (state.page.kind === 'overview' && !cluster && job) {
    const {namespace, name} = job
    const selector = `${LABEL_CLUSTER}=${name},${LABEL_COMPONENT}=job-runner`
    return {state: open(state, {kind: 'logs', namespace, selector, pod: undefined, what: `job ${name}`})}
  }
  if (!cluster) return {state}
  const {namespace, name} = cluster
  const pod = state.page.kind === 'cluster' && !isAll ? workerOf(cluster, state)?.pod : undefined
  return {state: open(state, {kind: 'logs', namespace, selector: `${LABEL_CLUSTER}=${name}`, pod, what: pod ?? `cluster ${name}`})}
}

export const workerOf = (cluster: ClusterCard, state: ViewState): WorkerCard | undefined => {
  const workers = shownWorkers(cluster, state)
  return workers[
    chosenIndex(
      workers.map(({name}) => name),
      state.worker,
    )
  ]
}

const startScaling = (state: ViewState, cluster: ClusterCard): Reduced => {
  const adapted = cluster.groups.find(({autoscaler}) => autoscaler)
  return adapted
    ? {state: {...state, notice: `"${adapted.name}" follows the load; "cluster scale ${cluster.name} N" would end that`}}
    : {state: {...state, prompt: ''}}
}

const MAX_DIGITS = 6

const inPrompt = (state: ViewState, typed: string, key: Key, board: Board): Reduced => {
  if (key === 'escape') return {state: {...state, prompt: undefined}}
  if (key === 'backspace') return {state: {...state, prompt: typed.slice(0, -1)}}
  if (typeof key === 'object') {
    const digits = `${typed}${key.char}`
    return {state: /^\d+$/.test(digits) && digits.length <= MAX_DIGITS ? {...state, prompt: digits} : state}
  }
  if (key !== 'enter') return {state}
  const cluster = clusterOf(board, state)
  const closed: ViewState = {...state, prompt: undefined}
  return typed === '' || !cluster ? {state: closed} : {state: closed, effect: {kind: 'scale', cluster, replicas: Number(typed)}}
}
