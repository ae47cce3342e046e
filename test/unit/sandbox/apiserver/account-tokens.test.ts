import {expect, it} from 'vitest'
import {makeAccountTokens} from '../../../../src/sandbox/apiserver/account-tokens.ts'

const tokenOf = (answer: ReturnType<ReturnType<typeof makeAccountTokens>['issue']>): string =>
  (answer as unknown as {readonly status: {readonly token: string}}).status.token

it('gives a token out that is known as its account until it expires', () => {
  let now = Date.parse('2026-11-23T12:00:00Z')
  const tokens = makeAccountTokens(() => now)
  const answer = tokens.issue('ns', 'robot', {spec: {expirationSeconds: 600}})
  expect(answer).toMatchObject({kind: 'TokenRequest', status: {expirationTimestamp: '2026-11-23T12:10:00Z'}})
  expect(tokens.userOf(tokenOf(answer))).toMatchObject({name: 'system:serviceaccount:ns:robot'})
  now += 601_000
  expect(tokens.userOf(tokenOf(answer))).toBeUndefined()
})

it('refuses a token for less than ten minutes, as the real server does', () => {
  expect(() => makeAccountTokens().issue('ns', 'robot', {spec: {expirationSeconds: 5}})).toThrow()
})
