/** The API server's own refusal: `status` and `reason` as in metav1.Status, `message` in the server's words. */
export class KubeError extends Error {
  override readonly name = 'KubeError'
  readonly status: number
  readonly reason: string
  /** Seconds that the server asks to wait (`Retry-After` or `details.retryAfterSeconds`). */
  readonly retryAfter: number | undefined
  /** `details` of the Status: causes by field. */
  readonly causes: readonly {readonly field?: string; readonly message?: string; readonly reason?: string}[]

  constructor(
    status: number,
    reason: string,
    message: string,
    extra: {readonly retryAfter?: number | undefined; readonly causes?: KubeError['causes']} = {},
  ) {
    super(message)
    this.status = status
    this.reason = reason
    this.retryAfter = extra.retryAfter
    this.causes = extra.causes ?? []
  }
}

/** A request that was not to be sent any more when its turn came; the server has seen nothing of it. */
export class NotSent extends Error {
  override readonly name = 'NotSent'
}

export const TOO_LATE = 'it is too late to send this request'

/** No answer came: refused, unresolvable, timed out, TLS. `cause` is the network's own error. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
}

/** Nothing was sent: there is nothing to show to the server. `hint`: what the kubeconfig says to do about it. */
export class CredentialError extends ConnectionError {
  readonly hint: string | undefined

  constructor(message: string, {cause, hint}: {readonly cause: unknown; readonly hint?: string}) {
    super(message, {cause})
    this.hint = hint
  }
}

/** The kubeconfig or the flags do not lead anywhere; the message is one sentence with the next step. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

export const isNotFound = (error: unknown): boolean => error instanceof KubeError && error.status === 404
export const isForbidden = (error: unknown): error is KubeError => error instanceof KubeError && error.status === 403
export const isConflict = (error: unknown): boolean => error instanceof KubeError && error.status === 409

/** For `catch`: `instead` where we may not look; every other failure goes on. `told` is handed the server's words. */
export const ifForbidden =
  <T>(instead: T, told: (words: string) => void = () => undefined) =>
  (error: unknown): T => {
    if (!isForbidden(error)) throw error
    told(error.message)
    return instead
  }

/** For `catch`: `instead` where the object is not there; every other failure goes on. */
export const ifMissing =
  <T>(instead: T) =>
  (error: unknown): T => {
    if (isNotFound(error)) return instead
    throw error
  }
