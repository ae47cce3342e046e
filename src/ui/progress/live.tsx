import {Box, render, Text} from 'ink'
import {useEffect, useState} from 'react'
import {MARKS, type Progress, type Step, type StepState} from './model.ts'

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_MS = 80

const COLOURS: Readonly<Record<StepState, string>> = {waiting: 'gray', working: 'cyan', done: 'green', failed: 'red'}

const Spinner = () => {
  const [frame, setFrame] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => setFrame((before) => (before + 1) % FRAMES.length), FRAME_MS)
    return () => clearInterval(timer)
  }, [])
  return <>{FRAMES[frame]}</>
}

const Line = ({step, width}: {readonly step: Step; readonly width: number}) => (
  <Box>
    <Box flexShrink={0} marginRight={1}>
      <Text color={COLOURS[step.state]}>{step.state === 'working' ? <Spinner /> : MARKS[step.state]}</Text>
    </Box>
    <Box flexShrink={0} marginRight={2} width={width}>
      <Text>{step.name}</Text>
    </Box>
    <Text dimColor={step.state !== 'failed'} wrap="truncate-end">
      {step.detail}
    </Text>
  </Box>
)

/** Props in, a frame out: the title, then one line for each step. */
export const ProgressView = ({title, steps}: Progress) => (
  <Box flexDirection="column">
    <Text bold wrap="truncate-end">
      {title}
    </Text>
    {steps.map((step) => (
      <Line key={step.name} step={step} width={Math.max(...steps.map(({name}) => name.length))} />
    ))}
  </Box>
)

export interface LiveView {
  update(progress: Progress): void
  /** Leaves the last frame on the terminal. */
  close(): void
}

/** Draws on `stream` until it is closed; takes neither the keyboard nor Ctrl-C. */
export function openLiveView(progress: Progress, stream: NodeJS.WriteStream): LiveView {
  const view = render(<ProgressView {...progress} />, {stdout: stream, exitOnCtrlC: false, patchConsole: false})
  return {
    update: (next) => view.rerender(<ProgressView {...next} />),
    close: () => view.unmount(),
  }
}
