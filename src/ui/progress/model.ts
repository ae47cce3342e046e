/** What a long command is at: a few named steps, each with a state and a word of detail. Plain data: live view, lines and nothing feed on it. */

export type StepState = 'waiting' | 'working' | 'done' | 'failed'

export interface Step {
  readonly name: string
  readonly state: StepState
  /** What it waits for or has got, like `2/3 ready`. */
  readonly detail: string
}

export interface Progress {
  readonly title: string
  readonly steps: readonly Step[]
}

/** The progress with this step in its new state; steps keep the order in which they first came. */
export function withStep(progress: Progress, step: Step): Progress {
  const index = progress.steps.findIndex(({name}) => name === step.name)
  if (index < 0) return {...progress, steps: [...progress.steps, step]}
  const before = progress.steps[index]
  if (before?.state === step.state && before.detail === step.detail) return progress
  return {...progress, steps: progress.steps.with(index, step)}
}

/** Steps that are new in `after` or differ from `before`. */
export const changedSteps = (before: Progress, after: Progress): readonly Step[] =>
  after.steps.filter((step) => !before.steps.includes(step))

export const MARKS: Readonly<Record<StepState, string>> = {waiting: '·', working: '…', done: '✔', failed: '✘'}

/** A step as one plain line. */
export const stepLine = ({name, state, detail}: Step): string => `${MARKS[state]} ${name}${detail ? `: ${detail}` : ''}`
