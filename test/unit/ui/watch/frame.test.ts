import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {frame} from '../../../../src/ui/watch/frame.ts'
import type {Board} from '../../../../src/ui/watch/model.ts'
import {textOf, widthOf} from '../../../../src/ui/watch/spans.ts'
import {startState, type ViewState} from '../../../../src/ui/watch/state.ts'
import {board, cluster, event, worker} from './cards.ts'

const SMALL = {columns: 80, rows: 24}
const screen = (of: Board, state: ViewState, text: readonly string[] = [], size = SMALL): string =>
  frame(of, state, text, size).map(textOf).join('\n')

const MANY = Array.from({length: 1000}, (_, index) => worker(`demo-default-worker-${String(index).padStart(4, '0')}`))

describe('a frame', () => {
  it('fills the terminal exactly, whatever its size and whatever there is to show', () => {
    const boards = [
      board([]),
      board([cluster('demo', MANY.slice(0, 3))]),
      board([cluster('demo', MANY), cluster('broken', [], {isReady: false, status: 'ImagePullBackOff', message: 'm'.repeat(300)})]),
    ]
    const pages: readonly ViewState['page'][] = [
      {kind: 'overview'},
      {kind: 'cluster', key: 'default/demo'},
      {kind: 'text', source: {kind: 'describe', namespace: 'default', cluster: 'demo'}, back: {kind: 'overview'}, from: 'begin', by: 3},
    ]
    fc.assert(
      fc.property(
        fc.constantFrom(...boards),
        fc.constantFrom(...pages),
        fc.integer({min: 40, max: 250}),
        fc.integer({min: 10, max: 80}),
        fc.array(fc.string({maxLength: 400}), {maxLength: 60}),
        fc.boolean(),
        (of, page, columns, rows, text, isHelp) => {
          const lines = frame(of, {...startState(), page, isHelp}, text, {columns, rows})
          expect(lines).toHaveLength(rows)
          expect(lines.map(widthOf)).toEqual(Array.from({length: rows}, () => columns))
        },
      ),
    )
  })

  it('cuts no header off and no help, however wide the terminal is and the names are', () => {
    const of = board([cluster('demo-with-a-long-name', [worker('demo-default-worker-5d5a56730c')])])
    const opened: ViewState = {...startState(), page: {kind: 'cluster', key: 'default/demo-with-a-long-name'}}
    for (let columns = 80; columns <= 200; columns++) {
      const size = {columns, rows: 24}
      for (const state of [startState(), opened])
        expect(
          screen(of, state, [], size)
            .split('\n')
            .find((line) => /RUN .*(HELD|TASKS)/.test(line)),
        ).not.toMatch(/…|undefined/)
      expect(screen(of, {...startState(), isHelp: true}, [], size)).not.toContain('…')
    }
  })

  it('tells of clusters and jobs on the overview', () => {
    const job = {namespace: 'default', name: 'train', status: 'Running', message: undefined, duration: '4m', age: '5m', exitCode: undefined}
    const shown = screen(board([cluster('demo', [worker('w-1')])], {jobs: [job]}), startState())
    expect(shown).toContain('1 cluster · 1/1 workers · 2 threads · 2 running · 15 waiting · 40 tasks/s')
    expect(shown).toMatch(/ demo +Ready +1\/1 +█+.* 512Mi +2 +15 +40 +▁▃█/)
    expect(shown).toMatch(/ train +Running +4m +5m/)
  })

  it('keeps to its rows where a message has several lines', () => {
    const job = {
      ...{namespace: 'default', name: 'train', status: 'Failed', duration: '4m', age: '5m'},
      exitCode: 7,
      message: 'exited:\nTraceback',
    }
    const shown = screen(board([cluster('demo', [])], {jobs: [job]}), startState(), [], {columns: 120, rows: 24})
    expect(shown.split('\n')).toHaveLength(24)
    expect(shown).toContain('exited: Traceback')
  })

  it('tells the latest events of all clusters, the newest last', () => {
    const old = Array.from({length: 30}, (_, index) => event(`Old${index}`, index))
    const shown = screen(board([cluster('a', [], {events: [event('Newest', 100)]}), cluster('b', [], {events: old})]), startState())
    const told = [...shown.matchAll(/ 5m +(\w+)/g)].map(([, reason]) => reason).filter((reason) => reason !== undefined)
    expect(told.slice(-2)).toEqual(['Old29', 'Newest'])
  })

  it('says why a cluster is not ready', () => {
    const broken = cluster('broken', [], {isReady: false, status: 'ImagePullBackOff', message: 'ImagePullBackOff: no such image'})
    expect(screen(board([cluster('demo', []), broken]), startState())).toContain('broken ImagePullBackOff: no such image')
    expect(screen(board([broken]), startState('default/broken'))).toContain('ImagePullBackOff: no such image')
  })

  it('keeps the chosen one of a thousand workers in sight', () => {
    const shown = screen(board([cluster('demo', MANY)]), {...startState('default/demo'), worker: 'demo-default-worker-0777'})
    expect(shown).toContain('worker-0777')
    expect(shown).not.toContain('worker-0001')
  })

  it('tells what an autoscaler does', () => {
    const autoscaler = {minimum: 0, maximum: 20, target: 35, status: 'TooManyReplicas'}
    const groups = [{name: 'demo-default', wanted: 20, ready: 12, retiring: 1, autoscaler}]
    const shown = screen(board([cluster('demo', [], {groups})]), startState('default/demo'))
    expect(shown).toContain('demo-default 12/20 1 retiring · adapts 0–20, wants 35 TooManyReplicas')
  })

  it('says what to do where there is nothing, and goes back where its cluster has gone', () => {
    expect(screen(board([]), startState())).toContain('"cluster create NAME" makes one')
    expect(screen(board([]), startState('default/demo'))).toContain('No clusters')
  })

  it('wraps long lines of a log and stands at its end', () => {
    const page = {
      kind: 'text',
      source: {kind: 'logs', namespace: 'default', selector: 'x', pod: 'p', what: 'p'},
      back: {kind: 'overview'},
      from: 'end',
      by: 0,
    } as const
    const text = [...Array.from({length: 50}, (_, index) => `line ${index}`), `${'a'.repeat(100)}END`]
    const shown = screen(board([]), {...startState(), page}, text)
    expect(shown).toContain('END')
    expect(shown).not.toContain('line 3 ')
    expect(shown).toContain('(end)')
  })
})
