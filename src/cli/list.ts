import type {Kind, KubeObject} from '../api/object.ts'
import type {KubeClient} from '../kube/client.ts'
import {answer, formatList, type OutputFormat, tell} from './output.ts'
import type {Column} from './table.ts'

export interface ListCall<T extends KubeObject> {
  readonly client: KubeClient
  readonly kind: Kind<T>
  readonly namespace: string
  readonly names: readonly string[]
  readonly columns: readonly Column<T>[]
  readonly flags: {
    readonly 'all-namespaces'?: boolean
    readonly selector?: string | undefined
    readonly output?: string | undefined
    readonly 'no-headers'?: boolean
  }
  readonly keep?: (object: T) => boolean
  readonly signal: AbortSignal
}

/** Reads the objects that are asked for and prints them. Rejects when a named one does not exist. */
export async function printList<T extends KubeObject>(call: ListCall<T>): Promise<void> {
  const {columns, flags, names, namespace} = call
  const allNamespaces = flags['all-namespaces'] === true
  const objects = (await readObjects(call, allNamespaces)).filter(call.keep ?? (() => true))
  const format = flags.output as OutputFormat | undefined
  if (objects.length === 0 && (format === undefined || format === 'wide'))
    tell(allNamespaces ? 'No resources found' : `No resources found in ${namespace} namespace.`)
  const view = {columns, format, noHeaders: flags['no-headers'] === true, allNamespaces, single: names.length === 1, now: Date.now()}
  answer(await formatList(objects, view))
}

const readObjects = async <T extends KubeObject>(
  {client, kind, namespace, names, flags, signal}: ListCall<T>,
  allNamespaces: boolean,
): Promise<readonly T[]> => {
  if (names.length > 0) return await Promise.all(names.map((name) => client.get(kind, {namespace, name}, {signal})))
  const options = {signal, ...(!allNamespaces && {namespace}), ...(flags.selector !== undefined && {labelSelector: flags.selector})}
  const list = await client.list(kind, options)
  // Items of a list may come without their kind; a document must name it.
  return list.items.map((item) => ({...item, apiVersion: kind.apiVersion, kind: kind.kind}))
}
