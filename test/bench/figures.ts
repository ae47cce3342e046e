/** One line of the table: a figure of ours, what it is held against, and the ratio that the issue of it bounds. */
export interface Row {
  readonly what: string
  readonly ours: string
  readonly theirs: string
  readonly ratio: number
  readonly bound: string
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[middle - 1 + (sorted.length % 2)], sorted[middle]]
  if (low === undefined || high === undefined) throw new Error('there is no median of nothing')
  return (low + high) / 2
}

export const perSecond = (count: number, ms: number): number => Math.round((count * 1000) / ms)

/** The rows as a Markdown table, for the terminal and for docs/benchmarks.md. */
export const table = (rows: readonly Row[]): string =>
  [
    '| what | ours | held against | ratio | bound |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(({what, ours, theirs, ratio, bound}) => `| ${what} | ${ours} | ${theirs} | ${ratio.toFixed(2)} | ${bound} |`),
  ].join('\n')
