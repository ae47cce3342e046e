import {DASK_CLUSTERS} from '../../api/dask.ts'
import {OPERATOR} from '../../api/names.ts'
import {clusterStatus} from '../columns.ts'
import {formatAge} from '../duration.ts'
import {DEPLOYMENTS} from '../install/kinds.ts'
import {PART_OF} from '../install/manifests.ts'
import {findPythonOperator} from '../install/preflight.ts'
import {readOperator} from '../versions.ts'
import {type Check, failed, isOlder, ok, warning} from './finding.ts'

/** An operator that works has told something of a new object after this long. */
const SILENCE_MS = 30_000
/** A cluster that is made now needs no doctor. */
const PATIENCE_MS = 60_000

export const checkOperator: Check = async ({client, bin, signal}) => {
  const operator = await readOperator(client, signal)
  if (operator && operator.lease === undefined) return [ok('operator', operator.holder)]
  return [
    operator
      ? ok('operator', `${operator.holder} leads (lease ${operator.lease}, renewed ${formatAge(operator.renewed, Date.now())} ago)`)
      : failed('operator', 'none is running', `"${bin} operator install" or, beside you, "${bin} operator run"`),
  ]
}

/** An operator of another release than this program. */
export const checkInstallation: Check = async ({client, bin, version, signal}) => {
  const {items} = await client.list(DEPLOYMENTS, {labelSelector: `${PART_OF}=${OPERATOR}`, signal})
  return items.flatMap(({metadata, status, spec}) => {
    const place = `deployment ${metadata.name} in "${metadata.namespace}"`
    const installed = metadata.labels?.['app.kubernetes.io/version']
    const [ready, wanted] = [status?.readyReplicas ?? 0, spec.replicas ?? 1]
    return [
      ...(installed === undefined || installed === version
        ? []
        : [
            warning(
              'operator',
              `${place} is version ${installed}, this program is ${version}`,
              `"${bin} operator install" brings it to ${version}`,
            ),
          ]),
      ...(ready >= wanted
        ? []
        : [warning('operator', `${ready} of ${wanted} pods of ${place} are ready`, `"${bin} operator status" says why`)]),
    ]
  })
}

export const checkRival: Check = async ({client, signal}) =>
  (await findPythonOperator(client, signal)).map(({metadata}) =>
    failed(
      'operator',
      `the Python operator runs too (deployment ${metadata.name} in "${metadata.namespace}")`,
      "two operators undo each other's work: scale one of them to zero",
    ),
  )

export const checkProgress: Check = async ({client, namespace, bin, signal}) => {
  const clusters = (await client.list(DASK_CLUSTERS, {namespace, signal})).items
  const unserved = clusters.filter(
    ({metadata, status}) =>
      isOlder(metadata.creationTimestamp, SILENCE_MS) &&
      (status?.phase === undefined ||
        status.phase === 'Created' ||
        metadata.generation !== (status.observedGeneration ?? metadata.generation)),
  )
  if (unserved.length > 0)
    return [
      failed(
        'progress',
        `no operator has taken up ${unserved.map(({metadata}) => metadata.name).join(', ')}`,
        `"${bin} operator status" and "${bin} operator logs" say what it does`,
      ),
    ]
  const sick = clusters.filter(
    (cluster) =>
      !['Ready', 'Suspended', 'Deleting'].includes(clusterStatus(cluster, Date.now())) &&
      isOlder(cluster.metadata.creationTimestamp, PATIENCE_MS),
  )
  return [
    ok(
      'progress',
      clusters.length === 0
        ? 'there is no cluster to look at'
        : `the operator knows all ${clusters.length} clusters of "${namespace}" as they are`,
    ),
    ...sick.map((cluster) =>
      warning(
        'progress',
        `DaskCluster "${cluster.metadata.name}" is not ready: ${clusterStatus(cluster, Date.now())}`,
        `"${bin} cluster describe ${cluster.metadata.name}" says why`,
      ),
    ),
  ]
}
