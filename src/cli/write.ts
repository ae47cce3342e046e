import type {Kind, KubeObject} from '../api/object.ts'
import type {KubeClient} from '../kube/client.ts'
import {KubeError} from '../kube/errors.ts'
import {answer, formatDocument, qualifiedName, warn} from './output.ts'
import {Exit} from './user-error.ts'

/** Who we are in `metadata.managedFields`. */
export const FIELD_MANAGER = 'kubectl-dask'

export interface CreateCall<T extends KubeObject> {
  readonly client: KubeClient
  readonly kind: Kind<T>
  readonly object: T
  readonly dryRun: boolean
  readonly signal: AbortSignal
}

/**
 * Makes an object that must not exist yet; rejects with the server's 409 where it does, so that nobody's object is written over.
 * Misspelt fields are refused by the server (`fieldValidation=Strict`); what it only warns of is told.
 */
export const createObject = async <T extends KubeObject>({client, kind, object, dryRun, signal}: CreateCall<T>): Promise<T> => {
  const made = await client.create(kind, object, {dryRun, fieldManager: FIELD_MANAGER, fieldValidation: 'Strict', onWarning: warn, signal})
  return {...made, apiVersion: kind.apiVersion, kind: kind.kind}
}

/** One object as the answer: a document, its name, or a sentence as kubectl says it. */
export async function answerObject(object: KubeObject, format: string | undefined, done: string): Promise<void> {
  if (format === 'json' || format === 'yaml') return answer(await formatDocument(object, format))
  answer(format === 'name' ? `${qualifiedName(object)}\n` : `${qualifiedName(object)} ${done}\n`)
}

/** Several objects as one answer: one list where a document was asked for. */
export async function answerObjects(objects: readonly KubeObject[], format: string | undefined, done: string): Promise<void> {
  if (objects.length > 1 && (format === 'json' || format === 'yaml'))
    return answer(await formatDocument({apiVersion: 'v1', kind: 'List', items: objects}, format))
  for (const object of objects) await answerObject(object, format, done)
}

export interface Turns<T, Made> {
  readonly make: (each: T) => Promise<Made>
  readonly tellMade: (made: readonly Made[]) => Promise<void>
  readonly tellRefused: (file: string, error: KubeError) => void
  /** Where one of them was refused. */
  readonly exitCode: number
}

/**
 * Makes several objects one after another. What the server refuses is told with its file, and the others are made all the same, so that half
 * of a set can be completed. What was made is told here where the call does not go on.
 */
export async function makeInTurn<T extends {readonly file?: string | undefined}, Made>(
  wanted: readonly T[],
  {make, tellMade, tellRefused, exitCode}: Turns<T, Made>,
): Promise<readonly Made[]> {
  const made: Made[] = []
  let isRefused = false
  try {
    for (const each of wanted) {
      const one = await make(each).catch((error: unknown) => {
        if (each.file === undefined || !(error instanceof KubeError)) throw error
        tellRefused(each.file, error)
        isRefused = true
      })
      if (one) made.push(one)
    }
    if (isRefused) throw new Exit(exitCode)
    return made
  } catch (error) {
    await tellMade(made)
    throw error
  }
}

/** `created`, `created (dry run)`, `created (server dry run)`. */
export const doneText = (verb: string, dryRun: string | undefined): string =>
  dryRun === 'client' ? `${verb} (dry run)` : dryRun === 'server' ? `${verb} (server dry run)` : verb
