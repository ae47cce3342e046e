import {OPERATOR} from '../../api/names.ts'
import type {Kind, KubeObject} from '../../api/object.ts'
import type {KubeClient} from '../../kube/client.ts'
import {isNotFound} from '../../kube/errors.ts'
import type {Informer} from '../../kube/informer.ts'
import {isOutdated} from './refusals.ts'
import {rememberYoungest} from './youngest.ts'

/** What an operator made with kopf leaves on its objects: with its finalizer, once it has gone, they could not be deleted any more (contract 1.7). */
const FINALIZER = 'kopf.zalando.org/KopfFinalizerMarker'
const ANNOTATIONS = 'kopf.zalando.org/'

/** Takes what a former operator has left off an object; resolves with nothing where there is none. */
export type TakeOver = (object: KubeObject, signal: AbortSignal) => Promise<void>

/**
 * Once for each object, so that two operators at work do not wrestle for it; and again when it is being deleted, for then nobody puts the
 * finalizer back.
 */
export function createTakeOver(client: KubeClient, kind: Kind, informer: Informer): TakeOver {
  const taken = new Map<string, true>()
  return async (object, signal) => {
    const {uid = '', resourceVersion, finalizers = [], annotations = {}, deletionTimestamp} = object.metadata
    const others = finalizers.filter((each) => each !== FINALIZER)
    const theirs = Object.keys(annotations).filter((name) => name.startsWith(ANNOTATIONS))
    const isHeld = others.length < finalizers.length
    if (deletionTimestamp === undefined ? taken.has(uid) || !(isHeld || theirs.length > 0) : !isHeld) return
    const metadata = {
      uid,
      // Lists are replaced whole: nobody else's finalizer that came meanwhile may be lost.
      ...(resourceVersion !== undefined && {resourceVersion}),
      ...(isHeld && {finalizers: others}),
      ...(theirs.length > 0 && {annotations: Object.fromEntries(theirs.map((name) => [name, null]))}),
    }
    try {
      const after = await client.patch(kind, object.metadata, {metadata}, {type: 'merge', fieldManager: OPERATOR, signal})
      // The last finalizer of a deleted object: with it the object has gone, which its watch tells.
      if (deletionTimestamp === undefined) informer.observe(after)
    } catch (error) {
      // Gone, or changed meanwhile: its watch tells, and it is looked at again.
      if (isNotFound(error) || isOutdated(error)) return
      throw error
    }
    rememberYoungest(taken, uid, true)
  }
}
