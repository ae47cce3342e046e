import {isEqual} from '../../api/json.ts'
import type {KubeObject, Ref} from '../../api/object.ts'
import type {Informer} from '../../kube/informer.ts'
import {eventsOf} from './condition-events.ts'
import type {Controller, Reader} from './contract.ts'
import {type Executor, execute, type Failed, sortOf, stagesWithout} from './execute.ts'
import {createTakeOver} from './former-operator.ts'
import {about, outlineOf} from './log.ts'
import type {StatusWriter} from './status.ts'
import {inTime} from './time-limit.ts'

export type AnyController = Controller<KubeObject & {readonly status?: unknown}, unknown, {readonly do: string}>

export interface Reconciler {
  /** One run of one key: observe, plan, act, tell. Resolves with milliseconds after which to look again. */
  run(key: string, signal: AbortSignal): Promise<number | undefined>
  /** Forgets what the API server has refused for good, so that it is tried once more. */
  forgive(): void
}

export interface ReconcilerOptions {
  readonly controller: AnyController
  readonly informer: Informer<KubeObject & {readonly status?: unknown}>
  readonly reader: Reader
  readonly executor: Executor
  readonly statusWriter: StatusWriter
  readonly now: () => number
  /** How long a look at an owner's surroundings may take. */
  readonly lookMs: number
}

const OUTDATED_MS = 1_000

export const refOfKey = (key: string): Ref => {
  const [namespace, name = ''] = key.split('/')
  return {name, ...(namespace ? {namespace} : {})}
}

export function createReconciler({controller, informer, reader, executor, statusWriter, now, lookMs}: ReconcilerOptions): Reconciler {
  /** Law 7: what the server refused for good, until the object's spec or metadata changes; one of each sort, or two would take turns for ever. */
  const refused = new Map<string, {readonly owner: unknown; readonly failures: readonly Failed[]}>()
  const takeOver = createTakeOver(executor.client, controller.kind, informer)
  let runs = 0

  return {
    forgive: () => refused.clear(),
    run: async (key, signal) => {
      const behindMs = await executor.expectations.ready(key, signal)
      if (behindMs > 0) return behindMs

      const found = informer.get(refOfKey(key))
      if (found) await takeOver(found, signal)
      const owner = informer.get(refOfKey(key))
      if (!owner || owner.metadata.deletionTimestamp !== undefined) {
        refused.delete(key)
        return undefined
      }
      const {uid, labels, annotations, resourceVersion} = owner.metadata
      const log = executor.log.child({...about(controller.kind, owner.metadata), run: ++runs})
      const wanted = {uid, spec: (owner as {spec?: unknown}).spec, labels, annotations}
      const before = refused.get(key)
      const known = before && isEqual(before.owner, wanted) ? before.failures : []

      const observe = (limited: AbortSignal): unknown => controller.observe(owner, reader, limited)
      const world = await inTime(
        `${controller.kind.kind} "${owner.metadata.name}" and its surroundings could not be looked at`,
        lookMs,
        signal,
        observe,
      )
      const plan = controller.plan(owner, world, now())
      if (log.isLevelEnabled('trace')) log.trace({resourceVersion, stages: outlineOf(plan.stages), status: plan.status}, 'planned')
      const act = controller.act && ((action: {readonly do: string}) => controller.act?.(owner, action, signal) ?? Promise.resolve())
      const isPlanned = (sort: string): boolean => plan.stages.some((stage) => stage.some((action) => sortOf(action) === sort))
      const standing = known.filter(({action}) => isPlanned(sortOf(action)))
      const stages = stagesWithout(
        plan.stages,
        standing.map(({action}) => action),
      )
      const outcome = await execute({...executor, log}, key, owner, stages, act, signal)
      const failure = outcome.failure ?? standing.at(-1)
      const failures = outcome.failure?.terminal ? [...standing, outcome.failure] : standing
      if (failures.length > 0) refused.set(key, {owner: wanted, failures})
      else refused.delete(key)
      let isOutdated = outcome.isOutdated
      let told: 'same' | 'written' | 'outdated' | number | undefined
      if (plan.status !== undefined && plan.status !== null) {
        const status = failure ? controller.failed(plan.status, failure, now()) : plan.status
        const mayWait = outcome.hasMade && !failure
        told = await statusWriter.write(owner, status as object, {mayWait, isUrgent: failure !== undefined, signal})
        if (told === 'written') for (const event of eventsOf(controller.notables ?? [], owner.status, status)) executor.tell(owner, event)
        isOutdated = told === 'outdated' || isOutdated
      }
      if (failure && !failure.terminal) throw failure.error
      // What has changed under our hands is told by its watch; looked at again in any case.
      const laterMs = typeof told === 'number' ? told : undefined
      const waits = [plan.wakeAfter, laterMs, isOutdated ? OUTDATED_MS : undefined].filter((ms) => ms !== undefined)
      const againMs = waits.length > 0 ? Math.min(...waits) : undefined
      log.debug({status: told, againMs}, 'looked at')
      return againMs
    },
  }
}
