import type {PodSpec} from './core.ts'
import type {DaskCluster} from './dask.ts'
import {isEqual} from './json.ts'
import {ANNOTATION_FORMER_TEMPLATES, ANNOTATION_TEMPLATES} from './names.ts'

/**
 * The pod templates that a cluster had before its last change, so that the change can be taken back. They stand in two annotations of the
 * default group, as `kubectl apply` keeps what it applied last: one step back needs no objects of its own.
 */
export interface Templates {
  readonly scheduler: PodSpec
  readonly worker: PodSpec
}

type Annotations = Readonly<Record<string, string>> | undefined

/** All annotations of an object together may take 256 KiB; a template beyond this is not kept. */
const MAX_CHARACTERS = 50_000

export const templatesOf = ({spec}: DaskCluster): Templates => ({scheduler: spec.scheduler.spec, worker: spec.worker.spec})

/** What the annotations are to become; `undefined` where they say it already. `null` takes one away. */
export function nextHistory(cluster: DaskCluster, annotations: Annotations): Readonly<Record<string, string | null>> | undefined {
  const text = textOf(cluster)
  const before = annotations?.[ANNOTATION_TEMPLATES]
  if (before === text || (before !== undefined && isEqual(parse(before), templatesOf(cluster)))) return undefined
  // One that was too long to be kept is told once: nothing stands there, and nothing more is to be done.
  if (text === null && before === undefined) return undefined
  const hasNone = before === undefined && annotations?.[ANNOTATION_FORMER_TEMPLATES] === undefined
  return {[ANNOTATION_TEMPLATES]: text, ...(!hasNone && {[ANNOTATION_FORMER_TEMPLATES]: before ?? null})}
}

/** Whether the operator that keeps them has carried the cluster's own ones down to the group yet; `true` where it keeps none. */
export const isHandedDown = (cluster: DaskCluster, annotations: Annotations): boolean => {
  const kept = parse(annotations?.[ANNOTATION_TEMPLATES])
  return kept === undefined || isEqual(kept, templatesOf(cluster))
}

/** The annotations of a group that has just been made. */
export const firstHistory = (cluster: DaskCluster): Readonly<Record<string, string>> => {
  const text = textOf(cluster)
  return text === null ? {} : {[ANNOTATION_TEMPLATES]: text}
}

/**
 * The templates that a change of the cluster replaced last; `undefined` where none are kept. A change that its operator has not seen yet
 * counts too.
 */
export const formerTemplates = (cluster: DaskCluster, annotations: Annotations): Templates | undefined =>
  [annotations?.[ANNOTATION_TEMPLATES], annotations?.[ANNOTATION_FORMER_TEMPLATES]]
    .map(parse)
    .find((templates) => templates !== undefined && !isEqual(templates, templatesOf(cluster)))

const textOf = (cluster: DaskCluster): string | null => {
  const text = JSON.stringify(templatesOf(cluster))
  return text.length > MAX_CHARACTERS ? null : text
}

/** Anybody may write an annotation: what is no pair of pod specs is none. */
const parse = (text: string | undefined): Templates | undefined => {
  if (text === undefined) return undefined
  try {
    const {scheduler, worker} = JSON.parse(text) as Partial<Templates>
    return Array.isArray(scheduler?.containers) && Array.isArray(worker?.containers) ? {scheduler, worker} : undefined
  } catch {
    return undefined
  }
}
