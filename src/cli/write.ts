import type {Kind, KubeObject} from '../api/object.ts'
import type {KubeClient} from '../kube/client.ts'
import {answer, formatDocument, qualifiedName, warn} from './output.ts'

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

/** Makes several objects one after another; where one is refused, those that were made before it are told first. */
export async function makeInTurn<T, Made>(
  wanted: readonly T[],
  make: (each: T) => Promise<Made>,
  tellMade: (made: readonly Made[]) => Promise<void>,
): Promise<readonly Made[]> {
  const made: Made[] = []
  try {
    for (const each of wanted) made.push(await make(each))
    return made
  } catch (error) {
    await tellMade(made)
    throw error
  }
}

/** `created`, `created (dry run)`, `created (server dry run)`. */
export const doneText = (verb: string, dryRun: string | undefined): string =>
  dryRun === 'client' ? `${verb} (dry run)` : dryRun === 'server' ? `${verb} (server dry run)` : verb
