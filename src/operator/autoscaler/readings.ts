/** What the schedulers have asked for lately. */

export interface Answer {
  /** How many workers the scheduler would like its cluster to have. */
  readonly target: number
  /** Tasks that no worker can run; `undefined`: it was not asked for, or cannot be known. */
  readonly unrunnable?: number
  /** Whether `unrunnable` is all that can be known: a second question would tell no more. */
  readonly isWhole: boolean
}

/** What was asked for, for as long as it was the same. */
export interface Span {
  readonly from: number
  readonly until: number
  readonly target: number
  /** Workers that should be there and stay. */
  readonly needed: number
}

export interface Readings {
  /** UID of the scheduler's pod. */
  readonly scheduler: string
  readonly since: number
  /** Newest last; empty while no answer has come. */
  readonly spans: readonly Span[]
  readonly latest: Answer | undefined
  /** Why the last question had no answer, and how many before it had none either. */
  readonly failure?: {readonly message: string; readonly count: number}
}

/** What a status tells may be as old. */
const KEPT_MS = 20_000

/**
 * The readings with another answer; those of another scheduler pod begin anew. `leaving`: workers that were leaving when it was asked. They are
 * counted in the target and take nothing new (contract 4.5); but while any worker is wanted at all one that stays is needed for what is new.
 * `windowMs`: for how long answers are of use.
 */
export function withAnswer(
  before: Readings | undefined,
  {
    scheduler,
    answer,
    leaving,
    windowMs,
  }: {readonly scheduler: string; readonly answer: Answer; readonly leaving: number; readonly windowMs: number},
  now: number,
): Readings {
  const {target} = answer
  const needed = Math.max(target - leaving, Math.min(target, 1))
  const known: Pick<Readings, 'since' | 'spans'> = before?.scheduler === scheduler ? before : {since: now, spans: []}
  const last = known.spans.at(-1)
  const kept = known.spans.filter(({until}) => until >= now - Math.max(windowMs, KEPT_MS))
  const spans =
    last?.target === target && last.needed === needed
      ? [...kept.slice(0, -1), {...last, until: now}]
      : [...kept, {from: now, until: now, target, needed}]
  return {scheduler, since: known.since, spans, latest: answer}
}

/** What was asked for before stands. */
export function withFailure(before: Readings | undefined, scheduler: string, message: string, now: number): Readings {
  const known: Readings = before?.scheduler === scheduler ? before : {scheduler, since: now, spans: [], latest: undefined}
  return {...known, failure: {message, count: (known.failure?.count ?? 0) + 1}}
}

/** The numbers that were needed within the last `windowMs`, the latest among them. */
export const neededWithin = ({spans}: Readings, windowMs: number, now: number): readonly number[] => [
  ...new Set(spans.filter(({until}, index) => index === spans.length - 1 || until > now - windowMs).map(({needed}) => needed)),
]

/** What was asked for at a time, or first after it; `undefined` while nothing has been. */
export const targetAt = ({spans}: Readings, time: number): number | undefined =>
  (spans.findLast(({from}) => from <= time) ?? spans[0])?.target
