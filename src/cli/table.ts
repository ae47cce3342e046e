/** One column of a table; `wide` ones show with `-o wide` only. */
export interface Column<T> {
  readonly header: string
  readonly value: (row: T, now: number) => string
  readonly wide?: boolean
}

export interface TableOptions {
  readonly wide?: boolean
  readonly noHeaders?: boolean
  readonly now: number
}

const GAP = '   '

/** kubectl's table: upper-case headers, columns three spaces apart, no trailing spaces. Ends with a line break unless it is empty. */
export function renderTable<T>(rows: readonly T[], columns: readonly Column<T>[], {wide, noHeaders, now}: TableOptions): string {
  const shown = columns.filter((column) => wide || !column.wide)
  const lines = rows.map((row) => shown.map((column) => firstLine(column.value(row, now)) || '<none>'))
  return alignCells(noHeaders ? lines : [shown.map((column) => column.header), ...lines])
}

/** A row is one line, whatever a message says: what follows in it is left out, as kubectl does. */
const firstLine = (cell: string): string => {
  const [first = '', ...more] = cell.trim().split(/\s*[\r\n]+/)
  return more.length > 0 ? `${first}...` : first
}

/** Cells under each other, three spaces apart. */
export function alignCells(lines: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = []
  for (const line of lines) for (const [index, cell] of line.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  return lines
    .map((line) => `${indent}${line.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(GAP)}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('')
}
