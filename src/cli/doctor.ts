import {CUSTOM_RESOURCE_DEFINITIONS, PODS, type Pod} from '../api/core.ts'
import {DASK_CLUSTERS, DASK_KINDS, type DaskCluster, GROUP} from '../api/dask.ts'
import {LABEL_CLUSTER} from '../api/names.ts'
import type {Kind, KubeObject} from '../api/object.ts'
import type {KubeClient} from '../kube/client.ts'
import {KubeError} from '../kube/errors.ts'
import {mayI} from './access-review.ts'
import {clusterStatus} from './columns.ts'
import {formatAge} from './duration.ts'
import {findPythonOperator} from './install/preflight.ts'
import {withScheduler} from './scheduler.ts'
import {versionGap} from './version-gap.ts'
import {readVersions} from './versions.ts'

export interface Finding {
  readonly check: string
  readonly result: 'ok' | 'warning' | 'failed'
  readonly found: string
  /** What to do about it; absent where nothing is to be done. */
  readonly remedy?: string
}

export interface DoctorCall {
  readonly client: KubeClient
  readonly namespace: string
  readonly bin: string
  readonly signal: AbortSignal
}

/** An operator that works has told something of a new object after this long. */
const SILENCE_MS = 30_000
const STUCK_MS = 60_000
/** Not found, and the sandbox's Not Implemented. */
const NOT_SERVED: ReadonlySet<number> = new Set([404, 501])
/** Schedulers are asked one by one through the API server: enough to see that it works. */
const ASKED_CLUSTERS = 5

const ok = (check: string, found: string): Finding => ({check, result: 'ok', found})
const warning = (check: string, found: string, remedy: string): Finding => ({check, result: 'warning', found, remedy})
const failed = (check: string, found: string, remedy: string): Finding => ({check, result: 'failed', found, remedy})

/** Every check, in the order in which one thing needs the other; what cannot be looked at is a finding too. Rejects when no server answers. */
export async function diagnose(call: DoctorCall, report: (finding: Finding) => void): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const checks = [
    checkServer,
    checkDefinitions,
    checkNamesakes,
    checkOperator,
    checkRival,
    checkRights,
    checkProgress,
    checkSchedulers,
    checkOrphans,
    checkStuck,
  ]
  for (const check of checks) {
    const found = await check(call).catch((error: unknown) => {
      // Without a server there is nothing to look at; a right that is missing hides one thing alone.
      if (error instanceof KubeError && error.status === 403)
        return [
          warning(
            'permission',
            error.message,
            'ask the administrator of the cluster for this permission, or run doctor as somebody who has it',
          ),
        ]
      // What the server does not serve is not there: missing definitions are told, and the sandbox has no Deployments.
      if (error instanceof KubeError && NOT_SERVED.has(error.status)) return []
      throw error
    })
    for (const finding of found) report(finding)
    findings.push(...found)
  }
  return findings
}

const checkServer = async ({client, signal}: DoctorCall): Promise<readonly Finding[]> => {
  const {server} = await readVersions(client, signal)
  return [ok('server', `${server.gitVersion} at ${client.server}`)]
}

interface Definition extends KubeObject {
  readonly spec?: {
    readonly group?: string
    readonly versions?: readonly {readonly name: string; readonly schema?: unknown; readonly subresources?: unknown}[]
  }
}

const checkDefinitions = async ({client, bin, signal}: DoctorCall): Promise<readonly Finding[]> => {
  const {items} = await client.list(CUSTOM_RESOURCE_DEFINITIONS as Kind<Definition>, {signal})
  const ours = items.filter(({spec}) => spec?.group === GROUP)
  const missing = DASK_KINDS.filter(({plural}) => !ours.some(({metadata}) => metadata.name === `${plural}.${GROUP}`))
  const remedy = `"${bin} operator install" installs them`
  if (missing.length > 0) return [failed('definitions', `missing: ${missing.map(({plural}) => plural).join(', ')}`, remedy)]
  const older = ours.filter(({spec}) => !JSON.stringify(spec?.versions ?? []).includes('"status":{}'))
  return older.length === 0
    ? [ok('definitions', `all ${DASK_KINDS.length} of ${GROUP}`)]
    : [
        warning(
          'definitions',
          `${older.length} are those of the Python operator: suspending and status of their own are missing`,
          remedy.replace('installs', 'upgrades'),
        ),
      ]
}

/** Dask Gateway has a DaskCluster as well; kubectl takes either for the short name. */
const checkNamesakes = async ({client, signal}: DoctorCall): Promise<readonly Finding[]> => {
  const {items} = await client.list(CUSTOM_RESOURCE_DEFINITIONS as Kind<Definition>, {signal})
  const others = items.filter(
    ({metadata, spec}) => spec?.group !== GROUP && DASK_KINDS.some(({plural}) => metadata.name.startsWith(`${plural}.`)),
  )
  return others.map(({metadata}) =>
    warning('namesakes', `${metadata.name} is served too`, `in kubectl write the whole name, like "kubectl get daskclusters.${GROUP}"`),
  )
}

const checkOperator = async ({client, bin, signal}: DoctorCall): Promise<readonly Finding[]> => {
  const {operator} = await readVersions(client, signal)
  if (operator && operator.lease === undefined) return [ok('operator', operator.holder)]
  return [
    operator
      ? ok('operator', `${operator.holder} leads (lease ${operator.lease}, renewed ${formatAge(operator.renewed, Date.now())} ago)`)
      : failed('operator', 'none is running', `"${bin} operator install" or, beside you, "${bin} operator run"`),
  ]
}

const checkRival = async ({client, signal}: DoctorCall): Promise<readonly Finding[]> =>
  (await findPythonOperator(client, signal)).map(({metadata}) =>
    failed(
      'operator',
      `the Python operator runs too (deployment ${metadata.name} in "${metadata.namespace}")`,
      "two operators undo each other's work: scale one of them to zero",
    ),
  )

const RIGHTS = [
  ...['list', 'create', 'patch', 'delete'].map((verb) => ({
    verb,
    group: GROUP,
    resource: 'daskclusters',
    subresource: '',
    use: `${verb} clusters`,
  })),
  {verb: 'create', group: GROUP, resource: 'daskjobs', subresource: '', use: 'run jobs'},
  {verb: 'list', group: '', resource: 'pods', subresource: '', use: 'see pods'},
  {verb: 'get', group: '', resource: 'pods', subresource: 'log', use: 'read logs'},
  {verb: 'create', group: '', resource: 'pods', subresource: 'portforward', use: 'forward ports'},
]

const checkRights = async ({client, namespace, signal}: DoctorCall): Promise<readonly Finding[]> => {
  const answers = await Promise.all(
    RIGHTS.map(async ({use, ...right}) => ((await mayI(client, {namespace, ...right}, signal)) ? [] : [use])),
  )
  const refused = answers.flat()
  if (refused.length === 0) return [ok('permissions', `all that the commands need in namespace "${namespace}"`)]
  return [
    failed(
      'permissions',
      `you may not ${refused.join(', ')} in namespace "${namespace}"`,
      'ask for the role dask-edit, or the rights one by one',
    ),
  ]
}

const clustersOf = async ({client, namespace, signal}: DoctorCall): Promise<readonly DaskCluster[]> =>
  (await client.list(DASK_CLUSTERS, {namespace, signal})).items

const isOlder = (timestamp: string | undefined, ms: number): boolean => Date.now() - Date.parse(timestamp ?? '') > ms

const checkProgress = async (call: DoctorCall): Promise<readonly Finding[]> => {
  const clusters = await clustersOf(call)
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
        `"${call.bin} operator status" and "${call.bin} operator logs" say what it does`,
      ),
    ]
  const sick = clusters.filter(
    (cluster) =>
      !['Ready', 'Suspended', 'Deleting'].includes(clusterStatus(cluster)) && isOlder(cluster.metadata.creationTimestamp, STUCK_MS),
  )
  return [
    ok(
      'progress',
      clusters.length === 0
        ? 'there is no cluster to look at'
        : `the operator knows all ${clusters.length} clusters of "${call.namespace}" as they are`,
    ),
    ...sick.map((cluster) =>
      warning(
        'progress',
        `DaskCluster "${cluster.metadata.name}" is not ready: ${clusterStatus(cluster)}`,
        `"${call.bin} cluster describe ${cluster.metadata.name}" says why`,
      ),
    ),
  ]
}

const checkSchedulers = async (call: DoctorCall): Promise<readonly Finding[]> => {
  const {client, namespace, bin, signal} = call
  const ready = (await clustersOf(call)).filter((cluster) => clusterStatus(cluster) === 'Ready').slice(0, ASKED_CLUSTERS)
  const found = await Promise.all(
    ready.map(async ({metadata: {name: cluster}}): Promise<readonly Finding[]> => {
      try {
        const identity = await withScheduler(client, {namespace, cluster, signal}, (scheduler) => scheduler.identity())
        const gap = await versionGap(client, namespace, cluster, signal)
        if (!identity)
          return [failed('scheduler', `DaskCluster "${cluster}" has no ready scheduler`, `"${bin} cluster describe ${cluster}" says why`)]
        const answers = ok('scheduler', `that of "${cluster}" answers, with ${identity.workers.length} workers`)
        return gap === undefined
          ? [answers]
          : [answers, warning('versions', gap, 'use one image and one environment with the same versions')]
      } catch (error) {
        if (signal.aborted) throw error
        const words = error instanceof Error ? error.message : String(error)
        return [
          failed(
            'scheduler',
            `that of "${cluster}" does not answer: ${words}`,
            `"${bin} cluster logs ${cluster} --scheduler" shows what it does`,
          ),
        ]
      }
    }),
  )
  return found.flat()
}

const checkOrphans = async (call: DoctorCall): Promise<readonly Finding[]> => {
  const {client, namespace, signal} = call
  const [clusters, pods] = await Promise.all([clustersOf(call), client.list(PODS, {namespace, labelSelector: LABEL_CLUSTER, signal})])
  const known = new Set(clusters.map(({metadata}) => metadata.name))
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
          `"${call.bin} cluster prune -n ${namespace}" deletes them`,
        ),
      ]
}

const checkStuck = async ({client, namespace, signal}: DoctorCall): Promise<readonly Finding[]> => {
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
