import {SERVICES, type Service, type ServicePort, type ServiceSpec} from '../../api/core.ts'
import type {DaskCluster} from '../../api/dask.ts'
import {isEqual, mergePatch} from '../../api/json.ts'
import {ANNOTATION_APPLIED_SPEC} from '../../api/names.ts'
import {partMetadataPatch} from '../../api/part-metadata.ts'
import {refOf} from '../../api/ref.ts'
import type {Patch} from '../engine/contract.ts'
import {holds} from './keep.ts'
import {serviceMetadata} from './parts.ts'

/**
 * Brings the service of the spec onto the Service that is there, in place: what the API server has given it (addresses, node ports)
 * stays, and what the spec has no longer goes, by what it was given last. Where it leads is put back whoever has changed it.
 */
export function followService(cluster: DaskCluster, live: Service): readonly Patch[] {
  const {metadata, service} = cluster.spec.scheduler
  const told = live.metadata.annotations?.[ANNOTATION_APPLIED_SPEC]
  // A service that does not tell was made by somebody else for this cluster: what of it is no longer in the spec is not known.
  const before = parse(told)
  const spec = {...(before !== undefined && (mergePatch(before, service) as object | undefined)), ...strayed(live.spec, service)}
  const part = partMetadataPatch(live.metadata, serviceMetadata(cluster), metadata)
  if (Object.keys(spec).length === 0 && !part && before !== undefined) return []
  return [
    {
      do: 'patch',
      kind: SERVICES,
      ref: refOf(live),
      uid: live.metadata.uid ?? '',
      patch: {
        metadata: {
          ...(part && {labels: part.labels}),
          annotations: {...part?.annotations, [ANNOTATION_APPLIED_SPEC]: JSON.stringify(service)},
        },
        ...(Object.keys(spec).length > 0 && {spec}),
      },
    },
  ]
}

/**
 * What leads to the scheduler, where it is not as the spec says. All else belongs to the server, which drops and fills in fields by the type
 * and its own version, and to load balancers: compared as a whole, it might never be the same.
 */
const strayed = (live: ServiceSpec, {type, selector, ports}: ServiceSpec): object => ({
  ...(type && live.type !== type && {type}),
  ...(selector && !isEqual(live.selector ?? {}, selector) && {selector: mergePatch(live.selector ?? {}, selector)}),
  ...(ports && !holds(live.ports, ports.map(asStored)) && {ports}),
})

/** A port as the server stores it, without what it chooses itself. */
const asStored = (port: ServicePort): object =>
  Object.fromEntries(Object.entries({protocol: 'TCP', targetPort: port.port, ...port}).filter(([, value]) => value !== '' && value !== 0))

const parse = (text: string | undefined): unknown => {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
