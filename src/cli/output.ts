import type {KubeObject} from '../api/object.ts'
import {type Column, renderTable} from './table.ts'

export type OutputFormat = 'json' | 'yaml' | 'name' | 'wide'

/** The answer: what a script reads. */
export const answer = (text: string): void => {
  process.stdout.write(text)
}

/** The story: what a person reads beside the answer. */
export const tell = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

/** As kubectl prints what the API server warns of. */
export const warn = (text: string): void => tell(`Warning: ${text}`)

export interface ListView<T extends KubeObject> {
  readonly columns: readonly Column<T>[]
  readonly format: OutputFormat | undefined
  readonly noHeaders: boolean
  /** Shows the namespace of each. */
  readonly allNamespaces: boolean
  /** One object was asked for by its name: it stands for itself and not in a list. */
  readonly single: boolean
  readonly now: number
}

/** Objects in the format that was asked for; a table where none was. Nothing at all for an empty table. */
export async function formatList<T extends KubeObject>(objects: readonly T[], view: ListView<T>): Promise<string> {
  const {columns, format, noHeaders, allNamespaces, single, now} = view
  if (format === 'json' || format === 'yaml') {
    const [first] = objects
    return formatDocument(
      single && first ? first : {apiVersion: 'v1', kind: 'List', metadata: {resourceVersion: ''}, items: objects},
      format,
    )
  }
  if (format === 'name') return objects.map((object) => `${qualifiedName(object)}\n`).join('')
  if (objects.length === 0) return ''
  const namespace: Column<T> = {header: 'NAMESPACE', value: (object) => object.metadata.namespace ?? ''}
  return renderTable(objects, allNamespaces ? [namespace, ...columns] : columns, {wide: format === 'wide', noHeaders, now})
}

/** One document of JSON or YAML; without `managedFields`, which are longer than the rest and which kubectl leaves out too. */
export async function formatDocument(document: unknown, format: 'json' | 'yaml'): Promise<string> {
  if (format === 'json') return `${JSON.stringify(document, withoutManagedFields, 2)}\n`
  const {toYaml} = await import('./yaml.ts')
  return toYaml(document, withoutManagedFields)
}

/** Objects as one file of YAML that kubectl applies. */
export async function answerManifests(objects: readonly KubeObject[]): Promise<void> {
  for (const object of objects) answer(`---\n${await formatDocument(object, 'yaml')}`)
}

const withoutManagedFields = (key: unknown, value: unknown): unknown =>
  key === 'managedFields' && Array.isArray(value) ? undefined : value

/** `daskcluster.kubernetes.dask.org/demo`, as `kubectl -o name` writes it. */
export const qualifiedName = ({apiVersion, kind, metadata}: KubeObject): string => {
  const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : ''
  return `${kind.toLowerCase()}${group}/${metadata.name}`
}
