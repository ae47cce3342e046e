import {expect, it} from 'vitest'
import type {Condition} from '../../../../src/api/object.ts'
import {withConditionTimes} from '../../../../src/operator/engine/conditions.ts'

const condition = (type: string, status: Condition['status'], lastTransitionTime: string, message = ''): Condition => ({
  type,
  status,
  reason: 'Because',
  message,
  lastTransitionTime,
})

it('moves the time of a condition only when its status changes', () => {
  const before = {conditions: [condition('Ready', 'False', '10:00'), condition('Degraded', 'False', '10:00')]}
  const wanted = {phase: 'Running', conditions: [condition('Ready', 'True', '11:00'), condition('Degraded', 'False', '11:00', 'new words')]}
  expect(withConditionTimes(before, wanted)).toEqual({
    phase: 'Running',
    conditions: [condition('Ready', 'True', '11:00'), condition('Degraded', 'False', '10:00', 'new words')],
  })
})

it('takes a status that has no conditions, or had none, as it is', () => {
  expect(withConditionTimes(undefined, {phase: 'Created'})).toEqual({phase: 'Created'})
  expect(withConditionTimes({conditions: null}, {conditions: [condition('Ready', 'True', '11:00')]})).toEqual({
    conditions: [condition('Ready', 'True', '11:00')],
  })
})
