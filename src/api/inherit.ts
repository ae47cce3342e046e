import type {PartMetadata} from './dask.ts'
import type {ObjectMeta} from './object.ts'

/** Annotations of tools (our own among them) about the object that they stand on; on a child they would be lies. */
const NOT_INHERITED = ['kopf.zalando.org', 'kubectl.kubernetes.io', 'kubernetes.dask.org']

/**
 * Labels and annotations of a child: the parent's, over them those that the user gives for this part, over them the reserved labels (contract 2.3).
 * `defaults` are labels that anybody's own word overrides.
 */
export function inherit(
  parent: ObjectMeta,
  part: PartMetadata | undefined,
  reserved: Readonly<Record<string, string>>,
  defaults: Readonly<Record<string, string>> = {},
): {readonly labels: Readonly<Record<string, string>>; readonly annotations?: Readonly<Record<string, string>>} {
  const inherited = Object.entries(parent.annotations ?? {}).filter(([key]) => !NOT_INHERITED.some((prefix) => key.startsWith(prefix)))
  const annotations = {...Object.fromEntries(inherited), ...part?.annotations}
  return {
    labels: {...defaults, ...parent.labels, ...part?.labels, ...reserved},
    ...(Object.keys(annotations).length > 0 && {annotations}),
  }
}
