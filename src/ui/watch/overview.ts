import {formatBytes} from '../bytes.ts'
import {type Board, type ClusterCard, type EventCard, type JobCard, keyOf, rateOf, totalOf, waitingOf} from './model.ts'
import {
  bar,
  bold,
  type Cell,
  type Colour,
  coloured,
  columns,
  dim,
  fitted,
  inOneLine,
  type Line,
  plain,
  selected,
  short,
  sparkline,
  spread,
  windowStart,
} from './spans.ts'
import {chosenItem, itemsOf, type ViewState} from './state.ts'

/** Rows and columns of the terminal. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

export const statusColour = (status: string): Colour =>
  ['Ready', 'running', 'Successful'].includes(status)
    ? 'green'
    : /Error|Failed|BackOff|Err|Crash|Invalid|Lost|Unschedulable|Evicted|OOM|NotConnected|NotServed/.test(status)
      ? 'red'
      : ['Suspended', 'paused', 'retiring', 'Deleting', 'Terminating'].includes(status)
        ? 'gray'
        : 'yellow'

/** All clusters and jobs of a board with what has happened last; exactly as many lines as there are rows. */
export function overviewLines(board: Board, state: ViewState, size: Size): readonly Line[] {
  const {columns: width, rows} = size
  const top = [headLine(board, width), summaryLine(board, width), troubleLine(board, state, width)]
  const events = board.clusters.flatMap((cluster) => cluster.events).toSorted((one, other) => one.at - other.at)
  const room = rows - top.length - 1
  const items = itemsOf(board).length
  const eventRoom = Math.max(0, Math.min(events.length, Math.max(4, room - listHeight(board)) - 2))
  const list = listLines(board, state, width, room - (eventRoom > 0 ? eventRoom + 2 : 0))
  const shown = items === 0 ? [fitted([dim('  No clusters and no jobs here: "cluster create NAME" makes one')], width)] : list
  const filler = Math.max(0, room - shown.length - (eventRoom > 0 ? eventRoom + 2 : 0))
  return [
    ...top,
    ...shown,
    ...Array.from({length: filler}, () => fitted([], width)),
    ...(eventRoom > 0 ? [fitted([], width), titleLine('EVENTS', width), ...eventLines(events.slice(-eventRoom), width)] : []),
  ]
}

export const headLine = (board: Board, width: number, path = ''): Line =>
  spread(
    [coloured(' dask ', 'cyan'), bold(board.place), ...(path === '' ? [] : [dim(' › '), bold(path)])],
    board.trouble === undefined ? [dim(`${clock(board.at)} `)] : [coloured(`${board.trouble} `, 'red')],
    width,
  )

const clock = (at: number): string => new Date(at).toTimeString().slice(0, 8)

const summaryLine = ({clusters}: Board, width: number): Line => {
  const {threads, running} = totalOf(clusters)
  const ready = clusters.reduce((sum, card) => sum + card.ready, 0)
  const wanted = clusters.reduce((sum, card) => sum + card.wanted, 0)
  const waiting = clusters.reduce((sum, card) => sum + (waitingOf(card) ?? 0), 0)
  const rate = clusters.reduce((sum, card) => sum + (rateOf(card) ?? 0), 0)
  const facts = [
    `${clusters.length} ${clusters.length === 1 ? 'cluster' : 'clusters'}`,
    `${ready}/${wanted} workers`,
    `${threads} threads`,
    `${short(running)} running`,
    `${short(waiting)} waiting`,
    `${short(rate)} tasks/s`,
  ]
  return fitted([plain(` ${facts.join(' · ')}`)], width)
}

/** Why the chosen cluster is not ready; else why the first such one is not. */
const troubleLine = (board: Board, state: ViewState, width: number): Line => {
  const chosen = chosenItem(board, state)
  const unready = board.clusters.filter((card) => !card.isReady && card.message)
  const card = unready.find((each) => `cluster:${keyOf(each)}` === chosen) ?? unready[0]
  return fitted(card ? [plain(' '), bold(labelOf(board, card)), coloured(` ${card.message}`, 'yellow')] : [], width)
}

export const titleLine = (title: string, width: number): Line => fitted([plain(' '), {text: title, dim: true, bold: true}], width)

const listHeight = ({clusters, jobs}: Board): number =>
  (clusters.length > 0 ? clusters.length + 1 : 0) + (jobs.length > 0 ? jobs.length + 2 : 0)

const listLines = (board: Board, state: ViewState, width: number, height: number): readonly Line[] => {
  const {clusters, jobs} = board
  const chosen = chosenItem(board, state)
  const longest = Math.max(7, ...[...clusters, ...jobs].map((card) => labelOf(board, card).length))
  const nameWidth = clusterLayout(longest, width)[1]?.width ?? longest
  const mark = (key: string, line: Line): Line => (key === chosen ? selected(line) : line)
  const rows: {readonly line: Line; readonly isChosen: boolean}[] = []
  const add = (line: Line, isChosen = false): number => rows.push({line: fitted(line, width), isChosen})
  if (clusters.length > 0) {
    add(clusterHeader(nameWidth, width))
    for (const card of clusters) {
      const key = `cluster:${keyOf(card)}`
      add(mark(key, clusterLine(board, card, nameWidth, width)), key === chosen)
    }
  }
  if (jobs.length > 0) {
    if (clusters.length > 0) add([])
    add(jobHeader(nameWidth, width))
    for (const card of jobs) {
      const key = `job:${keyOf(card)}`
      add(mark(key, jobLine(board, card, nameWidth, width)), key === chosen)
    }
  }
  const at = rows.findIndex(({isChosen}) => isChosen)
  const start = windowStart(rows.length, height, at)
  return rows.slice(start, start + height).map(({line}) => line)
}

const labelOf = ({namespace}: Board, card: {readonly namespace: string; readonly name: string}): string =>
  namespace === undefined ? keyOf(card) : card.name

/** Of what the fixed columns leave, the name takes what it needs and the line of rates what is left. */
const clusterLayout = (wanted: number, width: number): readonly Cell[] => {
  const wide = width >= 100
  const fixed: readonly Cell[] = [
    {width: wide ? 20 : 12},
    {width: 7, isRight: true},
    {width: wide ? 24 : 12},
    {width: 4, isRight: true},
    {width: 5, isRight: true},
    {width: 7, isRight: true},
  ]
  const room = width - 1 - 2 - 2 - fixed.reduce((sum, cell) => sum + cell.width + 2, 0) - (wide ? 7 : 0)
  const name = Math.max(7, Math.min(wanted, room))
  return [
    {width: 1},
    {width: name},
    ...fixed,
    {width: Math.max(0, Math.min(60, room - name))},
    ...(wide ? [{width: 5, isRight: true}] : []),
  ]
}

const clusterHeader = (name: number, width: number): Line =>
  columns(['', 'CLUSTER', 'STATUS', 'WORKERS', 'MEMORY', 'RUN', 'WAIT', 'TASKS/S', '', 'AGE'], clusterLayout(name, width)).map((span) => ({
    ...span,
    dim: true,
  }))

const clusterLine = (board: Board, card: ClusterCard, name: number, width: number): Line => {
  const layout = clusterLayout(name, width)
  const waiting = waitingOf(card)
  const rate = rateOf(card)
  return columns(
    [
      '',
      [bold(labelOf(board, card))],
      [coloured(card.status, statusColour(card.status))],
      [coloured(`${card.ready}/${card.wanted}`, card.ready >= card.wanted ? 'green' : 'yellow')],
      memoryCell(card.load.memory, card.load.memoryLimit, layout[4]?.width ?? 14),
      short(card.load.running),
      waiting === undefined ? '-' : short(waiting),
      rate === undefined ? '-' : short(rate),
      [coloured(sparkline(card.rates, layout[8]?.width ?? 0), 'cyan')],
      card.age,
    ],
    layout,
  )
}

/** A bar and its number; how full it is only where there is a limit. */
export const memoryCell = (memory: number, limit: number, width: number): Line => {
  if (memory === 0) return [dim('-')]
  const number = ` ${width >= 20 && limit > 0 ? `${formatBytes(memory)}/${formatBytes(limit)}` : formatBytes(memory)}`
  return limit > 0 ? [...bar(memory / limit, Math.max(4, width - number.length)), plain(number)] : [plain(number.trim())]
}

const jobLayout = (name: number, width: number): readonly Cell[] => [
  {width: 1},
  {width: name},
  {width: 14},
  {width: 8, isRight: true},
  {width: 6, isRight: true},
  {width: Math.max(0, width - name - 41)},
]

const jobHeader = (name: number, width: number): Line =>
  columns(['', 'JOB', 'STATUS', 'DURATION', 'AGE', 'MESSAGE'], jobLayout(name, width)).map((span) => ({...span, dim: true}))

const jobLine = (board: Board, card: JobCard, name: number, width: number): Line =>
  columns(
    [
      '',
      [bold(labelOf(board, card))],
      [coloured(card.status, statusColour(card.status))],
      card.duration,
      card.age,
      [dim(inOneLine(card.message ?? ''))],
    ],
    jobLayout(name, width),
  )

export const eventLines = (events: readonly EventCard[], width: number): readonly Line[] =>
  events.map(({age, isWarning, reason, about, message}) =>
    fitted(
      [dim(` ${age.padStart(5)}  `), coloured(reason, isWarning ? 'red' : 'green'), plain('  '), dim(about), plain(`  ${message}`)],
      width,
    ),
  )
