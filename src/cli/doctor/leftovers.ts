import {PODS, type Pod} from '../../api/core.ts'
import {DASK_CLUSTERS, DASK_KINDS, GROUP} from '../../api/dask.ts'
import {LABEL_CLUSTER} from '../../api/names.ts'
import {type Check, failed, isOlder, ok, warning} from './finding.ts'

/** What is younger may still be about to come or go. */
const STUCK_MS = 60_000

export const checkOrphans: Check = async ({client, namespace, bin, signal}) => {
  const [clusters, pods] = await Promise.all([
    client.list(DASK_CLUSTERS, {namespace, signal}),
    client.list(PODS, {namespace, labelSelector: LABEL_CLUSTER, signal}),
  ])
  const known = new Set(clusters.items.map(({metadata}) => metadata.name))
  const isOrphan = ({metadata}: Pod): boolean =>
    metadata.deletionTimestamp === undefined &&
    isOlder(metadata.creationTimestamp, STUCK_MS) &&
    !metadata.ownerReferences?.length &&
    !known.has(metadata.labels?.[LABEL_CLUSTER] ?? '')
  const orphans = pods.items.filter(isOrphan).map(({metadata}) => metadata.name)
  return orphans.length === 0
    ? [ok('orphans', `no pod of "${namespace}" is without a cluster`)]
    : [
        warning(
          'orphans',
          `${orphans.length} pods belong to clusters that are gone: ${orphans.slice(0, 3).join(', ')}`,
          `"${bin} cluster prune -n ${namespace}" deletes them`,
        ),
      ]
}

export const checkStuck: Check = async ({client, namespace, signal}) => {
  const lists = await Promise.all(DASK_KINDS.map(async (kind) => (await client.list(kind, {namespace, signal})).items))
  const stuck = lists.flat().filter(({metadata}) => metadata.finalizers?.length && isOlder(metadata.deletionTimestamp, STUCK_MS))
  return stuck.map(({kind, metadata}) =>
    failed(
      'deletion',
      `${kind} "${metadata.name}" waits for ${metadata.finalizers?.join(', ')}`,
      `kubectl patch ${kind.toLowerCase()}.${GROUP} ${metadata.name} -n ${namespace} --type=merge -p '{"metadata":{"finalizers":null}}'`,
    ),
  )
}
