import type {PartMetadata} from './dask.ts'
import {ANNOTATION_PART_METADATA} from './names.ts'
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

type MetadataPatch = Readonly<Record<'labels' | 'annotations', Readonly<Record<string, string | null>>>>

/** The merge patch of `metadata` that brings the object's part metadata up to date; `undefined` when it is. `built`: what a new object would get. */
export function partMetadataPatch(
  {annotations: live}: ObjectMeta,
  built: Pick<ObjectMeta, 'labels' | 'annotations'>,
  part: PartMetadata | undefined,
): MetadataPatch | undefined {
  const before = live?.[ANNOTATION_PART_METADATA]
  const now = told(part)
  if (before === now) return undefined
  const last = parse(before)
  const changes = (key: 'labels' | 'annotations'): Readonly<Record<string, string | null>> =>
    Object.fromEntries(Object.keys({...last[key], ...part?.[key]}).map((name) => [name, built[key]?.[name] ?? null]))
  return {labels: changes('labels'), annotations: {...changes('annotations'), [ANNOTATION_PART_METADATA]: now ?? null}}
}

const parse = (text: string | undefined): PartMetadata => {
  try {
    return text === undefined ? {} : (JSON.parse(text) as PartMetadata)
  } catch {
    // Somebody else has written there; what the part gave before is then not known.
    return {}
  }
}
