import type {PartMetadata} from './dask.ts'
import {ANNOTATION_PART_METADATA, LABEL_CLUSTER, LABEL_COMPONENT, LABEL_GROUP} from './names.ts'
import type {ObjectMeta} from './object.ts'

/**
 * A part's own labels and annotations follow its spec onto objects that exist, in place; what they are inherited from never does
 * (design section 9). Each object remembers what the part gave it last, so that what the part takes back goes too.
 */

const isEmpty = (part: PartMetadata | undefined): boolean =>
  Object.keys(part?.labels ?? {}).length === 0 && Object.keys(part?.annotations ?? {}).length === 0

const told = (part: PartMetadata | undefined): string | undefined =>
  part === undefined || isEmpty(part) ? undefined : JSON.stringify({labels: sorted(part.labels), annotations: sorted(part.annotations)})

const sorted = (map: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(map).toSorted(([one], [other]) => (one < other ? -1 : 1)))

/** The annotation that goes on an object with the metadata of its part. */
export const partAnnotation = (part: PartMetadata | undefined): Readonly<Record<string, string>> => {
  const text = told(part)
  return text === undefined ? {} : {[ANNOTATION_PART_METADATA]: text}
}

interface MetadataPatch {
  readonly labels: Readonly<Record<string, string | null>>
  readonly annotations?: Readonly<Record<string, string | null>>
}

/**
 * The merge patch of `metadata` that brings the object's part metadata up to date, and puts back the labels by which it is found; `undefined` when
 * all is as it should be. `built`: what a new object would get.
 */
export function partMetadataPatch(
  live: ObjectMeta,
  built: Pick<ObjectMeta, 'labels' | 'annotations'>,
  part: PartMetadata | undefined,
): MetadataPatch | undefined {
  const before = live.annotations?.[ANNOTATION_PART_METADATA]
  const now = told(part)
  const strayed = strayedLabels(live, built, part)
  if (before === now) return strayed && {labels: strayed}
  const last = parse(before)
  const changes = (key: 'labels' | 'annotations'): Readonly<Record<string, string | null>> =>
    Object.fromEntries(Object.keys({...last[key], ...part?.[key]}).map((name) => [name, built[key]?.[name] ?? null]))
  return {labels: {...changes('labels'), ...strayed}, annotations: {...changes('annotations'), [ANNOTATION_PART_METADATA]: now ?? null}}
}

const RESERVED = [LABEL_CLUSTER, LABEL_GROUP, LABEL_COMPONENT]

/**
 * Reserved labels, by which an object is found, and the part's own, as they were before somebody changed them. What was inherited when the object
 * was made is not known any more once its owner's labels have changed.
 */
const strayedLabels = (
  {labels: live}: ObjectMeta,
  {labels: built = {}}: Pick<ObjectMeta, 'labels'>,
  part: PartMetadata | undefined,
): Readonly<Record<string, string>> | undefined => {
  const own = [...RESERVED, ...Object.keys(part?.labels ?? {})]
  const strayed = own.flatMap((name) => {
    const value = built[name]
    return value === undefined || live?.[name] === value ? [] : [[name, value] as const]
  })
  return strayed.length > 0 ? Object.fromEntries(strayed) : undefined
}

const parse = (text: string | undefined): PartMetadata => {
  try {
    return text === undefined ? {} : (JSON.parse(text) as PartMetadata)
  } catch {
    // Somebody else has written there; what the part gave before is then not known.
    return {}
  }
}
