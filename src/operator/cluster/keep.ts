import type {DaskCluster} from '../../api/dask.ts'
import {isEqual, mergePatch} from '../../api/json.ts'
import {ANNOTATION_APPLIED_SPEC} from '../../api/names.ts'
import type {Kind, KubeObject} from '../../api/object.ts'
import {isControlledBy} from '../../api/ownership.ts'
import {refOf} from '../../api/ref.ts'
import type {Action} from '../engine/contract.ts'

export interface Specified extends KubeObject {
  readonly spec: object
}

export interface Kept<T extends Specified> {
  readonly kind: Kind<T>
  /** `undefined`: there is to be none. */
  readonly wanted: T | undefined
  readonly live: T | undefined
  /** Nothing may stand in its spec beside what is wanted there; else the server's defaults, and what others have added, stay. */
  readonly isExact?: boolean
}

/**
 * Makes one of the cluster's objects what is wanted, in place, and takes it away when it is not wanted any more; whatever somebody has changed
 * of it is changed back. It tells what it was given last, so that what is taken back goes too. Never touches an object of somebody else.
 */
export function keep<T extends Specified>(cluster: DaskCluster, {kind, wanted, live, isExact = false}: Kept<T>): readonly Action[] {
  const isOurs = live !== undefined && isControlledBy(live, cluster)
  if (isOurs && live.metadata.deletionTimestamp !== undefined) return []
  if (!wanted)
    return isOurs ? [{do: 'delete', kind, ref: refOf(live), uid: live.metadata.uid ?? '', why: 'its spec does not ask for it'}] : []
  const given = givenBy(wanted)
  const told = JSON.stringify(given)
  const annotations = {...wanted.metadata.annotations, [ANNOTATION_APPLIED_SPEC]: told}
  // What belongs to somebody else is met by the creation, whose failure names it.
  if (!isOurs) return [{do: 'create', kind, object: {...wanted, metadata: {...wanted.metadata, annotations}}}]
  const before = parse(live.metadata.annotations?.[ANNOTATION_APPLIED_SPEC])
  const isMet = isExact ? isEqual(live.spec, wanted.spec) : holds(live.spec, wanted.spec)
  if (isMet && holds(live.metadata, {labels: given.labels, annotations})) return []
  const metadata = {labels: changed(before.labels, given.labels), annotations: changed(before.annotations, annotations)}
  const spec = isExact ? mergePatch(live.spec, wanted.spec) : changed(before.spec, wanted.spec)
  const patch = {metadata, ...(spec !== undefined && {spec})}
  return [{do: 'patch', kind, ref: refOf(live), uid: live.metadata.uid ?? '', patch}]
}

interface Given {
  readonly labels?: object
  readonly annotations?: object
  readonly spec?: object
}

const givenBy = ({metadata: {labels = {}, annotations = {}}, spec}: Specified): Required<Given> => ({labels, annotations, spec})

/** The merge patch of a mapping: what is wanted, and an end to what was there before. */
const changed = (before: object = {}, wanted: object): object => ({
  ...Object.fromEntries(Object.keys(before).map((key) => [key, null])),
  ...wanted,
})

/** Whether all that is wanted is there; what stands beside it in a mapping does not count. The API server drops most of what is empty. */
export const holds = (live: unknown, wanted: unknown): boolean => {
  if (typeof wanted !== 'object' || wanted === null) return live === wanted
  if (live === undefined) return Object.keys(wanted).length === 0
  if (typeof live !== 'object' || live === null) return false
  if (Array.isArray(wanted))
    return Array.isArray(live) && live.length === wanted.length && wanted.every((each, at) => holds(live[at], each))
  return Object.entries(wanted).every(([key, value]) => holds((live as Readonly<Record<string, unknown>>)[key], value))
}

const parse = (text: string | undefined): Given => {
  try {
    return text === undefined ? {} : (JSON.parse(text) as Given)
  } catch {
    // Somebody else has written there; what it was given before is then not known.
    return {}
  }
}
