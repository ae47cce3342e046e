import {setTimeout as pause} from 'node:timers/promises'
import {PODS, SERVICES} from '../api/core.ts'
import {API_VERSION, DASK_CLUSTERS, DASK_KINDS} from '../api/dask.ts'
import {LABEL_CLUSTER, LEASE_NAMESPACE, OPERATOR} from '../api/names.ts'
import {HTTP_ROUTES, INGRESSES, NETWORK_POLICIES, POD_DISRUPTION_BUDGETS} from '../api/networking.ts'
import type {Kind, KubeObject} from '../api/object.ts'
import {readIdleness} from '../dask/idleness.ts'
import type {KubeClient} from '../kube/client.ts'
import type {Informer, InformerOptions} from '../kube/informer.ts'
import {startInformer} from '../kube/start-informer.ts'
import {createAutoscalerController} from './autoscaler/controller.ts'
import {createAskTarget} from './autoscaler/target.ts'
import {createAskUnrunnable} from './cluster/ask-unrunnable.ts'
import {createClusterController} from './cluster/controller.ts'
import {type AskIdle, createIdleWatch} from './cluster/idle-watch.ts'
import {createFindLostNode} from './cluster/lost-node.ts'
import {createLookAtTls} from './cluster/tls-secret.ts'
import {createUnrunnableWatch} from './cluster/unrunnable-watch.ts'
import type {HealthBoard} from './engine/health.ts'
import {leaseTimes} from './engine/lease.ts'
import {about, type Log} from './engine/log.ts'
import {startOperator} from './engine/operator.ts'
import type {AnyController} from './engine/reconcile.ts'
import {createJobController} from './job/controller.ts'
import {createReadLastWords} from './job/last-words.ts'
import {keptOfPod} from './kept-pods.ts'
import type {Metrics} from './metrics.ts'
import {toldRetirement} from './told-retirement.ts'
import {createGroupController} from './workergroup/controller.ts'
import {createRetirements} from './workergroup/retirements.ts'
import {openSchedulers} from './workergroup/schedulers.ts'

export {createLog, gathered} from './engine/log.ts'

export interface RunOptions {
  readonly client: KubeClient
  /** Absent: all namespaces. */
  readonly namespace?: string
  /** Tells this operator from others, in the lease. */
  readonly identity: string
  /** Default true: of several operators one works, the others wait. */
  readonly leaderElection?: boolean
  /** How long a leader that does not renew its lease stays the leader; absent: 15 s, as for all of Kubernetes. */
  readonly leaseDurationMs?: number
  /** It runs outside of Kubernetes: schedulers that cannot be reached directly are reached through the API server. */
  readonly outside?: boolean
  /** Where its own pod is, which is to reach the pods of clusters that others may not reach. */
  readonly ownNamespace?: string
  readonly signal: AbortSignal
  readonly log: Log
  /** Called when this operator leads and works. */
  readonly onReady?: () => void
  /** Told how the operator does. */
  readonly health?: HealthBoard
  /** Counts what it does. */
  readonly metrics?: Metrics
}

/** Each takes its address out of one range under optimistic locking: fifty at once cost a server far more than fifty times one. */
const SERVICES_IN_FLIGHT = 4
/** A definition that was installed a moment ago is not served yet. */
const DEFINITIONS_MS = 10_000

/** Serves the four kinds until `signal` aborts. Rejects when their definitions are not installed. */
export async function runOperator(options: RunOptions): Promise<void> {
  const {namespace, identity, leaderElection = true, leaseDurationMs, outside = false, signal, log, onReady, health, metrics} = options
  const client = metrics?.counting(options.client) ?? options.client
  if (health) metrics?.follow(health)
  await requireDefinitions(client, signal)
  if (signal.aborted) return
  const schedulers = openSchedulers(client, {outside})
  // Connections of their own (law 9): who asks every few seconds must not keep waiting who has workers to retire.
  const watched = openSchedulers(client, {outside})
  const retire = toldRetirement(schedulers.retire, (cluster, {address, is, message}, ms) =>
    log.info(
      {...about(DASK_CLUSTERS, cluster), ms: Math.round(ms), ...(message !== undefined && {why: message})},
      `worker ${address}: ${is}`,
    ),
  )
  const askIdle: AskIdle = (cluster, scheduler) => watched.reach(cluster, scheduler, readIdleness)
  try {
    await startOperator({
      client,
      controllers: [
        createClusterController(
          {
            findLostNode: createFindLostNode(client),
            idleWatch: createIdleWatch(askIdle),
            unrunnableWatch: createUnrunnableWatch(createAskUnrunnable(watched.reach)),
            lookAtTls: createLookAtTls(client),
          },
          options.ownNamespace,
        ),
        createGroupController(schedulers.ask, createRetirements(metrics?.timing(retire) ?? retire)),
        createJobController(createReadLastWords(client)),
        createAutoscalerController(createAskTarget(watched.reach)),
      ] as readonly AnyController[],
      startInformer: startOurInformer,
      identity,
      signal,
      log,
      ...(namespace !== undefined && {namespace}),
      ...(leaderElection && {
        lease: {
          namespace: namespace ?? LEASE_NAMESPACE,
          name: OPERATOR,
          ...(leaseDurationMs !== undefined && {times: leaseTimes(leaseDurationMs)}),
        },
      }),
      inFlight: {[SERVICES.plural]: SERVICES_IN_FLIGHT},
      ...(onReady && {onReady}),
      ...(health && {health}),
      ...(metrics && {meter: metrics.meter}),
    })
  } finally {
    schedulers.close()
    watched.close()
  }
}

/** Kinds that others use too. */
const SHARED = [PODS, SERVICES, NETWORK_POLICIES, INGRESSES, HTTP_ROUTES, POD_DISRUPTION_BUDGETS]

/** Of the pods, services and so on of a whole Kubernetes only those that belong to Dask are watched and kept. */
function startOurInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  const is = ({plural, apiVersion}: Kind): boolean => plural === options.kind.plural && apiVersion === options.kind.apiVersion
  if (!SHARED.some(is)) return startInformer(options)
  const keep = keptOfPod as unknown as (object: T) => T
  const informer = startInformer({...options, ...(is(PODS) && {keep}), labelSelector: LABEL_CLUSTER})
  return {
    ...informer,
    // What the watch does not select it would never tell the end of.
    observe: (object) => {
      if (object.metadata.labels?.[LABEL_CLUSTER] !== undefined) informer.observe(object)
    },
  }
}

async function requireDefinitions(client: KubeClient, signal: AbortSignal): Promise<void> {
  const until = performance.now() + DEFINITIONS_MS
  for (;;) {
    const served = await servedPlurals(client, signal)
    const missing = DASK_KINDS.filter(({plural}) => !served.includes(plural))
    if (missing.length === 0 || signal.aborted) return
    if (performance.now() > until)
      throw new Error(
        `the Kubernetes API at ${client.server} does not serve ${missing.map(({plural}) => plural).join(', ')} of ${API_VERSION}; ` +
          'install the definitions first: "operator run --apply-crds"',
      )
    await pause(250, undefined, {signal}).catch(() => undefined)
  }
}

const servedPlurals = async (client: KubeClient, signal: AbortSignal): Promise<readonly string[]> => {
  const answer = await client.raw({path: `/apis/${API_VERSION}`, signal})
  const text = await answer.body.text()
  if (answer.status === 404) return []
  if (answer.status !== 200)
    throw new Error(`the Kubernetes API at ${client.server} answers ${answer.status} to /apis/${API_VERSION}: ${text.slice(0, 300)}`)
  const {resources = []} = JSON.parse(text) as {readonly resources?: readonly {readonly name: string}[]}
  return resources.map(({name}) => name)
}
