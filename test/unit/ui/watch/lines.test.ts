import {describe, expect, it} from 'vitest'
import {newLines} from '../../../../src/ui/watch/lines.ts'
import {short, sparkline, wrapped} from '../../../../src/ui/watch/spans.ts'
import {board, cluster, worker} from './cards.ts'

describe('lines for a pipe', () => {
  const first = board([cluster('demo', [worker('w')])])
  it('tell everything once', () => {
    expect(newLines(undefined, first)).toEqual([
      'cluster default/demo: Ready, 1/1 workers, memory 512Mi/1Gi, cpu 150%/200%, 2 running, 15 waiting, 40 tasks/s',
    ])
    expect(newLines(first, first)).toEqual([])
  })
  it('tell what has changed or gone', () => {
    const message = 'ImagePullBackOff: no such image'
    const second = board([cluster('demo', [], {status: 'ImagePullBackOff', isReady: false, message, rates: []})])
    expect(newLines(first, second)).toEqual([expect.stringContaining(`ImagePullBackOff, 0/0 workers`)])
    expect(newLines(first, second)[0]).toContain(message)
    expect(newLines(first, board([]))).toEqual(['cluster default/demo: gone'])
  })
})

it('a line for a pipe is one, whatever the message of a job holds', () => {
  const job = {
    ...{namespace: 'default', name: 'train', status: 'Failed', duration: '4m', age: '5m'},
    exitCode: 7,
    message: 'exited:\n  Traceback\nno\n',
  }
  expect(newLines(undefined, board([], {jobs: [job]}))).toEqual(['job default/train: Failed, exit code 7, exited: Traceback no'])
})

describe('lines for a pipe, where the server has gone', () => {
  const first = board([cluster('demo', [worker('w')])])
  const away = board([cluster('demo', [worker('w')])], {trouble: 'no connection'})
  it('tell so once, and when it is back', () => {
    expect(newLines(first, away)).toEqual(['no connection: what is told may be old'])
    expect(newLines(away, away)).toEqual([])
    expect(newLines(away, first)).toEqual(['connected again'])
  })
})

describe('short numbers', () => {
  it.each([
    [0, '0'],
    [9.94, '9.9'],
    [42, '42'],
    [999, '999'],
    [1_000, '1k'],
    [1_234, '1.2k'],
    [34_000, '34k'],
    [999_600, '1M'],
    [5_600_000, '5.6M'],
  ])('%d is %s', (number, text) => {
    expect(short(number)).toBe(text)
  })
})

describe('a sparkline', () => {
  it('is as high as the highest of what it shows, newest last', () => {
    expect(sparkline([100, 0, 5, 10], 3)).toBe('▁▅█')
    expect(sparkline([], 3)).toBe('')
    expect(sparkline([0, 0], 3)).toBe('▁▁')
  })
})

describe('wrapped text', () => {
  it('loses nothing', () => {
    expect(wrapped('a'.repeat(25), 11)).toEqual(['a'.repeat(11), `  ${'a'.repeat(9)}`, `  ${'a'.repeat(5)}`])
    expect(wrapped('short', 11)).toEqual(['short'])
  })
})
