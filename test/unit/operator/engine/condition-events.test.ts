import {expect, it} from 'vitest'
import type {Condition} from '../../../../src/api/object.ts'
import {eventsOf} from '../../../../src/operator/engine/condition-events.ts'
import type {Notable} from '../../../../src/operator/engine/contract.ts'

const condition = (type: string, status: Condition['status'], reason: string, message = ''): Condition => ({
  ...{type, status, reason, message},
  lastTransitionTime: '2026-11-24T10:00:00Z',
})
const status = (...conditions: readonly Condition[]) => ({conditions})
const NOTABLES: readonly Notable[] = [
  {of: 'Degraded', status: 'True', type: 'Warning'},
  {of: 'Ready', status: 'False', reasons: ['Lost'], type: 'Warning'},
]
const BAD = status(condition('Degraded', 'True', 'ImagePullBackOff', 'no such image'))

it('a notable condition is told when it comes, with its reason and words', () => {
  const told = [{do: 'tell', type: 'Warning', reason: 'ImagePullBackOff', message: 'no such image'}]
  expect(eventsOf(NOTABLES, undefined, BAD)).toEqual(told)
  expect(eventsOf(NOTABLES, status(condition('Degraded', 'False', 'AsExpected')), BAD)).toEqual(told)
  expect(eventsOf(NOTABLES, status(condition('Degraded', 'True', 'Unschedulable')), BAD)).toEqual(told)
})

it('nothing is told of one that stays, whatever its words, of one that goes, and of others', () => {
  expect(eventsOf(NOTABLES, BAD, status(condition('Degraded', 'True', 'ImagePullBackOff', 'other words')))).toEqual([])
  expect(eventsOf(NOTABLES, BAD, status(condition('Degraded', 'False', 'AsExpected')))).toEqual([])
  expect(eventsOf(NOTABLES, undefined, status(condition('Ready', 'False', 'Starting'), condition('Other', 'True', 'Lost')))).toEqual([])
  expect(eventsOf(NOTABLES, {conditions: null}, undefined)).toEqual([])
})
