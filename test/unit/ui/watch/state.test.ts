import {describe, expect, it} from 'vitest'
import {type Key, type Reduced, reduce, startState, type ViewState} from '../../../../src/ui/watch/state.ts'
import {board, cluster, worker} from './cards.ts'

const BOARD = board([
  cluster('alpha', [worker('a-1'), worker('a-2', 9), worker('a-3')]),
  cluster('beta', [], {
    groups: [{name: 'beta-default', wanted: 1, ready: 1, retiring: 0, autoscaler: {minimum: 0, maximum: 3, target: 1, status: 'Active'}}],
  }),
])

/** All keys of a text one after another; `>` is enter, `<` escape, `v` and `^` are arrows. */
const press = (keys: string, from: ViewState = startState(), on = BOARD): Reduced => {
  const names: Readonly<Record<string, Key>> = {'>': 'enter', '<': 'escape', v: 'down', '^': 'up', '-': 'backspace'}
  let reduced: Reduced = {state: from}
  for (const char of keys) reduced = reduce(reduced.state, names[char] ?? {char}, on, 10)
  return reduced
}

describe('keys of the live view', () => {
  it.each([
    ['>', {page: {kind: 'cluster', key: 'default/alpha'}}],
    ['v>', {page: {kind: 'cluster', key: 'default/beta'}}],
    ['vvvv^>', {page: {kind: 'cluster', key: 'default/alpha'}}],
    ['v><', {page: {kind: 'overview'}, chosen: 'cluster:default/beta'}],
    ['G', {chosen: 'cluster:default/beta'}],
    ['>vv', {worker: 'a-3'}],
    ['>vvg', {worker: 'a-1'}],
    ['>o', {sort: 'cpu'}],
    ['?', {isHelp: true}],
    ['?x', {isHelp: false}],
    ['s1-25', {prompt: '25'}],
    ['sx7', {prompt: '7'}],
    ['s7<', {prompt: undefined}],
  ])('%s leads to its place', (keys, place) => {
    expect(press(keys).state).toMatchObject(place)
  })

  it('scale a cluster once its number is entered', () => {
    expect(press('s12>')).toMatchObject({state: {prompt: undefined}, effect: {kind: 'scale', replicas: 12, cluster: {name: 'alpha'}}})
    expect(press('s>').effect).toBeUndefined()
  })

  it('do not scale what follows the load', () => {
    const {state, effect} = press('vs5>')
    expect(effect).toBeUndefined()
    expect(press('vs').state).toMatchObject({prompt: undefined, notice: expect.stringContaining('"beta-default" follows the load')})
    expect(state.prompt).toBeUndefined()
  })

  it('open the log of the worker that is chosen in the order that is shown', () => {
    expect(press('>ooo>').state.page).toMatchObject({kind: 'text', source: {kind: 'logs', pod: 'a-2'}})
    expect(press('>L').state.page).toMatchObject({source: {selector: 'dask.org/cluster-name=alpha', pod: undefined}})
  })

  it("open the log of a job's program", () => {
    const job = {namespace: 'default', name: 'train', status: 'Running', message: undefined, duration: '', age: '', exitCode: undefined}
    const on = board([], {jobs: [job]})
    expect(press('>', startState(), on).state.page).toMatchObject({
      source: {selector: 'dask.org/cluster-name=train,dask.org/component=job-runner'},
    })
  })

  it('quit from lists, and go back from texts', () => {
    expect(press('q').effect).toEqual({kind: 'quit'})
    expect(press('>q').effect).toEqual({kind: 'quit'})
    expect(press('>dq')).toMatchObject({state: {page: {kind: 'cluster'}}})
  })

  it('stay where they are on a board without anything', () => {
    expect(press('v^>lds', startState(), board([])).state).toMatchObject({page: {kind: 'overview'}, prompt: undefined})
  })

  it('forget the chosen one that has gone', () => {
    const {state} = press('v')
    expect(reduce(state, 'enter', board([cluster('alpha', [])]), 10).state.page).toEqual({kind: 'cluster', key: 'default/alpha'})
  })
})
