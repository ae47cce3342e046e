/** What an answer of the API server means for what was to be written (law 7). */
import {isConflict, KubeError} from '../../kube/errors.ts'

/** Final until the object changes: validation. Everything else, a quota's 403 too, is tried again. */
export const isTerminal = (error: unknown): boolean => error instanceof KubeError && (error.status === 400 || error.status === 422)

/**
 * The write was made for an object as it is no more: changed, or replaced by another of its name. No error: the watch tells what is there now.
 * A merge patch has no preconditions: to some servers another UID is an attempt to change an immutable field (422).
 */
export const isOutdated = (error: unknown): boolean =>
  isConflict(error) || (error instanceof KubeError && error.status === 422 && error.message.includes('metadata.uid'))

/** No answer came, or one that leaves open whether the write was carried out (500, 504). */
export const isInDoubt = (error: unknown): boolean => !(error instanceof KubeError) || error.status >= 500
