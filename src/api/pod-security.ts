/** The admission of Kubernetes that holds the pods of a namespace to one of its pod security standards, and what is told where it refuses them. */

export const VIOLATES_POD_SECURITY = 'ViolatesPodSecurity'

interface Refusal {
  readonly reason: string
  readonly message: string
}

/** A refusal by pod security under a reason of its own, with the remedy behind the server's words; any other one as it is. */
export const namePodSecurity = <T extends Refusal>(refusal: T): T =>
  refusal.message.includes('violates PodSecurity')
    ? {
        ...refusal,
        reason: VIOLATES_POD_SECURITY,
        message: `${refusal.message}; "cluster create" and "job run" with --pod-security restricted make pods that may run in such a namespace`,
      }
    : refusal
