/** Subresources that are requests of their own kind: scale, binding, eviction. */
import {deleteOptions, remove} from './delete.ts'
import {badRequest, conflict, notFound} from './errors.ts'
import {checkEviction} from './eviction.ts'
import {type ApiObject, isObject, type JsonObject, objectAt, valueAt, withValueAt} from './json.ts'
import {selectorText} from './label-selector.ts'
import {mergePatch} from './patch/merge-patch.ts'
import {timestamp} from './prepare.ts'
import type {Ground, ScalePaths} from './resources.ts'
import {existing, type Target, update, type WriteOptions, type Written} from './write.ts'

const pathOf = (jsonPath: string): string => jsonPath.replace(/^\./, '')

/** `autoscaling/v1` Scale of a custom resource (apiextensions-apiserver: registry/customresource/etcd.go). */
export function scaleOf(ground: Ground, target: Target): JsonObject {
  return asScale(existing(ground, target), pathsOf(target))
}

const pathsOf = ({resource, name}: Target): ScalePaths => {
  if (!resource.scale) throw notFound(resource, name)
  return resource.scale
}

const asScale = (object: ApiObject, scale: ScalePaths): JsonObject => {
  const {name, namespace, uid, resourceVersion, creationTimestamp} = object.metadata
  const number = (path: string): number => Number(valueAt(object, pathOf(path)) ?? 0)
  const found = scale.labelSelectorPath && valueAt(object, pathOf(scale.labelSelectorPath))
  // Custom resources keep it as text, built-in kinds as the selector itself.
  const selector = isObject(found) ? selectorText(found) : found
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {name, ...(namespace !== undefined && {namespace}), uid, resourceVersion, creationTimestamp},
    spec: {replicas: number(scale.specReplicasPath)},
    status: {replicas: number(scale.statusReplicasPath), ...(typeof selector === 'string' && selector !== '' && {selector})},
  }
}

/** PUT and merge patch of the Scale: writes the replicas into the object's own field. */
export function writeScale(ground: Ground, target: Target, body: unknown, isPatch: boolean, options: WriteOptions): Written {
  const scale = pathsOf(target)
  const written = update(
    ground,
    target,
    (old) => {
      const wanted = isPatch ? mergePatch(asScale(old, scale), body) : body
      if (!isObject(wanted)) throw badRequest('the request has no Scale as its body')
      const {replicas = 0} = objectAt(wanted, 'spec')
      if (typeof replicas !== 'number' || !Number.isInteger(replicas)) throw badRequest('spec.replicas of a Scale is a whole number')
      const {resourceVersion, uid} = objectAt(wanted, 'metadata')
      const changed = withValueAt(old, pathOf(scale.specReplicasPath).split('.'), replicas)
      return {
        ...changed,
        metadata: {...old.metadata, ...(resourceVersion !== undefined && {resourceVersion}), ...(uid !== undefined && {uid})},
      }
    },
    {...options, subresource: 'scale'},
  )
  return {...written, object: asScale(written.object, scale) as ApiObject}
}

/** The scheduler's word: the pod belongs to this node from now on (k8s.io/kubernetes: registry/core/pod/storage). */
export function bind(ground: Ground, target: Target, body: unknown): void {
  const pod = existing(ground, target)
  const node = objectAt(body, 'target')['name']
  if (typeof node !== 'string' || node === '') throw badRequest('a Binding names its node in target.name')
  const assigned = valueAt(pod, 'spec.nodeName')
  const binding = {...target.resource, plural: 'pods/binding'}
  if (assigned) throw conflict(binding, target.name, `pod ${target.name} is already assigned to node "${assigned}"`)
  if (pod.metadata.deletionTimestamp)
    throw conflict(binding, target.name, `pod ${target.name} is being deleted, cannot be assigned to a host`)
  const status = objectAt(pod, 'status')
  const conditions = (Array.isArray(status['conditions']) ? status['conditions'] : []).filter((each) => each?.type !== 'PodScheduled')
  const scheduled = {type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: timestamp()}
  const {annotations} = objectAt(body, 'metadata')
  ground.store.put(target.resource.storage, {
    ...pod,
    metadata: isObject(annotations)
      ? {...pod.metadata, annotations: {...pod.metadata.annotations, ...(annotations as Record<string, string>)}}
      : pod.metadata,
    spec: {...objectAt(pod, 'spec'), nodeName: node},
    status: {...status, conditions: [...conditions, scheduled]},
  })
}

/** Deletion as a drain asks for it, where no disruption budget stands against it. */
export function evict(ground: Ground, target: Target, body: unknown, query: URLSearchParams): void {
  const {resource, namespace, name} = target
  if (objectAt(body, 'metadata')['name'] !== name) throw badRequest('name in URL does not match name in Eviction object')
  const options = deleteOptions(objectAt(body, 'deleteOptions'), query)
  checkEviction(ground, existing(ground, target))
  remove(ground, resource, namespace, name, options)
}
