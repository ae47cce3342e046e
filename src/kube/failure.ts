/** From an answer or a network error to the error that callers see. */
import type {RawResponse} from './client.ts'
import {KubeError} from './errors.ts'

interface Status {
  readonly kind?: string
  readonly reason?: string
  readonly message?: string
  readonly code?: number
  readonly details?: {readonly retryAfterSeconds?: number; readonly causes?: KubeError['causes']}
}

/** The server's metav1.Status as an error; an answer that is none (a proxy's page) gives its first line. */
export function failureOf(response: Pick<RawResponse, 'status' | 'headers'>, text: string): KubeError {
  const status = parseStatus(text)
  const header = Number(response.headers['retry-after'])
  const retryAfter = status?.details?.retryAfterSeconds ?? (Number.isFinite(header) && header > 0 ? header : undefined)
  return new KubeError(
    response.status,
    status?.reason || 'Unknown',
    status?.message || text.trim().split('\n')[0]?.slice(0, 300) || `the server answered with HTTP status ${response.status}`,
    {retryAfter, causes: status?.details?.causes ?? []},
  )
}

/** An ERROR event of a watch carries a Status as its object. */
export const failureOfStatus = (status: unknown): KubeError => {
  const {code, reason, message, details} = (status ?? {}) as Status
  return new KubeError(code ?? 500, reason || 'Unknown', message || 'the watch ended with an error', {
    retryAfter: details?.retryAfterSeconds,
  })
}

const parseStatus = (text: string): Status | undefined => {
  try {
    const parsed = JSON.parse(text) as Status | null
    return parsed && typeof parsed === 'object' && parsed.kind === 'Status' ? parsed : undefined
  } catch {
    return undefined
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ENOTFOUND: 'its name does not resolve',
  EAI_AGAIN: 'its name does not resolve right now',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_SOCKET: 'the connection was closed',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed and not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not trusted',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
}

/** The network's own error in words: "the connection was refused" for ECONNREFUSED. */
export function inPlainWords(error: unknown): string {
  const {code, errors, cause} = error as {code?: string; errors?: readonly unknown[]; cause?: unknown}
  const known = code === undefined ? undefined : WORDS[code]
  if (known) return known
  // Several addresses were tried: the first failure speaks for all.
  if (errors?.[0]) return inPlainWords(errors[0])
  if (cause) return inPlainWords(cause)
  return error instanceof Error ? error.message : String(error)
}
