import type {Kind, KubeObject, OwnerReference} from '../../api/object.ts'
import type {KubeClient} from '../../kube/client.ts'
import {isConflict, isNotFound, KubeError} from '../../kube/errors.ts'
import type {Informer} from '../../kube/informer.ts'
import type {Action, Apply, Create, Delete, Failure, Patch} from './contract.ts'
import type {TellEvent} from './events.ts'
import type {Expectations} from './expectations.ts'
import {type Limit, mapLimited} from './limit.ts'

export const FIELD_MANAGER = 'dask-operator'

export interface Executor {
  readonly client: KubeClient
  readonly informerOf: (kind: Kind) => Informer
  readonly expectations: Expectations
  readonly tell: TellEvent
  /** Bounds the requests of all keys together. */
  readonly limit: Limit
}

/** The first failure of a stage, with the error itself for the backoff. */
export interface Failed extends Failure {
  readonly error: unknown
}

/**
 * Carries out the stages in order, the actions of one stage in parallel. A failure stops the later stages; one that is terminal
 * also keeps the stage's actions that have not begun from beginning. Resolves with the failure, if there was one.
 */
export async function execute<Own extends {readonly do: string}>(
  executor: Executor,
  key: string,
  owner: KubeObject,
  stages: readonly (readonly (Action | Own)[])[],
  act: ((action: Own) => Promise<void>) | undefined,
  signal: AbortSignal,
): Promise<Failed | undefined> {
  let failure: Failed | undefined
  for (const stage of stages) {
    await mapLimited(executor.limit, stage, async (action) => {
      if (failure?.terminal || signal.aborted) return
      try {
        await carryOut(executor, key, owner, action, act, signal)
      } catch (error) {
        failure ??= failedWith(error, action.do)
      }
    })
    signal.throwIfAborted()
    if (failure) return failure
  }
  return undefined
}

const carryOut = async <Own extends {readonly do: string}>(
  executor: Executor,
  key: string,
  owner: KubeObject,
  action: Action | Own,
  act: ((action: Own) => Promise<void>) | undefined,
  signal: AbortSignal,
): Promise<void> => {
  const warned = (message: string): void => executor.tell(owner, {do: 'tell', type: 'Warning', reason: 'ServerWarning', message})
  switch (action.do) {
    case 'create':
      return create(executor, owner, action as Create, warned, signal)
    case 'apply':
      return apply(executor, owner, action as Apply, warned, signal)
    case 'patch':
      return patch(executor, action as Patch, warned, signal)
    case 'delete':
      return remove(executor, key, action as Delete, signal)
    case 'tell':
      return executor.tell(owner, action as Extract<Action, {do: 'tell'}>)
    default:
      if (!act) throw new Error(`no controller knows how to ${action.do}`)
      return act(action as Own)
  }
}

type Warned = (message: string) => void

const create = async (
  {client, informerOf}: Executor,
  owner: KubeObject,
  {kind, object}: Create,
  onWarning: Warned,
  signal: AbortSignal,
) => {
  try {
    informerOf(kind).observe(await client.create(kind, owned(object, owner), {fieldManager: FIELD_MANAGER, onWarning, signal}))
  } catch (error) {
    if (!isConflict(error) || !(error instanceof KubeError) || error.reason !== 'AlreadyExists') throw error
    // Ours from an earlier try whose answer was lost, or somebody else's: that one is named.
    const holder = await client.get(kind, object.metadata, {signal})
    informerOf(kind).observe(holder)
    if (holder.metadata.ownerReferences?.some(({uid}) => uid === owner.metadata.uid)) return
    throw new NameTaken(`${kind.kind} "${object.metadata.name}" exists already and belongs to something else`)
  }
}

class NameTaken extends Error {}

const apply = async ({client, informerOf}: Executor, owner: KubeObject, {kind, object}: Apply, onWarning: Warned, signal: AbortSignal) => {
  informerOf(kind).observe(await client.apply(kind, owned(object, owner), {fieldManager: FIELD_MANAGER, force: true, onWarning, signal}))
}

const patch = async (
  {client, informerOf}: Executor,
  {kind, ref, uid, resourceVersion, patch: changes}: Patch,
  onWarning: Warned,
  signal: AbortSignal,
) => {
  const metadata = {...(changes['metadata'] as object | undefined), uid, ...(resourceVersion !== undefined && {resourceVersion})}
  try {
    informerOf(kind).observe(
      await client.patch(kind, ref, {...changes, metadata}, {type: 'merge', fieldManager: FIELD_MANAGER, onWarning, signal}),
    )
  } catch (error) {
    // Gone, or another one of that name by now: the watch will tell, and the next plan is made for what is there.
    if (!isNotFound(error) && !isConflict(error) && !isOtherUid(error)) throw error
  }
}

/** A merge patch has no preconditions: another UID is an attempt to change an immutable field. */
const isOtherUid = (error: unknown): boolean => error instanceof KubeError && error.status === 422 && error.message.includes('metadata.uid')

const remove = async ({client, expectations}: Executor, key: string, action: Delete, signal: AbortSignal) => {
  const {kind, ref, uid, resourceVersion, gracePeriodSeconds} = action
  try {
    await client.delete(kind, ref, {
      uid,
      propagationPolicy: 'Background',
      signal,
      ...(resourceVersion !== undefined && {resourceVersion}),
      ...(gracePeriodSeconds !== undefined && {gracePeriodSeconds}),
    })
  } catch (error) {
    if (isConflict(error)) return
    if (!isNotFound(error)) throw error
  }
  expectations.expectGone(key, kind, ref, uid)
}

/** The object with a controller reference to its owner, unless the builder has set one itself. */
const owned = (object: KubeObject, owner: KubeObject): KubeObject => {
  const references = object.metadata.ownerReferences ?? []
  if (references.some(({controller}) => controller)) return object
  const reference: OwnerReference = {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  }
  return {...object, metadata: {...object.metadata, ownerReferences: [...references, reference]}}
}

/** Law 7: 400 and 422 are final until the object changes; everything else, a quota's 403 too, is tried again. */
const failedWith = (error: unknown, action: string): Failed => {
  const terminal = error instanceof KubeError && (error.status === 400 || error.status === 422)
  const message = error instanceof Error ? error.message : String(error)
  const verb = `${action[0]?.toUpperCase()}${action.slice(1)}`
  return {reason: error instanceof NameTaken ? 'NameTaken' : `Failed${verb}`, message, terminal, error}
}
