import {OPERATOR} from '../../api/names.ts'
import type {Kind, KubeObject, OwnerReference, Ref} from '../../api/object.ts'
import type {KubeClient} from '../../kube/client.ts'
import {isConflict, isNotFound, KubeError} from '../../kube/errors.ts'
import type {Informer} from '../../kube/informer.ts'
import type {Action, Create, Delete, Failure, Patch} from './contract.ts'
import type {TellEvent} from './events.ts'
import type {Expectations} from './expectations.ts'
import type {Limit} from './limit.ts'
import {type Log, logAct} from './log.ts'
import {isInDoubt, isOutdated, isTerminal} from './refusals.ts'

export const FIELD_MANAGER = OPERATOR

export interface Executor {
  readonly client: KubeClient
  readonly informerOf: (kind: Kind) => Informer
  readonly expectations: Expectations
  readonly tell: TellEvent
  /** Knows the object whose plan is carried out. */
  readonly log: Log
  /** Bounds the requests of all keys together, and lets them take turns. */
  readonly limit: Limit
  /** Bounds further those for one kind. */
  readonly limitOf: (kind: Kind) => Limit | undefined
}

/** The first failure of a stage, with the error itself for the backoff. */
export interface Failed extends Failure {
  readonly error: unknown
  /** What has failed. */
  readonly action: {readonly do: string}
}

/** What is refused for good is refused under the next random name as well: actions of one sort share their fate. */
export const sortOf = (action: {readonly do: string}): string => `${action.do} ${'kind' in action ? (action.kind as Kind).plural : ''}`

/** Without what the server has refused for good, and all that would follow it: what comes before, and stands beside it, is still to be done. */
export const stagesWithout = <A extends {readonly do: string}>(
  stages: readonly (readonly A[])[],
  refused: readonly {readonly do: string}[],
): readonly (readonly A[])[] => {
  const sorts = refused.map(sortOf)
  const rest = stages.map((stage) => stage.filter((action) => !sorts.includes(sortOf(action))))
  const at = rest.findIndex((stage, index) => stage.length < (stages[index]?.length ?? 0))
  return at < 0 ? stages : rest.slice(0, at + 1)
}

/** How the carrying out of a plan ended. */
export interface Outcome {
  readonly failure?: Failed
  /** Something was not as the plan thought (another one of its name, a newer version): a new plan is due. */
  readonly isOutdated: boolean
  /** Something was made: the cache shows it, so that another run is due in any case. */
  readonly hasMade: boolean
}

/** What was to be written before the next stage may be acted on was not written, though nothing failed. */
class Outdated extends Error {}

/**
 * Carries out the stages in order, the actions of one stage in parallel. A failure stops the later stages; one that is terminal
 * also keeps the stage's actions of its sort that have not begun from beginning. A patch or deletion for which the object is not what it was
 * stops the later stages too (law 4): they may build on it.
 */
export async function execute<Own extends {readonly do: string}>(
  executor: Executor,
  key: string,
  owner: KubeObject,
  stages: readonly (readonly (Action | Own)[])[],
  act: ((action: Own) => Promise<void>) | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  let failure: Failed | undefined
  let isOutdated = false
  let hasMade = false
  for (const stage of stages) {
    await Promise.all(
      stage.map((action) =>
        within(executor, key, action, async () => {
          if (signal.aborted || (failure?.terminal && sortOf(failure.action) === sortOf(action))) return
          try {
            const started = performance.now()
            await carryOut(executor, key, owner, action, act, signal)
            logAct(executor.log, action, performance.now() - started)
            hasMade ||= action.do === 'create'
          } catch (error) {
            if (error instanceof Outdated) isOutdated = true
            else failure ??= failedWith(error, action)
          }
        }),
      ),
    )
    signal.throwIfAborted()
    if (failure) return {failure, isOutdated, hasMade}
    if (isOutdated) break
  }
  return {isOutdated, hasMade}
}

/** First the place among the requests for its kind, then one among all. */
const within = (executor: Executor, key: string, action: {readonly do: string}, work: () => Promise<void>): Promise<void> => {
  const limit = 'kind' in action ? executor.limitOf(action.kind as Kind) : undefined
  return limit ? limit(key, () => executor.limit(key, work)) : executor.limit(key, work)
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
      return create(executor, key, owner, action as Create, warned, signal)
    case 'patch':
      return patch(executor, key, action as Patch, warned, signal)
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

/** A write; where nobody knows what came of it, the object is read before the next plan (law 3). */
const sent = async <T>({expectations}: Executor, key: string, kind: Kind, ref: Ref, write: Promise<T>): Promise<T> => {
  try {
    return await write
  } catch (error) {
    if (isInDoubt(error)) expectations.doubt(key, kind, refOf(ref))
    throw error
  }
}

const create = async (
  executor: Executor,
  key: string,
  owner: KubeObject,
  {kind, object}: Create,
  onWarning: Warned,
  signal: AbortSignal,
) => {
  const {client, informerOf} = executor
  const options = {fieldManager: FIELD_MANAGER, onWarning, signal}
  try {
    informerOf(kind).observe(await sent(executor, key, kind, object.metadata, client.create(kind, owned(object, owner), options)))
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

const patch = async (executor: Executor, key: string, action: Patch, onWarning: Warned, signal: AbortSignal) => {
  const {kind, ref, uid, resourceVersion, patch: changes} = action
  const {client, informerOf} = executor
  const metadata = {...(changes['metadata'] as object | undefined), uid, ...(resourceVersion !== undefined && {resourceVersion})}
  const options = {type: 'merge', fieldManager: FIELD_MANAGER, onWarning, signal} as const
  try {
    informerOf(kind).observe(await sent(executor, key, kind, ref, client.patch(kind, ref, {...changes, metadata}, options)))
  } catch (error) {
    if (isNotFound(error) || isOutdated(error)) throw new Outdated(undefined, {cause: error})
    throw error
  }
}

const remove = async (executor: Executor, key: string, action: Delete, signal: AbortSignal) => {
  const {client, expectations} = executor
  const {kind, ref, uid, resourceVersion, gracePeriodSeconds} = action
  const options = {
    uid,
    propagationPolicy: 'Background',
    signal,
    ...(resourceVersion !== undefined && {resourceVersion}),
    ...(gracePeriodSeconds !== undefined && {gracePeriodSeconds}),
  } as const
  try {
    await sent(executor, key, kind, ref, client.delete(kind, ref, options))
  } catch (error) {
    if (isOutdated(error)) throw new Outdated(undefined, {cause: error})
    if (!isNotFound(error)) throw error
  }
  expectations.expectGone(key, kind, ref, uid)
}

const refOf = ({namespace, name}: Ref): Ref => ({name, ...(namespace !== undefined && {namespace})})

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

const failedWith = (error: unknown, action: {readonly do: string}): Failed => {
  const message = error instanceof Error ? error.message : String(error)
  const verb = `${action.do[0]?.toUpperCase()}${action.do.slice(1)}`
  const reason = error instanceof NameTaken ? 'NameTaken' : `Failed${verb}`
  return {reason, message, terminal: isTerminal(error), error, action, ...('kind' in action && {kind: action.kind as Kind})}
}
