import {KubeError} from '../kube/errors.ts'
import {usageError} from './user-error.ts'

export interface Selectors {
  readonly selector?: string | undefined
  readonly 'field-selector'?: string | undefined
}

/** For `catch` of a list: what the API server calls a bad request is the selector of the call, and is told with its flag. */
export const tellSelector =
  ({selector, 'field-selector': fieldSelector}: Selectors) =>
  (error: unknown): never => {
    if (!(error instanceof KubeError) || error.status !== 400) throw error
    // The server does not say which of two it means, but has words of its own for fields.
    const isField = selector === undefined || /field|can't understand/.test(error.message)
    if (fieldSelector !== undefined && isField)
      throw usageError(`--field-selector: "${fieldSelector}" cannot be used: ${error.message}`, 'write it like metadata.name=demo')
    if (selector !== undefined)
      throw usageError(`--selector: "${selector}" is no selector of labels: ${error.message}`, 'write it like team=ml,tier!=test')
    throw error
  }
