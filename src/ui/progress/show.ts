import {changedSteps, type Progress, type Step, stepLine, withStep} from './model.ts'

export interface ShownProgress {
  /** Tells of a step; equal news is told once. */
  readonly report: (step: Step) => void
  /** Nothing is drawn after this; may be called again. */
  readonly close: () => void
}

export interface ShowOptions {
  readonly title: string
  readonly stream: NodeJS.WriteStream
  /** `quiet` tells nothing: the answer is one document. */
  readonly mode: 'live' | 'lines' | 'quiet'
}

/** Live on a terminal, plain lines anywhere else; `CI` and `TERM=dumb` count as no terminal. */
export const modeFor = (stream: NodeJS.WriteStream, isDocument: boolean): ShowOptions['mode'] =>
  isDocument ? 'quiet' : stream.isTTY && !process.env['CI'] && process.env['TERM'] !== 'dumb' ? 'live' : 'lines'

/** Shows progress on a stream from now on; the drawing library is loaded only for a live view. */
export async function showProgress({title, stream, mode}: ShowOptions): Promise<ShownProgress> {
  let progress: Progress = {title, steps: []}
  if (mode === 'quiet') return {report: () => undefined, close: () => undefined}
  if (mode === 'lines') {
    stream.write(`${title}\n`)
    return {
      report: (step) => {
        const after = withStep(progress, step)
        for (const changed of changedSteps(progress, after)) stream.write(`${stepLine(changed)}\n`)
        progress = after
      },
      close: () => undefined,
    }
  }
  // chalk, which ink draws with, knows FORCE_COLOR alone; it reads it once, when it is loaded.
  if (process.env['NO_COLOR']) process.env['FORCE_COLOR'] ??= '0'
  const {openLiveView} = await import('./live.tsx')
  const view = openLiveView(progress, stream)
  let isOpen = true
  return {
    report: (step) => {
      const after = withStep(progress, step)
      if (isOpen && after !== progress) view.update(after)
      progress = after
    },
    close: () => {
      if (isOpen) view.close()
      isOpen = false
    },
  }
}
