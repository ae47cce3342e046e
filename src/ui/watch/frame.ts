import {clusterLines} from './cluster-page.ts'
import type {Board} from './model.ts'
import {overviewLines, type Size} from './overview.ts'
import {bold, coloured, dim, fitted, type Line, merged, plain, type Span} from './spans.ts'
import {clusterOf, type ViewState} from './state.ts'
import {textLines} from './text-page.ts'

/** The whole screen: exactly `rows` lines of exactly `columns` characters. `text`: the lines of the page that shows one. */
export function frame(board: Board, state: ViewState, text: readonly string[], size: Size): readonly Line[] {
  const {columns: width, rows} = size
  const body = state.isHelp ? helpLines(width, rows) : bodyLines(board, state, text, size)
  return [...body.slice(0, rows - 1), footLine(board, state, width)].map((line) => merged(fitted(line, width)))
}

const bodyLines = (board: Board, state: ViewState, text: readonly string[], size: Size): readonly Line[] => {
  const {page} = state
  if (page.kind === 'text') return textLines(board, page, text, size)
  const cluster = page.kind === 'cluster' ? clusterOf(board, state) : undefined
  if (cluster) return clusterLines(board, cluster, state, size)
  return overviewLines(board, page.kind === 'cluster' ? {...state, notice: `cluster "${page.key}" has gone`} : state, size)
}

type Hint = readonly [key: string, what: string]

const HINTS: Readonly<Record<ViewState['page']['kind'], readonly Hint[]>> = {
  overview: [
    ['↑↓', 'move'],
    ['enter', 'open'],
    ['l', 'logs'],
    ['d', 'describe'],
    ['s', 'scale'],
    ['?', 'help'],
    ['q', 'quit'],
  ],
  cluster: [
    ['↑↓', 'move'],
    ['enter', 'logs'],
    ['o', 'sort'],
    ['d', 'describe'],
    ['s', 'scale'],
    ['esc', 'back'],
    ['?', 'help'],
    ['q', 'quit'],
  ],
  text: [
    ['↑↓', 'scroll'],
    ['space', 'page'],
    ['g/G', 'begin/end'],
    ['esc', 'back'],
    ['q', 'back'],
  ],
}

const footLine = (board: Board, state: ViewState, width: number): Line => {
  if (state.prompt !== undefined) {
    const cluster = clusterOf(board, state)
    return fitted(
      [
        bold(` Workers of ${cluster?.name ?? '?'} (now ${cluster?.wanted ?? '?'}): `),
        plain(state.prompt),
        coloured('█', 'cyan'),
        dim('   enter sets it, esc leaves it'),
      ],
      width,
    )
  }
  if (state.notice !== undefined) return fitted([coloured(` ${state.notice}`, 'yellow')], width)
  return fitted(
    HINTS[state.page.kind].flatMap(([key, what]): Span[] => [plain(' '), {text: key, color: 'cyan', bold: true}, dim(` ${what} `)]),
    width,
  )
}

const HELP: readonly Hint[] = [
  ['↑ ↓ k j', 'move, one at a time'],
  ['page up/down, space', 'move, a page at a time'],
  ['g G, home end', 'first and last'],
  ['enter', 'open a cluster; log of a worker or of a program'],
  ['l, L', 'log of what is chosen; of the whole cluster'],
  ['d', 'describe the cluster: conditions, causes, next step'],
  ['s', "set the number of the cluster's workers"],
  ['o', 'order workers by name, CPU, memory, tasks'],
  ['esc', 'back'],
  ['q, Ctrl-C', 'quit'],
]

const helpLines = (width: number, rows: number): readonly Line[] => {
  const lines: readonly Line[] = [
    [],
    [bold('  Keys')],
    [],
    ...HELP.map(([key, what]): Line => [plain('  '), coloured(key.padEnd(22), 'cyan'), plain(what)]),
    [],
    [dim('  Numbers of workers are as of their last heartbeat.')],
    [dim('  WAIT counts tasks that no worker has begun.')],
    [dim('  Any key goes back.')],
  ]
  return [...lines, ...Array.from({length: Math.max(0, rows - 1 - lines.length)}, (): Line => [])].map((line) => fitted(line, width))
}
