/** What goes with its container: the contents of a namespace, the objects of a CRD. And what a CRD brings. */
import {type Agenda, makeAgenda} from './agenda.ts'
import {CRD_CLEANUP, remove} from './delete.ts'
import {type ApiObject, isEqual, objectAt} from './json.ts'
import {resourcesOf} from './kinds/crds.ts'
import type {Ground, Registry, Resource} from './resources.ts'
import type {Change} from './store.ts'
import type {Watches} from './watch.ts'

const CRDS = 'customresourcedefinitions.apiextensions.k8s.io'
const BACKGROUND = {propagation: 'Background', dryRun: false} as const

/** Follows the store until it is stopped. */
export function startCascade(ground: Ground, registry: Registry, watches: Watches, onError: (error: unknown) => void): {stop(): void} {
  const {store} = ground

  const resourceOf = (storage: string): Resource | undefined => registry.all().find((each) => each.storage === storage)

  const removeAll = (resource: Resource, objects: readonly ApiObject[]): void => {
    for (const {metadata} of objects)
      if (!metadata.deletionTimestamp) remove(ground, resource, metadata.namespace ?? '', metadata.name, BACKGROUND)
  }

  const emptyNamespace = (name: string): void => {
    const namespace = store.get('namespaces', '', name)
    if (!namespace?.metadata.deletionTimestamp) return
    let left = 0
    for (const storage of store.storages()) {
      const resource = resourceOf(storage)
      if (!resource?.namespaced) continue
      removeAll(resource, store.list(storage, name))
      left += store.list(storage, name).length
    }
    if (left === 0) store.remove('namespaces', {...namespace, spec: {...objectAt(namespace, 'spec'), finalizers: []}})
  }

  const emptyCrd = (name: string): void => {
    const crd = store.get(CRDS, '', name)
    if (!crd?.metadata.deletionTimestamp) return
    const resource = resourceOf(name)
    if (resource) removeAll(resource, store.list(name))
    if (store.list(name).length > 0) return
    const finalizers = (crd.metadata.finalizers ?? []).filter((each) => each !== CRD_CLEANUP)
    const bare = {...crd, metadata: {...crd.metadata, finalizers}}
    if (finalizers.length > 0) store.put(CRDS, bare)
    else store.remove(CRDS, bare)
  }

  const agenda: Agenda = makeAgenda((key) => {
    const [kind, name = ''] = key.split('/')
    if (kind === 'namespace') emptyNamespace(name)
    else emptyCrd(name)
  }, onError)

  const followCrd = ({type, object, previous}: Change): void => {
    const {name} = object.metadata
    const isNews = type === 'DELETED' || !previous || !isEqual(previous['spec'], object['spec'])
    if (isNews) {
      registry.setCustom(name, type === 'DELETED' ? [] : resourcesOf(object))
      // Open watches show the old shape of the objects: their clients list again.
      if (previous) watches.close(name)
      if (type === 'DELETED') store.forgetHistory(name)
    }
    if (object.metadata.deletionTimestamp) agenda.add(`crd/${name}`)
  }

  const unsubscribe = store.watchAll((storage, change) => {
    const {namespace, deletionTimestamp} = change.object.metadata
    if (storage === CRDS) followCrd(change)
    else if (storage === 'namespaces' && deletionTimestamp) agenda.add(`namespace/${change.object.metadata.name}`)
    else if (change.type === 'DELETED') {
      if (namespace && store.get('namespaces', '', namespace)?.metadata.deletionTimestamp) agenda.add(`namespace/${namespace}`)
      if (store.get(CRDS, '', storage)?.metadata.deletionTimestamp) agenda.add(`crd/${storage}`)
    }
  })
  return {
    stop: () => {
      unsubscribe()
      agenda.stop()
    },
  }
}
