import {describe, expect, it} from 'vitest'
import {humanDuration} from '../../../../src/sandbox/apiserver/table/column.ts'
import {compileJsonPath} from '../../../../src/sandbox/apiserver/table/jsonpath.ts'
import {POD_COLUMNS} from '../../../../src/sandbox/apiserver/table/pod-columns.ts'

const NOW = Date.parse('2026-01-01T01:00:00Z')
const cell = (name: string, pod: object): unknown =>
  POD_COLUMNS.find((column) => column.name === name)?.cell({apiVersion: 'v1', kind: 'Pod', ...pod} as never, NOW)

const podWith = (status: object, extra: {readonly metadata?: object; readonly spec?: object} = {}) => ({
  metadata: {name: 'p', ...extra.metadata},
  spec: {containers: [{name: 'a'}], ...extra.spec},
  status,
})
const container = (state: object, more: object = {}) => ({name: 'a', ready: false, restartCount: 0, image: '', imageID: '', state, ...more})

describe('the status column of pods', () => {
  it.each([
    ['Pending', podWith({phase: 'Pending'})],
    ['ContainerCreating', podWith({phase: 'Pending', containerStatuses: [container({waiting: {reason: 'ContainerCreating'}})]})],
    ['ImagePullBackOff', podWith({phase: 'Pending', containerStatuses: [container({waiting: {reason: 'ImagePullBackOff'}})]})],
    ['Running', podWith({phase: 'Running', containerStatuses: [container({running: {}}, {ready: true})]})],
    ['Error', podWith({phase: 'Failed', containerStatuses: [container({terminated: {exitCode: 1, reason: 'Error'}})]})],
    ['ExitCode:3', podWith({phase: 'Failed', containerStatuses: [container({terminated: {exitCode: 3}})]})],
    ['Signal:9', podWith({phase: 'Failed', containerStatuses: [container({terminated: {exitCode: 137, signal: 9}})]})],
    ['Completed', podWith({phase: 'Succeeded', containerStatuses: [container({terminated: {exitCode: 0, reason: 'Completed'}})]})],
    ['Evicted', podWith({phase: 'Failed', reason: 'Evicted'})],
    ['Terminating', podWith({phase: 'Running'}, {metadata: {deletionTimestamp: '2026-01-01T00:00:00Z'}})],
    ['Init:0/1', podWith({phase: 'Pending', initContainerStatuses: [container({running: {}})]}, {spec: {initContainers: [{name: 'a'}]}})],
    [
      'Init:Error',
      podWith(
        {phase: 'Pending', initContainerStatuses: [container({terminated: {exitCode: 1, reason: 'Error'}})]},
        {spec: {initContainers: [{name: 'a'}]}},
      ),
    ],
  ])('says %s', (told, pod) => {
    expect(cell('Status', pod)).toBe(told)
  })

  it('counts ready containers, and restarts with the time of the last one', () => {
    const lastState = {terminated: {exitCode: 1, finishedAt: '2026-01-01T00:58:00Z'}}
    const statuses = [container({running: {}}, {ready: true, restartCount: 2, lastState})]
    const pod = podWith({phase: 'Running', containerStatuses: statuses}, {spec: {containers: [{name: 'a'}, {name: 'b'}]}})
    expect([cell('Ready', pod), cell('Restarts', pod)]).toEqual(['1/2', '2 (2m ago)'])
  })
})

describe('durations', () => {
  it.each([
    [-5_000, '<invalid>'],
    [0, '0s'],
    [119_000, '119s'],
    [120_000, '2m'],
    [125_000, '2m5s'],
    [3_600_000, '60m'],
    [4 * 3_600_000, '4h'],
    [47 * 3_600_000, '47h'],
    [50 * 3_600_000, '2d2h'],
    [10 * 86_400_000, '10d'],
    [800 * 86_400_000, '2y70d'],
  ])('%i ms is %s', (ms, told) => {
    expect(humanDuration(ms)).toBe(told)
  })
})

describe('JSON paths of printer columns', () => {
  const value = {
    a: {b: [1, 2, 3]},
    'x.y': 'dotted',
    conditions: [
      {type: 'Ready', status: 'True'},
      {type: 'Other', status: 'False'},
    ],
  }
  it.each([
    ['.a.b[0]', [1]],
    ['.a.b[-1]', [3]],
    ['.a.b[*]', [1, 2, 3]],
    ['.x\\.y', ['dotted']],
    ["['x.y']", ['dotted']],
    ['.conditions[?(@.type=="Ready")].status', ['True']],
    ["$.conditions[?(@.type != 'Ready')].status", ['False']],
    ['.nothing.here', []],
  ])('%s leads to %j', (path, found) => {
    expect(compileJsonPath(path)(value)).toEqual(found)
  })

  it.each(['.a[', 'a b', '.a[?(broken'])('%s is refused', (path) => {
    expect(() => compileJsonPath(path)).toThrow('is not understood')
  })
})
