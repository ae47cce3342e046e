import {PODS, type Pod} from '../api/core.ts'
import type {Kind, KubeObject} from '../api/object.ts'
import type {KubeClient} from '../kube/client.ts'
import {ifForbidden, isNotFound} from '../kube/errors.ts'
import {confirm} from './confirm.ts'
import {dryRunOf} from './flags.ts'
import {tell, warn} from './output.ts'
import {readManifests} from './read-manifest.ts'
import {tellSelector} from './selector-failure.ts'
import {UserError, usageError} from './user-error.ts'
import {type Look, openWatch} from './watch.ts'
import {answerObject, doneText} from './write.ts'

export interface DeleteFlags {
  readonly all: boolean
  readonly selector?: string | undefined
  readonly filename?: string | undefined
  readonly namespace?: string | undefined
  readonly yes: boolean
  readonly wait: boolean
  readonly timeout: number
  readonly 'ignore-not-found': boolean
  readonly cascade?: string | undefined
  readonly 'dry-run'?: string | undefined
  readonly output?: string | undefined
}

export interface DeleteCall<T extends KubeObject> {
  readonly client: KubeClient
  readonly kind: Kind<T>
  readonly namespace: string
  readonly names: readonly string[]
  readonly flags: DeleteFlags
  readonly signal: AbortSignal
  /** Label selector of the pods that go with an object, where any do; waiting is over when they are gone too. */
  readonly podsOf?: (object: T) => string
  /** Why an object may not go; a call that names it is refused, one for many leaves it out. */
  readonly keep?: (object: T) => Promise<UserError | undefined>
  /** What has to happen before an object may go, like retiring its workers. */
  readonly before?: (object: T) => Promise<void>
}

/** Throws a usage error unless a call says what to delete in exactly one way. */
export function checkChoice(names: readonly string[], {all, selector, filename}: Pick<DeleteFlags, 'all' | 'selector' | 'filename'>): void {
  const ways = [names.length > 0, all, selector !== undefined, filename !== undefined].filter(Boolean).length
  if (ways !== 1)
    throw usageError(
      ways === 0 ? 'nothing is chosen' : 'names, --all, -l and -f exclude each other',
      'give names, or --all, or -l LABELS, or -f FILE',
    )
}

/** Deletes what a call names itself or by its manifests, which may be of several namespaces. */
export async function deleteChosen<T extends KubeObject>(call: DeleteCall<T>): Promise<void> {
  const {flags, kind, namespace} = call
  if (flags.filename === undefined) return await deleteObjects(call)
  const manifests = await readManifests(flags.filename, kind, {namespace, asked: flags.namespace, verb: 'delete'})
  for (const [place = namespace, these] of Map.groupBy(manifests, ({object}) => object.metadata.namespace))
    await deleteObjects({...call, namespace: place, names: these.map(({object}) => object.metadata.name)})
}

/**
 * Deletes what the call names and, unless told otherwise, waits until it and its pods are gone.
 * Asks first where somebody can answer. Nothing is deleted when one of the names does not exist.
 */
async function deleteObjects<T extends KubeObject>(call: DeleteCall<T>): Promise<void> {
  const {client, kind, namespace, flags, signal, podsOf, before} = call
  const dryRun = dryRunOf(flags)
  const chosen = await readChosen(call)
  const objects = await withoutKept(chosen, call)
  if (objects.length === 0) {
    // As kubectl: who names what may be missing has said so.
    if (chosen.length === 0 && call.names.length === 0) tell(`No resources found in ${namespace} namespace.`)
    return
  }
  if (!flags.yes && dryRun === undefined) await askFirst(objects, namespace, signal)

  const pods = flags.wait && dryRun === undefined && podsOf ? await podUids(call, objects, podsOf) : new Set<string>()
  for (const object of objects) {
    const {name, uid} = object.metadata
    if (dryRun !== 'client') {
      if (dryRun === undefined) await before?.(object)
      await client
        .delete(
          kind,
          {namespace, name},
          {
            propagationPolicy: flags.cascade === 'foreground' ? 'Foreground' : 'Background',
            dryRun: dryRun === 'server',
            signal,
            ...(uid !== undefined && {uid}),
          },
        )
        .catch((error: unknown) => {
          // Somebody else was quicker: what was asked for has happened.
          if (!isNotFound(error)) throw error
        })
    }
    await answerObject(object, flags.output, doneText('deleted', dryRun))
  }
  if (flags.wait && dryRun === undefined) await untilGone(call, objects, pods)
}

const readChosen = async <T extends KubeObject>({client, kind, namespace, names, flags, signal}: DeleteCall<T>): Promise<readonly T[]> => {
  const withKind = (object: T): T => ({...object, apiVersion: kind.apiVersion, kind: kind.kind})
  if (names.length === 0) {
    const scope = {namespace, signal, ...(flags.selector !== undefined && {labelSelector: flags.selector})}
    const list = await client.list(kind, scope).catch(tellSelector(flags))
    return list.items.map(withKind)
  }
  const found = await Promise.all(
    [...new Set(names)].map((name) =>
      client.get(kind, {namespace, name}, {signal}).catch((error: unknown) => {
        if (flags['ignore-not-found'] && isNotFound(error)) return undefined
        throw error
      }),
    ),
  )
  return found.filter((object) => object !== undefined).map(withKind)
}

const withoutKept = async <T extends KubeObject>(objects: readonly T[], {keep, names}: DeleteCall<T>): Promise<readonly T[]> => {
  if (!keep) return objects
  const judged = await Promise.all(objects.map(async (object) => ({object, why: await keep(object)})))
  for (const {why} of judged) {
    if (why && names.length > 0) throw why
    if (why) tell(`left out: ${why.message}`)
  }
  return judged.filter(({why}) => why === undefined).map(({object}) => object)
}

const askFirst = async (objects: readonly KubeObject[], namespace: string, signal: AbortSignal): Promise<void> => {
  const names = objects.map(({kind, metadata}) => `${kind} "${metadata.name}"`).join(', ')
  if (!(await confirm(`Delete ${names} in namespace "${namespace}"?`, signal))) throw new UserError('nothing was deleted')
}

const podUids = async <T extends KubeObject>(
  {client, namespace, signal}: DeleteCall<T>,
  objects: readonly T[],
  podsOf: (object: T) => string,
): Promise<ReadonlySet<string>> => {
  let words: string | undefined
  const unseen = ifForbidden({items: []}, (told) => {
    words = told
  })
  const lists = await Promise.all(
    objects.map((object) => client.list(PODS, {namespace, labelSelector: podsOf(object), signal}).catch(unseen)),
  )
  if (words !== undefined) warn(`whether its pods are gone cannot be seen, and is not waited for: ${words}`)
  return new Set(lists.flatMap(({items}) => items.map(({metadata}) => metadata.uid ?? '')))
}

const untilGone = async <T extends KubeObject>(
  {client, kind, namespace, flags, signal, podsOf}: DeleteCall<T>,
  objects: readonly T[],
  podUidsThen: ReadonlySet<string>,
): Promise<void> => {
  const watch = await openWatch(client, signal)
  try {
    const uids = new Set(objects.map(({metadata}) => metadata.uid))
    const owners = watch.see(kind, {namespace})
    const pods =
      podsOf && podUidsThen.size > 0 ? objects.map((object) => watch.see<Pod>(PODS, {namespace, labelSelector: podsOf(object)})) : []
    const left = (): readonly KubeObject[] => [
      ...owners.list(namespace).filter(({metadata}) => uids.has(metadata.uid)),
      ...pods.flatMap((cache) => cache.list(namespace).filter(({metadata}) => podUidsThen.has(metadata.uid ?? ''))),
    ]
    await watch.until((): Look<true> => (left().length === 0 ? {done: true} : {}), {
      timeoutMs: flags.timeout,
      waitingFor: () => {
        const some = left()
        // Before the first answer nothing is known of any.
        if (some.length === 0)
          return `whether ${objects.map(qualifiedNameOf(kind)).join(', ')} ${objects.length > 1 ? 'are' : 'is'} gone is not known yet`
        return `${some.length} ${some.length > 1 ? 'objects are' : 'object is'} still being deleted: ${some.slice(0, 3).map(qualifiedNameOf(kind)).join(', ')}`
      },
    })
  } finally {
    watch.close()
  }
}

const qualifiedNameOf =
  (kind: Kind) =>
  ({kind: own, metadata}: KubeObject): string =>
    `${own ?? kind.kind} "${metadata.name}"`
