/** Lines of a screen as data: pieces of text with what they look like. */

export type Colour = 'green' | 'yellow' | 'red' | 'cyan' | 'blue' | 'magenta' | 'gray'

export interface Span {
  readonly text: string
  readonly color?: Colour
  readonly bold?: boolean
  readonly dim?: boolean
  readonly inverse?: boolean
}

export type Line = readonly Span[]

export const plain = (text: string): Span => ({text})
export const bold = (text: string): Span => ({text, bold: true})
export const dim = (text: string): Span => ({text, dim: true})
export const coloured = (text: string, color: Colour): Span => ({text, color})

export const textOf = (line: Line): string => line.map(({text}) => text).join('')
export const widthOf = (line: Line): number => line.reduce((sum, {text}) => sum + text.length, 0)

/** The line with exactly `width` characters: filled up, or cut with an ellipsis. */
export function fitted(line: Line, width: number): Line {
  const own = widthOf(line)
  if (own === width) return line
  if (own < width) return [...line, plain(' '.repeat(width - own))]
  const kept: Span[] = []
  let left = Math.max(0, width - 1)
  for (const span of line) {
    if (left === 0) break
    kept.push({...span, text: span.text.slice(0, left)})
    left -= Math.min(left, span.text.length)
  }
  return width <= 0 ? [] : [...kept, plain('…')]
}

const looksLike = (one: Span, other: Span): boolean =>
  one.color === other.color && one.bold === other.bold && one.dim === other.dim && one.inverse === other.inverse

/** The line in as few pieces as its looks allow: what draws it pays for each. */
export function merged(line: Line): Line {
  const pieces: Span[] = []
  for (const span of line) {
    const last = pieces.at(-1)
    if (last && looksLike(last, span)) pieces[pieces.length - 1] = {...last, text: last.text + span.text}
    else pieces.push(span)
  }
  return pieces
}

export const isSameLine = (one: Line, other: Line): boolean =>
  one.length === other.length &&
  one.every((span, index) => {
    const match = other[index]
    return match !== undefined && span.text === match.text && looksLike(span, match)
  })

/** Two ends of one line; the right one gives way first. */
export const spread = (left: Line, right: Line, width: number): Line => {
  const room = width - widthOf(left) - 1
  return room < widthOf(right) ? fitted(left, width) : [...left, plain(' '.repeat(room - widthOf(right) + 1)), ...right]
}

/** The line as the selected one of a list: one bar without colours of its own. */
export const selected = (line: Line): Line => [{text: textOf(line), inverse: true, bold: true}]

/** Text that has several lines, in one. */
export const inOneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, ' ')

/** Text in pieces of at most `width` characters; those after the first stand two further in. */
export function wrapped(text: string, width: number): readonly string[] {
  const rest = Math.max(1, width - 2)
  if (text.length <= width || width < 10) return [text]
  const pieces = Array.from({length: Math.ceil((text.length - width) / rest)}, (_, index) => width + index * rest)
  return [text.slice(0, width), ...pieces.map((from) => `  ${text.slice(from, from + rest)}`)]
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const

/** A bar of `width` characters; `share` from 0 to 1, coloured by how full it is. */
export function bar(share: number, width: number, colour: Colour = levelOf(share)): Line {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8)
  const text = `${'█'.repeat(Math.floor(eighths / 8))}${EIGHTHS[eighths % 8] ?? ''}`
  return [coloured(text, colour), dim('·'.repeat(Math.max(0, width - text.length)))]
}

/** Dask moves results to disk at 70 % of a worker's memory and pauses it at 80 %. */
const levelOf = (share: number): Colour => (share >= 0.8 ? 'red' : share >= 0.7 ? 'yellow' : 'green')

const LEVELS = '▁▂▃▄▅▆▇█'

/** The last `width` values as a line of columns, as high as they are against the highest of them. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width)
  const most = Math.max(...shown, 0)
  const column = (value: number): string => (most > 0 && value > 0 ? (LEVELS[Math.round((value / most) * 7)] ?? '█') : '▁')
  return shown.map(column).join('')
}

/** A number in four characters or so: `950`, `1.2k`, `34k`, `5.6M`. */
export function short(number: number): string {
  if (number < 10 && number % 1 !== 0) return number.toFixed(1)
  if (number < 1_000) return String(Math.round(number))
  const [divided, unit] = number < 999_500 ? [number / 1_000, 'k'] : [number / 1_000_000, 'M']
  return `${divided < 9.95 ? divided.toFixed(1).replace(/\.0$/, '') : Math.round(divided)}${unit}`
}

export interface Cell {
  readonly width: number
  readonly isRight?: boolean
}

/** Pieces in columns, two spaces apart. */
export const columns = (cells: readonly (Line | string)[], layout: readonly Cell[]): Line =>
  layout.flatMap(({width, isRight}, index) => {
    const given = cells[index] ?? ''
    const line: Line = typeof given === 'string' ? [plain(given)] : given
    const room = width - widthOf(line)
    const gap: Line = index === 0 ? [] : [plain('  ')]
    return isRight && room > 0 ? [...gap, plain(' '.repeat(room)), ...line] : [...gap, ...fitted(line, width)]
  })

/** Where a list of `count` begins when `height` of it fit and the chosen one is to be seen. */
export const windowStart = (count: number, height: number, chosen: number): number =>
  Math.max(0, Math.min(count - height, chosen - Math.floor(height / 2)))
