import {SERVICES, type Service} from '../../api/core.ts'
import type {DaskCluster} from '../../api/dask.ts'
import {isEqual, mergePatch} from '../../api/json.ts'
import {ANNOTATION_APPLIED_SPEC} from '../../api/names.ts'
import {partMetadataPatch} from '../../api/part-metadata.ts'
import type {Patch} from '../engine/contract.ts'
import {serviceMetadata} from './parts.ts'

/**
 * Brings a changed service of the spec onto the Service that is there, in place: what the API server has given it (addresses, node ports)
 * stays, and what the spec has no longer goes, by what it was given last.
 */
export function followService(cluster: DaskCluster, live: Service): readonly Patch[] {
  const {metadata, service} = cluster.spec.scheduler
  const told = live.metadata.annotations?.[ANNOTATION_APPLIED_SPEC]
  const before = parse(told)
  const spec = before === undefined || isEqual(before, service) ? undefined : mergePatch(before, service)
  const part = partMetadataPatch(live.metadata, serviceMetadata(cluster), metadata)
  if (spec === undefined && part === undefined && before !== undefined) return []
  const {annotations, ...others} = (part ?? {}) as {readonly annotations?: object}
  return [
    {
      do: 'patch',
      kind: SERVICES,
      ref: {name: live.metadata.name, ...(live.metadata.namespace !== undefined && {namespace: live.metadata.namespace})},
      uid: live.metadata.uid ?? '',
      patch: {
        metadata: {...others, annotations: {...annotations, [ANNOTATION_APPLIED_SPEC]: JSON.stringify(service)}},
        // A service that does not tell was made by somebody else for this cluster: it is only told from now on.
        ...(spec !== undefined && {spec}),
      },
    },
  ]
}

const parse = (text: string | undefined): unknown => {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
