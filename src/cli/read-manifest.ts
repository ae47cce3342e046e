import {readdir, readFile, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'
import type {Kind, KubeObject} from '../api/object.ts'
import {KUBERNETES_YAML} from '../kube/yaml-options.ts'
import {tell} from './output.ts'
import {UserError, usageError} from './user-error.ts'

export interface Manifest<T extends KubeObject> {
  readonly object: T
  readonly file: string
}

export interface ReadOptions {
  /** Of those that name none. */
  readonly namespace: string | undefined
  /** What `-n` says. */
  readonly asked: string | undefined
  /** What is to happen to the objects, as kubectl calls it. */
  readonly verb: 'apply' | 'delete'
}

/**
 * The objects of a kind in a YAML or JSON file (`-` is standard input) or in all such files of a directory, in the order of their names, with
 * nothing changed but their namespace where they name none. Rejects where there is none, where a file that was named alone holds others
 * too (what a directory holds besides is told), and where an object names another namespace than the call.
 */
export async function readManifests<T extends KubeObject>(
  path: string,
  kind: Kind<T>,
  {namespace, asked, verb}: ReadOptions,
): Promise<readonly Manifest<T>[]> {
  const files = await filesOf(path)
  const found = await Promise.all((files ?? [path]).map(async (file) => await readFrom(file, kind, files === undefined ? verb : undefined)))
  const manifests = found.flat().map(({object, file}): Manifest<T> => {
    const place = object.metadata.namespace ?? namespace
    return {object: {...object, metadata: {...object.metadata, ...(place !== undefined && {namespace: place})}}, file}
  })
  const other = manifests.find(({object}) => asked !== undefined && object.metadata.namespace !== asked)
  if (other)
    throw usageError(
      `${kind.kind} "${other.object.metadata.name}" in ${nameOf(other.file)} names the namespace "${other.object.metadata.namespace}", and the call "${asked}"`,
      'leave -n out, or name the same',
    )
  if (manifests.length === 0) throw new UserError(`${nameOf(path)} holds no ${kind.kind} of ${kind.apiVersion}`)
  return manifests
}

/** Manifests of a directory, as kubectl knows them by their names; `undefined` where the path is none. */
const filesOf = async (path: string): Promise<readonly string[] | undefined> => {
  if (path === '-' || !(await stat(path).catch(refuse(path))).isDirectory()) return undefined
  const names = (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name)).toSorted()
  if (names.length === 0) throw new UserError(`directory "${path}" holds no *.yaml, *.yml or *.json`)
  return names.map((name) => join(path, name))
}

/** `verb`: of a file that was named alone. */
const readFrom = async <T extends KubeObject>(
  file: string,
  kind: Kind<T>,
  verb: ReadOptions['verb'] | undefined,
): Promise<readonly Manifest<T>[]> => {
  const content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8').catch(refuse(file))
  const documents = (await parse(content, file)).flatMap(unfolded).filter((document) => document !== null && document !== undefined)
  const [wanted, others] = [
    documents.filter((document): document is T => isOf(document, kind)),
    documents.filter((each) => !isOf(each, kind)),
  ]
  if (wanted.length > 0 && others.length > 0 && verb !== undefined)
    throw new UserError(`${nameOf(file)} holds more than a ${kind.kind}: ${others.map(describe).join(', ')}`, {
      next: [`"kubectl ${verb} -f ${file}" takes them all`],
    })
  if (verb === undefined) for (const other of others) tell(`${nameOf(file)}: ${describe(other)} is left out`)
  for (const {metadata} of wanted)
    if (typeof metadata?.name !== 'string' || metadata.name === '') throw new UserError(`the ${kind.kind} in ${nameOf(file)} has no name`)
  return wanted.map((object) => ({object, file}))
}

/** The objects of a list, as `-o yaml` of several writes it; anything else is itself. */
const unfolded = (document: unknown): readonly unknown[] => {
  const {kind, items} = (document ?? {}) as {readonly kind?: unknown; readonly items?: unknown}
  return kind === 'List' && Array.isArray(items) ? items : [document]
}

const describe = (document: unknown): string => {
  const {kind, metadata} = (typeof document === 'object' ? document : {}) as {
    readonly kind?: unknown
    readonly metadata?: {readonly name?: unknown}
  }
  return typeof kind === 'string' ? `${kind} "${metadata?.name ?? ''}"` : 'something that is no object'
}

/** `"cluster.yaml"`, for a person. */
export const nameOf = (file: string): string => (file === '-' ? 'standard input' : `"${file}"`)

const refuse =
  (file: string) =>
  (error: NodeJS.ErrnoException): never => {
    throw error.code === 'ENOENT' ? usageError(`there is no file "${file}"`) : new UserError(`"${file}" cannot be read: ${error.message}`)
  }

const parse = async (content: string, file: string): Promise<readonly unknown[]> => {
  const {parseAllDocuments} = await import('./yaml.ts')
  const documents = [...parseAllDocuments(content, KUBERNETES_YAML)]
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
