import {CUSTOM_RESOURCE_DEFINITIONS, LEASES, NAMESPACES} from '../../api/core.ts'
import {OPERATOR} from '../../api/names.ts'
import type {Kind, KubeObject} from '../../api/object.ts'
import type {KubeClient} from '../../kube/client.ts'
import {ifMissing, isConflict, isNotFound} from '../../kube/errors.ts'
import {CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, DEPLOYMENTS, ROLE_BINDINGS, ROLES} from './kinds.ts'
import {PART_OF} from './manifests.ts'

/** The operator first, so that nothing works without its rights; its namespace, with all that is left in it, last. */
const ORDER: readonly Kind[] = [DEPLOYMENTS, ROLE_BINDINGS, ROLES, CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, NAMESPACES]

/** Everything that an installation has made, by its label, whatever flags it was made with. The definitions are not among it. */
export async function findInstalled(client: KubeClient, signal: AbortSignal): Promise<readonly KubeObject[]> {
  const lists = await Promise.all(
    ORDER.map(async (kind) => {
      const {items} = await client.list(kind, {labelSelector: `${PART_OF}=${OPERATOR}`, signal})
      return items.map((item) => ({...item, apiVersion: kind.apiVersion, kind: kind.kind}))
    }),
  )
  return lists.flat()
}

/** Deletes one of them; somebody else may have been quicker. */
export async function removeObject(client: KubeClient, object: KubeObject, signal: AbortSignal): Promise<void> {
  const kind = [...ORDER, CUSTOM_RESOURCE_DEFINITIONS].find((each) => each.apiVersion === object.apiVersion && each.kind === object.kind)
  if (!kind) throw new Error(`an installation has no ${object.kind}`)
  await client.delete(kind, object.metadata, {propagationPolicy: 'Background', signal}).catch(ifMissing(undefined))
}

/** The lease that the operator has made itself, unless another operator (one beside its user) holds it now. */
export async function removeLease(client: KubeClient, signal: AbortSignal): Promise<void> {
  const {items} = await client.list(LEASES, {fieldSelector: `metadata.name=${OPERATOR}`, signal})
  for (const {metadata, spec} of items) {
    if (spec?.holderIdentity) continue
    await client
      .delete(LEASES, metadata, {signal, ...(metadata.resourceVersion !== undefined && {resourceVersion: metadata.resourceVersion})})
      .catch((error: unknown) => {
        if (!isNotFound(error) && !isConflict(error)) throw error
      })
  }
}
