import {readFile} from 'node:fs/promises'
import {text} from 'node:stream/consumers'
import type {Kind, KubeObject} from '../api/object.ts'
import {UserError, usageError} from './user-error.ts'

/** The one object of a kind in a YAML or JSON file (`-` is standard input), with nothing changed but its namespace where it names none. */
export async function readManifest<T extends KubeObject>(file: string, kind: Kind<T>, namespace: string | undefined): Promise<T> {
  const content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8').catch(refuse(file))
  const documents = (await parse(content, file)).filter((document) => document !== null && document !== undefined)
  const [found, ...others] = documents.filter((document): document is T => isOf(document, kind))
  if (!found) throw new UserError(`${nameOf(file)} holds no ${kind.kind} of ${kind.apiVersion}`)
  if (others.length > 0 || documents.length > 1)
    throw new UserError(`${nameOf(file)} holds more than one object`, {next: [`"kubectl apply -f ${file}" takes them all`]})
  if (typeof found.metadata?.name !== 'string' || found.metadata.name === '')
    throw new UserError(`the ${kind.kind} in ${nameOf(file)} has no name`)
  const place = found.metadata.namespace ?? namespace
  return {...found, metadata: {...found.metadata, ...(place !== undefined && {namespace: place})}}
}

const nameOf = (file: string): string => (file === '-' ? 'standard input' : `"${file}"`)

const refuse =
  (file: string) =>
  (error: NodeJS.ErrnoException): never => {
    throw error.code === 'ENOENT' ? usageError(`there is no file "${file}"`) : new UserError(`"${file}" cannot be read: ${error.message}`)
  }

const parse = async (content: string, file: string): Promise<readonly unknown[]> => {
  const {parseAllDocuments} = await import('./yaml.ts')
  const documents = [...parseAllDocuments(content)]
  const [error] = documents.flatMap((document) => document.errors)
  if (error) throw new UserError(`${nameOf(file)} is no valid YAML: ${error.message.split('\n')[0]?.replace(/:$/, '')}`)
  return documents.map((document): unknown => document.toJS())
}

const isOf = (document: unknown, kind: Kind): boolean =>
  typeof document === 'object' &&
  document !== null &&
  'kind' in document &&
  document.kind === kind.kind &&
  'apiVersion' in document &&
  document.apiVersion === kind.apiVersion
