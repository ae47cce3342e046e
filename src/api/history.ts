import type {PodSpec} from './core.ts'
import type {DaskCluster} from './dask.ts'
import {isEqual} from './json.ts'
import {ANNOTATION_FORMER_TEMPLATES, ANNOTATION_TEMPLATES} from './names.ts'

/**
 * The pod templates that a cluster has and those that it had before, so that a change can be taken back. They stand in two annotations of the
 * default group, as `kubectl apply` keeps what it applied last: that needs no objects and no rights of its own.
 */
export interface Templates {
  readonly scheduler: PodSpec
  readonly worker: PodSpec
}

/** Numbers begin at 1 and only grow: what is gone back to becomes the newest one, as with a Deployment. */
export interface Revision extends Templates {
  readonly revision: number
}

type Annotations = Readonly<Record<string, string>> | undefined

/** All annotations of an object together may take 256 KiB; templates beyond this are not kept. */
const MAX_CHARACTERS = 50_000
const MAX_FORMER_CHARACTERS = 100_000
/** As many as Deployments and StatefulSets keep unless they are told otherwise. */
const MAX_FORMER = 10

export const templatesOf = ({spec}: DaskCluster): Templates => ({scheduler: spec.scheduler.spec, worker: spec.worker.spec})

const isSame = (one: Templates, other: Templates): boolean => isEqual(one.scheduler, other.scheduler) && isEqual(one.worker, other.worker)

/** What the annotations are to become; `undefined` where they say it already. `null` takes one away. */
export function nextHistory(cluster: DaskCluster, annotations: Annotations): Readonly<Record<string, string | null>> | undefined {
  const now = currentOf(annotations)
  const coming = comingOf(cluster, annotations)
  if (now && isSame(now, coming)) return undefined
  const text = textOf(coming)
  // One that was too long to be kept is told once: nothing stands there, and nothing more is to be done.
  if (text === null && annotations?.[ANNOTATION_TEMPLATES] === undefined) return undefined
  // Where the last one was too long, those before it are no step back.
  const former = now ? [...formersOf(annotations), now].filter((each) => !isSame(each, coming)) : []
  const hasNone = former.length === 0 && annotations?.[ANNOTATION_FORMER_TEMPLATES] === undefined
  return {[ANNOTATION_TEMPLATES]: text, ...(!hasNone && {[ANNOTATION_FORMER_TEMPLATES]: formerText(former)})}
}

/** Whether the operator that keeps them has carried the cluster's own ones down to the group yet; `true` where it keeps none. */
export const isHandedDown = (cluster: DaskCluster, annotations: Annotations): boolean => {
  const now = currentOf(annotations)
  return now === undefined || isSame(now, templatesOf(cluster))
}

/** The annotations of a group that has just been made. */
export const firstHistory = (cluster: DaskCluster): Readonly<Record<string, string>> => {
  const text = textOf({revision: 1, ...templatesOf(cluster)})
  return text === null ? {} : {[ANNOTATION_TEMPLATES]: text}
}

/** All that are kept, the oldest first; the last is what the cluster has now, though its operator may not have seen it yet. */
export const revisionsOf = (cluster: DaskCluster, annotations: Annotations): readonly [...Revision[], Revision] => {
  const coming = comingOf(cluster, annotations)
  const now = currentOf(annotations)
  return [...[...formersOf(annotations), ...(now ? [now] : [])].filter((each) => !isSame(each, coming)), coming]
}

/** What the cluster has now, by the number that it has or will have. */
const comingOf = (cluster: DaskCluster, annotations: Annotations): Revision => {
  const templates = templatesOf(cluster)
  const now = currentOf(annotations)
  if (now && isSame(now, templates)) return now
  return {revision: (now ?? formersOf(annotations).at(-1) ?? {revision: 0}).revision + 1, ...templates}
}

const textOf = (revision: Revision): string | null => {
  const text = JSON.stringify(revision)
  return text.length > MAX_CHARACTERS ? null : text
}

/** The newest ones, as many as there is room for; `null` for none. */
const formerText = (former: readonly Revision[]): string | null => {
  const kept = former.slice(-MAX_FORMER)
  const text = JSON.stringify(kept)
  if (text.length > MAX_FORMER_CHARACTERS) return formerText(kept.slice(1))
  return kept.length > 0 ? text : null
}

const currentOf = (annotations: Annotations): Revision | undefined => asRevision(parse(annotations?.[ANNOTATION_TEMPLATES]))

const formersOf = (annotations: Annotations): readonly Revision[] => {
  const former = parse(annotations?.[ANNOTATION_FORMER_TEMPLATES])
  return Array.isArray(former) ? former.flatMap((each) => asRevision(each) ?? []) : []
}

/** Anybody may write an annotation: what is no number with a pair of pod specs is none. */
const asRevision = (value: unknown): Revision | undefined => {
  const {revision, scheduler, worker} = (value ?? {}) as Partial<Revision>
  if (!Number.isSafeInteger(revision) || revision === undefined) return undefined
  return Array.isArray(scheduler?.containers) && Array.isArray(worker?.containers) ? {revision, scheduler, worker} : undefined
}

const parse = (text: string | undefined): unknown => {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
