import fc from 'fast-check'
import {expect, it} from 'vitest'
import {failureOf, inPlainWords} from '../../../src/kube/failure.ts'
import {statusBody} from './scripted-server.ts'

it('tells status, reason, message and causes of a Status', () => {
  const causes = [{field: 'spec.replicas', message: 'must not be negative', reason: 'FieldValueInvalid'}]
  const text = JSON.stringify(statusBody(422, 'Invalid', 'DaskCluster "a" is invalid', {causes}))
  expect(failureOf({status: 422, headers: {}}, text)).toMatchObject({
    status: 422,
    reason: 'Invalid',
    message: 'DaskCluster "a" is invalid',
    causes,
  })
})

it('takes the time to wait from the details, else from the header', () => {
  const inDetails = JSON.stringify(statusBody(429, 'TooManyRequests', 'storage is (re)initializing', {retryAfterSeconds: 1}))
  expect(failureOf({status: 429, headers: {'retry-after': '7'}}, inDetails).retryAfter).toBe(1)
  expect(failureOf({status: 429, headers: {'retry-after': '7'}}, 'slow down').retryAfter).toBe(7)
  expect(failureOf({status: 503, headers: {'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT'}}, '').retryAfter).toBeUndefined()
})

it('gives the first line of a page that is no Status', () => {
  expect(failureOf({status: 502, headers: {}}, 'Bad Gateway\n<hr>')).toMatchObject({status: 502, reason: 'Unknown', message: 'Bad Gateway'})
  expect(failureOf({status: 502, headers: {}}, '').message).toBe('the server answered with HTTP status 502')
})

it('makes a KubeError with words of any body', () => {
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    fc.anything().map((details) => JSON.stringify({kind: 'Status', reason: 'X', details}) ?? ''),
  )
  fc.assert(
    fc.property(body, fc.integer({min: 400, max: 599}), (text, status) => {
      const error = failureOf({status, headers: {}}, text)
      expect(error.status).toBe(status)
      expect(error.message.length).toBeGreaterThan(0)
      expect(Array.isArray(error.causes)).toBe(true)
    }),
  )
})

it('says network errors in plain words, also from inside other errors', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), {code: 'ECONNREFUSED'})
  expect(inPlainWords(refused)).toBe('the connection was refused')
  expect(inPlainWords(new AggregateError([refused]))).toBe('the connection was refused')
  expect(inPlainWords(new TypeError('fetch failed', {cause: refused}))).toBe('the connection was refused')
  expect(inPlainWords(new Error('else'))).toBe('else')
})
