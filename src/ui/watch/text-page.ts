import type {Board} from './model.ts'
import {headLine, type Size} from './overview.ts'
import {dim, fitted, type Line, plain, spread, wrapped} from './spans.ts'
import type {Page} from './state.ts'

type TextPage = Extract<Page, {kind: 'text'}>

/** A text to read through: a description from its beginning, a log from its end; exactly as many lines as there are rows. */
export function textLines(board: Board, page: TextPage, text: readonly string[], {columns: width, rows}: Size): readonly Line[] {
  const {source} = page
  const lines = textRows(text, width)
  const height = heightOf(rows)
  const most = Math.max(0, lines.length - height)
  const {by} = bounded(page, lines.length, rows)
  const start = page.from === 'begin' ? by : most - by
  const shown = lines.slice(start, start + height)
  const place = lines.length === 0 ? '' : `${start + 1}–${start + shown.length} of ${lines.length}${start < most ? '' : ' (end)'} `
  return [
    headLine(board, width, source.kind === 'logs' ? `logs of ${source.what}` : `describe ${source.cluster}`),
    spread([], [dim(place)], width),
    ...shown.map((line) => fitted([plain(` ${line}`)], width)),
    ...Array.from({length: height - shown.length}, (_, index) =>
      fitted(shown.length === 0 && index === 0 ? [dim(' nothing so far')] : [], width),
    ),
  ]
}

/** What the lines of a text are on a screen of this width. */
export const textRows = (text: readonly string[], width: number): readonly string[] => text.flatMap((line) => wrapped(line, width - 2))

const heightOf = (rows: number): number => Math.max(1, rows - 3)

/** The page no further off than its text goes: scrolling on would do nothing for a while afterwards. */
export const bounded = (page: TextPage, lines: number, rows: number): TextPage => ({
  ...page,
  by: Math.min(page.by, Math.max(0, lines - heightOf(rows))),
})
