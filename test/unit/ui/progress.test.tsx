import {PassThrough} from 'node:stream'
import {text} from 'node:stream/consumers'
import {render} from 'ink-testing-library'
import {afterEach, describe, expect, it} from 'vitest'
import {ProgressView} from '../../../src/ui/progress/live.tsx'
import {changedSteps, type Progress, withStep} from '../../../src/ui/progress/model.ts'
import {modeFor, showProgress} from '../../../src/ui/progress/show.ts'

const EMPTY: Progress = {title: 'DaskCluster "demo"', steps: []}
const BUSY: Progress = {
  title: 'DaskCluster "demo" in namespace "default"',
  steps: [
    {name: 'scheduler', state: 'done', detail: 'ready'},
    {name: 'workers', state: 'working', detail: '2/3 ready'},
    {name: 'program', state: 'waiting', detail: ''},
  ],
}

/** What a reader sees: no colours, and the spinner at rest. */
const plain = (frame: string | undefined): string => (frame ?? '').replaceAll(/\u001B\[[\d;]*m/g, '').replaceAll(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/g, '*')

describe('the live view', () => {
  const opened: {unmount: () => void}[] = []
  afterEach(() => {
    for (const view of opened.splice(0)) view.unmount()
  })
  const draw = (progress: Progress) => {
    const view = render(<ProgressView {...progress} />)
    opened.push(view)
    return view
  }

  it('has the title and one line for each step', () => {
    expect(plain(draw(BUSY).lastFrame())).toBe(
      ['DaskCluster "demo" in namespace "default"', '✔ scheduler  ready', '* workers    2/3 ready', '· program'].join('\n'),
    )
  })

  it('follows its props', () => {
    const view = draw(BUSY)
    view.rerender(<ProgressView {...withStep(BUSY, {name: 'workers', state: 'failed', detail: 'ImagePullBackOff: no such image'})} />)
    expect(plain(view.lastFrame())).toContain('✘ workers    ImagePullBackOff: no such image')
  })

  it('never breaks a line, however long the cause', () => {
    const frame = plain(draw(withStep(EMPTY, {name: 'scheduler', state: 'working', detail: 'x'.repeat(300)})).lastFrame())
    expect(frame.split('\n')).toHaveLength(2)
  })
})

describe('progress', () => {
  it('keeps the order in which steps came, and is the same where nothing is new', () => {
    const [scheduler] = BUSY.steps
    expect(scheduler && withStep(BUSY, scheduler)).toBe(BUSY)
    const after = withStep(BUSY, {name: 'workers', state: 'done', detail: '3/3 ready'})
    expect(after.steps.map(({name}) => name)).toEqual(['scheduler', 'workers', 'program'])
    expect(changedSteps(BUSY, after)).toEqual([{name: 'workers', state: 'done', detail: '3/3 ready'}])
  })

  it('is plain lines in a pipe, each piece of news once', async () => {
    const stream = new PassThrough()
    const progress = await showProgress({title: 'DaskCluster "demo"', stream: stream as unknown as NodeJS.WriteStream, mode: 'lines'})
    progress.report({name: 'scheduler', state: 'working', detail: 'Pending'})
    progress.report({name: 'scheduler', state: 'working', detail: 'Pending'})
    progress.report({name: 'scheduler', state: 'done', detail: 'ready'})
    progress.close()
    stream.end()
    expect(await text(stream)).toBe('DaskCluster "demo"\n… scheduler: Pending\n✔ scheduler: ready\n')
  })

  it('is nothing at all beside a document', async () => {
    const stream = new PassThrough()
    const progress = await showProgress({title: 'x', stream: stream as unknown as NodeJS.WriteStream, mode: 'quiet'})
    progress.report({name: 'a', state: 'done', detail: ''})
    expect(stream.read()).toBeNull()
  })

  it('is live on a terminal alone', () => {
    const pipe = new PassThrough() as unknown as NodeJS.WriteStream
    expect(modeFor(pipe, false)).toBe('lines')
    expect(modeFor(pipe, true)).toBe('quiet')
  })
})
