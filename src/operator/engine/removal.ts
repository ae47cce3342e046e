import type {Kind, KubeObject} from '../../api/object.ts'
import {keyOf} from '../../api/ref.ts'
import type {KubeClient} from '../../kube/client.ts'
import {ifMissing, isConflict, isNotFound} from '../../kube/errors.ts'
import type {Informer} from '../../kube/informer.ts'
import {type Limit, mapLimited} from './limit.ts'
import {about, type Log} from './log.ts'
import type {AnyController} from './reconcile.ts'

export interface RemovalOptions {
  readonly client: KubeClient
  readonly informerOf: (kind: Kind) => Informer
  readonly limit: Limit
  readonly log: Log
  readonly signal: AbortSignal
}

/** The garbage collector removes about 20 objects a second; a gone owner's children are removed here, in parallel. */
export interface Removal {
  /** The owner is going or has gone. Never rejects. */
  removeChildren(controller: AnyController, owner: KubeObject): Promise<void>
  /** Children whose owner went while no operator was there to see it. Never rejects. */
  removeOrphans(controller: AnyController): Promise<void>
}

/** How many removed children are remembered: an owner is told as going and as gone, and the cache may show its children until after both. */
const REMEMBERED = 10_000

export function createRemoval({client, informerOf, limit, log, signal}: RemovalOptions): Removal {
  const removed = new Set<string>()

  const remove = async (owner: KubeObject, kind: Kind, child: KubeObject): Promise<void> => {
    const {uid = ''} = child.metadata
    if (signal.aborted || removed.has(uid)) return
    removed.add(uid)
    for (const oldest of removed) {
      if (removed.size <= REMEMBERED) break
      removed.delete(oldest)
    }
    try {
      await client.delete(kind, child.metadata, {uid, propagationPolicy: 'Background', signal})
      log.info(about(owner, owner.metadata), `deleted ${kind.kind} ${child.metadata.name}: its owner has gone`)
    } catch (error) {
      if (isNotFound(error) || isConflict(error) || signal.aborted) return
      removed.delete(uid)
      const words = `${kind.kind} ${child.metadata.name} of the deleted object could not be deleted; the garbage collector removes it`
      log.warn({...about(owner, owner.metadata), error: messageOf(error)}, words)
    }
  }

  const removeChildren = async (controller: AnyController, owner: KubeObject): Promise<void> => {
    // `kubectl delete --cascade=orphan` leaves the children on purpose.
    if (owner.metadata.finalizers?.includes('orphan')) return
    const children = controller.owns.flatMap((kind) =>
      informerOf(kind)
        .ownedBy(owner.metadata.uid ?? '')
        .filter((child) => child.metadata.deletionTimestamp === undefined && isControlledBy(child, owner.metadata.uid))
        .map((child) => ({kind, child})),
    )
    await mapLimited(limit, keyOf(owner.metadata), children, ({kind, child}) => remove(owner, kind, child))
  }

  return {
    removeChildren,
    removeOrphans: async (controller) => {
      for (const owner of lostOwners(controller, informerOf)) {
        try {
          // One cache may be ahead of another: the API server itself is asked.
          const now = await client.get(controller.kind, owner.metadata, {signal}).catch(ifMissing(undefined))
          if (now?.metadata.uid !== owner.metadata.uid) await removeChildren(controller, owner)
        } catch (error) {
          if (!signal.aborted)
            log.warn({...about(owner, owner.metadata), error: messageOf(error)}, 'children without an owner were not looked for')
        }
      }
    },
  }
}

/** Owners that children name and that the cache does not know, as far as their children tell of them. */
const lostOwners = ({kind: ownerKind, owns}: AnyController, informerOf: (kind: Kind) => Informer): readonly KubeObject[] => {
  const lost = new Map<string, KubeObject>()
  for (const child of owns.flatMap((kind) => informerOf(kind).list())) {
    const reference = child.metadata.ownerReferences?.find(({controller}) => controller)
    if (reference?.kind !== ownerKind.kind || reference.apiVersion !== ownerKind.apiVersion) continue
    const {apiVersion, kind, name, uid} = reference
    const {namespace} = child.metadata
    const ref = {name, ...(namespace !== undefined && {namespace})}
    if (informerOf(ownerKind).get(ref)?.metadata.uid !== uid) lost.set(uid, {apiVersion, kind, metadata: {...ref, uid}})
  }
  return [...lost.values()]
}

const isControlledBy = (child: KubeObject, uid: string | undefined): boolean =>
  child.metadata.ownerReferences?.some((reference) => reference.controller && reference.uid === uid) ?? false

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
