import {formatBytes} from '../bytes.ts'
import {type Board, type ClusterCard, type GroupCard, rateOf, type WorkerCard, waitingOf} from './model.ts'
import {eventLines, headLine, memoryCell, type Size, statusColour, titleLine} from './overview.ts'
import {bar, bold, type Cell, coloured, columns, dim, fitted, type Line, plain, selected, short, sparkline, windowStart} from './spans.ts'
import {chosenIndex, shownWorkers, type ViewState} from './state.ts'

/** One cluster: its totals, groups, workers and latest events; exactly as many lines as there are rows. */
export function clusterLines(board: Board, card: ClusterCard, state: ViewState, {columns: width, rows}: Size): readonly Line[] {
  const top = [
    headLine(board, width, card.name),
    statusLine(card, width),
    fitted(card.isReady || card.message === undefined ? [] : [coloured(` ${card.message}`, 'yellow')], width),
    ...gaugeLines(card, width),
    taskLine(card, width),
    ...groupLines(card, width, rows),
    fitted([], width),
  ]
  const room = rows - top.length - 1
  const wantedEvents = Math.min(card.events.length, Math.max(3, room - card.workers.length - 3))
  const eventRoom = room >= 12 ? wantedEvents : 0
  const list = workerLines(card, state, width, room - (eventRoom > 0 ? eventRoom + 2 : 0))
  const filler = Math.max(0, room - list.length - (eventRoom > 0 ? eventRoom + 2 : 0))
  return [
    ...top,
    ...list,
    ...Array.from({length: filler}, () => fitted([], width)),
    ...(eventRoom > 0 ? [fitted([], width), titleLine('EVENTS', width), ...eventLines(card.events.slice(-eventRoom), width)] : []),
  ]
}

const statusLine = (card: ClusterCard, width: number): Line =>
  fitted(
    [
      plain(' '),
      {text: card.status, color: statusColour(card.status), bold: true},
      plain(`  ${card.ready}/${card.wanted} workers · ${card.load.threads} threads · ${card.age}`),
    ],
    width,
  )

/** Memory and CPU beside each other where there is room. */
const gaugeLines = ({load}: ClusterCard, width: number): readonly Line[] => {
  const half = Math.floor((width - 4) / 2)
  const gauge = (name: string, share: number, number: string, colour?: 'blue'): Line =>
    fitted([dim(` ${name.padEnd(7)}`), ...bar(share, Math.max(6, half - 8 - 14), ...(colour ? [colour] : [])), plain(` ${number}`)], half)
  const memory = load.memoryLimit > 0 ? `${formatBytes(load.memory)}/${formatBytes(load.memoryLimit)}` : formatBytes(load.memory)
  const most = load.threads * 100
  return [
    fitted(
      [
        ...gauge('Memory', load.memoryLimit > 0 ? load.memory / load.memoryLimit : 0, memory),
        plain('  '),
        ...gauge('CPU', most > 0 ? load.cpu / most : 0, `${Math.round(load.cpu)}/${most}%`, 'blue'),
      ],
      width,
    ),
  ]
}

const taskLine = (card: ClusterCard, width: number): Line => {
  const {tasks, load, rates} = card
  const waiting = waitingOf(card)
  const rate = rateOf(card)
  const facts: Line = [
    dim(' Tasks  '),
    bold(short(load.running)),
    plain(' running · '),
    bold(waiting === undefined ? '-' : short(waiting)),
    plain(' waiting · '),
    bold(tasks ? short(tasks.results) : '-'),
    plain(' held'),
    ...(tasks && tasks.erred > 0 ? [plain(' · '), coloured(`${short(tasks.erred)} erred`, 'red')] : []),
    ...(tasks && tasks.unrunnable > 0 ? [plain(' · '), coloured(`${short(tasks.unrunnable)} unrunnable`, 'red')] : []),
    plain('  '),
    {text: rate === undefined ? '' : `${short(rate)}/s `, color: 'cyan', bold: true},
  ]
  const used = facts.reduce((sum, {text}) => sum + text.length, 0)
  return fitted([...facts, coloured(sparkline(rates, Math.max(0, Math.min(60, width - used - 2))), 'cyan')], width)
}

const groupLines = ({groups}: ClusterCard, width: number, rows: number): readonly Line[] => {
  const most = Math.max(1, Math.floor(rows / 6))
  const shown = groups.slice(0, groups.length > most ? most - 1 : most).map((group) => groupLine(group, width))
  return groups.length > most ? [...shown, fitted([dim(`        … and ${groups.length - shown.length} more groups`)], width)] : shown
}

const groupLine = ({name, ready, wanted, retiring, autoscaler}: GroupCard, width: number): Line =>
  fitted(
    [
      dim(' Group  '),
      plain(`${name} `),
      coloured(`${ready}/${wanted}`, ready >= wanted ? 'green' : 'yellow'),
      ...(retiring > 0 ? [coloured(` ${retiring} retiring`, 'gray')] : []),
      ...(autoscaler
        ? [
            dim(' · adapts '),
            plain(`${autoscaler.minimum}–${autoscaler.maximum}`),
            ...(autoscaler.target === undefined ? [] : [dim(', wants '), plain(String(autoscaler.target))]),
            ...(autoscaler.status === 'Active' ? [] : [plain(' '), coloured(autoscaler.status, 'yellow')]),
          ]
        : []),
    ],
    width,
  )

const workerLayout = (name: number, width: number): readonly Cell[] => {
  const isWide = width >= WIDE
  // What the name and the numbers leave is for the two bars, and what those leave for the node.
  const room = isWide ? width - name - WIDE_NUMBERS : NARROW_MEMORY + NARROW_CPU
  const memory = Math.min(26, Math.max(NARROW_MEMORY, room - 16))
  const cpu = Math.min(16, Math.max(NARROW_CPU, room - memory))
  const node = room - memory - cpu - 2
  return [
    {width: 1},
    {width: name},
    {width: isWide ? 18 : 9},
    {width: memory},
    {width: cpu, isRight: cpu <= 10},
    {width: 3, isRight: true},
    {width: 5, isRight: true},
    {width: 4, isRight: true},
    ...(isWide ? [{width: 4, isRight: true}] : []),
    ...(isWide && node >= 4 ? [{width: node}] : []),
  ]
}

const WIDE = 100
/** Of the mark, the status, RUN, QUEUE, HELD, RST, and the gaps between these, the name and the two bars. */
const WIDE_NUMBERS = 1 + 18 + 3 + 5 + 4 + 4 + 8 * 2
const NARROW_MEMORY = 13
const NARROW_CPU = 5

const nameRoom = (width: number): number => (width >= WIDE ? Math.min(44, width - WIDE_NUMBERS - NARROW_MEMORY - NARROW_CPU) : 24)

const HEADERS = ['', 'WORKER', 'STATUS', 'MEMORY', 'CPU', 'RUN', 'QUEUE', 'HELD', 'RST', 'NODE'] as const
const SORTED: Readonly<Record<ViewState['sort'], (typeof HEADERS)[number]>> = {name: 'WORKER', memory: 'MEMORY', cpu: 'CPU', running: 'RUN'}

const workerLines = (card: ClusterCard, state: ViewState, width: number, height: number): readonly Line[] => {
  const workers = shownWorkers(card, state)
  if (workers.length === 0) return [fitted([dim('  no workers')], width)]
  const name = Math.min(nameRoom(width), Math.max(...workers.map((worker) => worker.name.length)))
  const layout = workerLayout(name, width)
  const chosen = chosenIndex(
    workers.map((worker) => worker.name),
    state.worker,
  )
  const start = windowStart(workers.length, height - 1, chosen)
  const header = columns(
    HEADERS.map((title) => [{text: title, dim: title !== SORTED[state.sort], bold: title === SORTED[state.sort]}]),
    layout,
  )
  return [
    fitted(header, width),
    ...workers.slice(start, start + Math.max(0, height - 1)).map((worker, index) => {
      const line = fitted(workerLine(worker, layout, name), width)
      return start + index === chosen ? selected(line) : line
    }),
  ]
}

const workerLine = ({name, status, message, load, restarts, node}: WorkerCard, layout: readonly Cell[], nameWidth: number): Line => {
  const label = name.length > nameWidth ? `…${name.slice(name.length - nameWidth + 1)}` : name
  const first: Line[] = [[plain('')], [plain(label)], [coloured(status, statusColour(status))]]
  if (!load) return columns([...first, [dim(message ?? '')]], [...layout.slice(0, 3), {width: Math.max(10, rest(layout.slice(3)))}])
  const cpuWidth = layout[4]?.width ?? 5
  const percent = `${Math.round(load.cpu)}%`
  const cpu: Line =
    cpuWidth > 10
      ? [...bar(load.cpu / (100 * Math.max(1, load.threads)), cpuWidth - 6, 'blue'), plain(` ${percent.padStart(5)}`)]
      : [plain(percent)]
  return columns(
    [
      ...first,
      memoryCell(load.memory, load.memoryLimit, layout[3]?.width ?? 13),
      cpu,
      short(load.running),
      short(load.queued),
      short(load.results),
      restarts > 0 ? [coloured(String(restarts), 'yellow')] : '0',
      node ?? '',
    ],
    layout,
  )
}

const rest = (layout: readonly Cell[]): number => layout.reduce((sum, {width}) => sum + width + 2, 0)
