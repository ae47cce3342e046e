import type {Kind, KubeObject} from '../api/object.ts'
import type {KubeClient} from '../kube/client.ts'
import {answer, formatList, type OutputFormat, tell} from './output.ts'
import {tellSelector} from './selector-failure.ts'
import type {Column} from './table.ts'
import {usageError} from './user-error.ts'

export interface ListCall<T extends KubeObject> {
  readonly client: KubeClient
  readonly kind: Kind<T>
  readonly namespace: string
  readonly names: readonly string[]
  readonly columns: readonly Column<T>[]
  readonly flags: {
    readonly 'all-namespaces'?: boolean
    readonly selector?: string | undefined
    readonly 'field-selector'?: string | undefined
    readonly 'sort-by'?: string | undefined
    readonly output?: string | undefined
    readonly 'no-headers'?: boolean
    readonly 'show-labels'?: boolean
    readonly watch?: boolean
  }
  readonly keep?: (object: T) => boolean
  readonly signal: AbortSignal
}

const isTable = (output: string | undefined): boolean => output === undefined || output === 'wide' || output.startsWith('custom-columns')

const PLAIN = new Set<string | undefined>([undefined, 'json', 'yaml', 'name', 'wide'])

/** Reads the objects that are asked for and prints them; with `--watch` goes on until it is ended. Rejects when a named one does not exist, after the others have been printed. */
export async function printList<T extends KubeObject>(call: ListCall<T>): Promise<void> {
  const {flags, names, namespace} = call
  refuseConflicts(names, flags)
  const allNamespaces = flags['all-namespaces'] === true
  const format = await formatOf(call)
  if (flags.watch) {
    const {watchList} = await import('./watch-list.ts')
    // As kubectl has it: tables go on line by line, documents come one by one.
    if (isTable(flags.output)) return await watchList(call, (objects, isFirst) => format(objects, !isFirst, false))
    return await watchList(call, async (objects) => (await Promise.all(objects.map((object) => format([object], true, true)))).join(''))
  }
  const {found, missing} = await readObjects(call)
  const objects = await sorted(found.filter(call.keep ?? (() => true)), flags['sort-by'])
  if (objects.length === 0 && (flags.output === undefined || flags.output === 'wide'))
    tell(allNamespaces ? 'No resources found' : `No resources found in ${namespace} namespace.`)
  answer(await format(objects, flags['no-headers'] === true, names.length === 1))
  if (missing) throw missing.reason
}

type Format<T> = (objects: readonly T[], noHeaders: boolean, single: boolean) => Promise<string>

/** The rarer formats are loaded where they are asked for. */
const formatOf = async <T extends KubeObject>({columns, flags}: ListCall<T>): Promise<Format<T>> => {
  const allNamespaces = flags['all-namespaces'] === true
  if (PLAIN.has(flags.output)) {
    const format = flags.output as OutputFormat | undefined
    return (objects, noHeaders, single) =>
      formatList(objects, {
        ...{columns: flags['show-labels'] ? [...columns, labelsColumn] : columns, format, allNamespaces, single, now: Date.now()},
        noHeaders: noHeaders || flags['no-headers'] === true,
      })
  }
  const {parseFormat} = await import('./list-format.ts')
  const render = parseFormat(flags.output ?? '')
  return async (objects, noHeaders, single) =>
    render(objects, single ? objects[0] : {apiVersion: 'v1', kind: 'List', items: objects}, noHeaders || flags['no-headers'] === true)
}

/** As kubectl writes them. */
const labelsColumn: Column<KubeObject> = {
  header: 'LABELS',
  value: ({metadata: {labels = {}}}) =>
    Object.keys(labels)
      .toSorted()
      .map((key) => `${key}=${labels[key]}`)
      .join(','),
}

const sorted = async <T extends KubeObject>(objects: readonly T[], path: string | undefined): Promise<readonly T[]> => {
  if (path === undefined) return objects
  const {sortBy} = await import('./list-format.ts')
  return sortBy(objects, path)
}

const refuseConflicts = (names: readonly string[], flags: ListCall<KubeObject>['flags']): void => {
  const selects = ['selector', 'field-selector'].filter((flag) => flags[flag as 'selector'] !== undefined).map((flag) => `--${flag}`)
  if (names.length > 0 && selects.length > 0)
    throw usageError(`names and ${selects.join(', ')} exclude each other`, 'leave one of them out')
  if (names.length > 0 && flags['all-namespaces'])
    throw usageError('names and --all-namespaces exclude each other', 'name the namespace with -n, or leave out the names')
  if (flags['show-labels'] && flags.output !== undefined && flags.output !== 'wide')
    throw usageError(`--show-labels is for tables, and not for -o ${flags.output.replace(/=.*/s, '')}`, 'leave one of them out')
  if (!flags.watch) return
  if (names.length > 1) throw usageError('--watch follows one object or all, and not several names')
  if (flags['sort-by'] !== undefined) throw usageError('--watch and --sort-by exclude each other')
}

export interface Read<T> {
  readonly found: readonly T[]
  /** Of those that were named, the first that could not be had. */
  readonly missing: PromiseRejectedResult | undefined
}

/** Rejects where none of them can be had. */
export const readNamed = async <T extends KubeObject>(
  client: KubeClient,
  kind: Kind<T>,
  {namespace, names, signal}: {readonly namespace: string; readonly names: readonly string[]; readonly signal: AbortSignal},
): Promise<Read<T>> => {
  const read = await Promise.allSettled(names.map((name) => client.get(kind, {namespace, name}, {signal})))
  const found = read.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const missing = read.find((each) => each.status === 'rejected')
  if (missing && found.length === 0) throw missing.reason
  return {found, missing}
}

const readObjects = async <T extends KubeObject>({client, kind, namespace, names, flags, signal}: ListCall<T>): Promise<Read<T>> => {
  if (names.length > 0) return await readNamed(client, kind, {namespace, names, signal})
  const scope = {
    signal,
    ...(flags['all-namespaces'] !== true && {namespace}),
    ...(flags.selector !== undefined && {labelSelector: flags.selector}),
    ...(flags['field-selector'] !== undefined && {fieldSelector: flags['field-selector']}),
  }
  const list = await client.list(kind, scope).catch(tellSelector(flags))
  return {found: list.items, missing: undefined}
}
