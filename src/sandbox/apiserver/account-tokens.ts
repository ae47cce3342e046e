/** Tokens of service accounts (`authentication.k8s.io/v1`, TokenRequest): given out on request, known until they expire or the server ends. */
import {randomBytes} from 'node:crypto'
import {badRequest} from './errors.ts'
import {isObject, type JsonObject, objectAt} from './json.ts'
import {timestamp} from './prepare.ts'
import type {User} from './reviews.ts'

export interface AccountTokens {
  /** Answers a TokenRequest for an account that exists. */
  issue(namespace: string, account: string, body: unknown): JsonObject
  userOf(token: string): User | undefined
}

/** As the real server has it: an hour where nothing is asked for, ten minutes at least. */
const DEFAULT_SECONDS = 3600
const LEAST_SECONDS = 600

export function makeAccountTokens(now: () => number = Date.now): AccountTokens {
  const issued = new Map<string, {readonly user: User; readonly until: number}>()
  return {
    issue: (namespace, account, body) => {
      if (!isObject(body)) throw badRequest('the request has no TokenRequest as its body')
      const spec = objectAt(body, 'spec')
      const {expirationSeconds: seconds = DEFAULT_SECONDS} = spec
      if (typeof seconds !== 'number' || seconds < LEAST_SECONDS)
        throw badRequest(`spec.expirationSeconds of a TokenRequest is at least ${LEAST_SECONDS}`)
      for (const [token, {until}] of issued) if (until < now()) issued.delete(token)
      const token = randomBytes(32).toString('base64url')
      const until = now() + seconds * 1000
      const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated']
      issued.set(token, {user: {name: `system:serviceaccount:${namespace}:${account}`, groups}, until})
      return {
        kind: 'TokenRequest',
        apiVersion: 'authentication.k8s.io/v1',
        metadata: {name: account, namespace, creationTimestamp: timestamp()},
        spec: {...spec, expirationSeconds: seconds},
        status: {token, expirationTimestamp: `${new Date(until).toISOString().slice(0, 19)}Z`},
      }
    },
    userOf: (token) => {
      const found = issued.get(token)
      return found && found.until >= now() ? found.user : undefined
    },
  }
}
