import type {Pod} from '../../api/core.ts'
import type {DaskCluster} from '../../api/dask.ts'
import type {Ref} from '../../api/object.ts'
import {keyOf} from '../../api/ref.ts'
import {schedulerPodPort} from '../../api/scheduler-address.ts'
import {workerIdentity} from '../../api/worker-pod.ts'
import {type Dial, directDial, firstDial, forwardDial} from '../../dask/dial.ts'
import {createSchedulerPool} from '../../dask/pool.ts'
import {type RetirementOptions, runRetirement} from '../../dask/retirement.ts'
import {connectScheduler, type Scheduler} from '../../dask/scheduler.ts'
import {daskDial} from '../../dask/tls-identity.ts'
import {orderVictims, workersOf} from '../../dask/victims.ts'
import type {KubeClient} from '../../kube/client.ts'
import {rememberYoungest} from '../engine/youngest.ts'
import type {AskScheduler} from './controller.ts'
import type {RunRetirement} from './retirements.ts'

export interface Schedulers {
  readonly ask: AskScheduler
  readonly retire: RunRetirement
  /** Runs `work` with a connection to a cluster's scheduler; `dial` leads to any of the scheduler's ports, in the clear. */
  reach<T>(cluster: DaskCluster, scheduler: Pod, work: (connection: Scheduler, dial: Dial) => Promise<T>): Promise<T>
  /** Ends every connection. */
  close(): void
}

/** A busy scheduler answers late; one that is silent must not hold up the others. */
const SHORT_MS = 5_000
const CONNECTIONS = 16

/** Clusters come and go; where the forgotten ones are is found again when they are asked. */
const MOST_PLACES = 1000

/** What retirements of one cluster leave each other. */
interface Leaving extends Pick<RetirementOptions, 'immovable'> {
  readonly addresses: RetirementOptions['leaving']
  /** How many are under way. */
  retirements: number
}

/** Where a cluster's scheduler was found last, and the pods beside it. */
interface Place {
  readonly dial: Dial
  /** The same for Dask's own protocol. */
  readonly comm: Dial
  /** A way to the cluster's pods, made one for Dask's own protocol. */
  readonly secured: (dial: Dial) => Dial
  readonly port: number
  readonly uid: string | undefined
  readonly pods: ReadonlyMap<string, string>
}

/**
 * The ways from the operator to the schedulers of all clusters: to a pod's own address, and from `outside` of Kubernetes through the API server
 * where that does not lead anywhere.
 */
export function openSchedulers(client: KubeClient, {outside}: {readonly outside: boolean}): Schedulers {
  const places = new Map<string, Place>()
  const placeOf = (cluster: Ref): Place => {
    const place = places.get(keyOf(cluster))
    if (!place) throw new Error(`the scheduler of ${keyOf(cluster)} has not been found yet`)
    return place
  }
  const pool = createSchedulerPool({
    dialFor: (cluster) => placeOf(cluster).comm,
    portFor: (cluster) => placeOf(cluster).port,
    concurrency: CONNECTIONS,
    timeoutMs: SHORT_MS,
  })

  /** Who leaves which cluster, and what keeps whom, for as long as anybody is being retired there or kept. */
  const leavings = new Map<string, Leaving>()
  const turns = new Map<string, Promise<unknown>>()
  /** One after another for each cluster, over all its groups. */
  const aloneFor = <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const turn = (turns.get(key) ?? Promise.resolve()).then(work)
    const ended = turn.then(
      () => {},
      () => {},
    )
    turns.set(key, ended)
    ended.then(() => {
      if (turns.get(key) === ended) turns.delete(key)
    })
    return turn
  }

  const dialTo = (namespace: string, pod: string, ip: string | undefined): Dial =>
    firstDial([
      ...(ip === undefined ? [] : [directDial(ip)]),
      ...(outside || ip === undefined ? [forwardDial(client, namespace, pod)] : []),
    ])

  const waysTo = (scheduler: Pod): Pick<Place, 'dial' | 'comm' | 'secured'> => {
    const {name, namespace = ''} = scheduler.metadata
    const dial = dialTo(namespace, name, scheduler.status?.podIP)
    const secured = daskDial(client, scheduler)
    return {dial, comm: secured(dial), secured}
  }

  const find = (cluster: DaskCluster, scheduler: Pod, pods: readonly Pod[]): Ref => {
    const {name, namespace = ''} = cluster.metadata
    const ref = {namespace, name}
    const before = places.get(keyOf(ref))
    const port = schedulerPodPort({spec: cluster.spec.scheduler.service}, scheduler)
    const isSame = before?.uid === scheduler.metadata.uid && before?.port === port
    if (before && !isSame) pool.forget(ref)
    const oldest = places.keys().next()
    if (places.size >= MOST_PLACES && !oldest.done) places.delete(oldest.value)
    const known = new Map(isSame ? before?.pods : [])
    for (const pod of pods) rememberYoungest(known, pod.status?.podIP ?? '', pod.metadata.name)
    places.set(keyOf(ref), {
      ...(isSame && before ? before : waysTo(scheduler)),
      port,
      uid: scheduler.metadata.uid,
      pods: known,
    })
    return ref
  }

  return {
    ask: async ({cluster, scheduler, pods}) => {
      const ref = find(cluster, scheduler, pods)
      try {
        return await pool.use(ref, (connection) => look(connection, pods))
      } catch (error) {
        return {is: 'unreachable', message: error instanceof Error ? error.message : String(error)}
      }
    },
    retire: async (cluster, addresses, {zero, policy, signal, isHeld, report}) => {
      const {comm, secured, port, pods} = placeOf(cluster)
      const key = keyOf(cluster)
      const leaving = leavings.get(key) ?? {addresses: new Set(), immovable: new Map(), retirements: 0}
      leaving.retirements += 1
      leavings.set(key, leaving)
      await runRetirement(addresses, {
        connect: () => connectScheduler(comm, {port, timeoutMs: SHORT_MS, signal}),
        scheduler: {dial: comm, port},
        dialWorker: ({host}) => {
          const pod = pods.get(host)
          return secured(pod === undefined ? directDial(host) : dialTo(cluster.namespace ?? '', pod, host))
        },
        zero,
        policy,
        signal,
        maySend: isHeld,
        alone: (choose) => aloneFor(key, choose),
        leaving: leaving.addresses,
        immovable: leaving.immovable,
        report,
      }).finally(() => {
        leaving.retirements -= 1
        if (leaving.retirements === 0 && (leaving.immovable.size === 0 || leavings.size > MOST_PLACES)) leavings.delete(key)
      })
    },
    reach: async (cluster, scheduler, work) => {
      const ref = find(cluster, scheduler, [])
      const {dial} = placeOf(ref)
      return await pool.use(ref, (connection) => work(connection, dial))
    },
    close: () => pool.close(),
  }
}

const look = async (scheduler: Scheduler, pods: readonly Pod[]): ReturnType<AskScheduler> => {
  const {workers} = await scheduler.identity()
  const preferred = await scheduler.workersToClose(workers.length)
  const found = pods.map((pod) => {
    return {pod, connected: workersOf(workerIdentity(pod), workers)}
  })
  const candidates = found.map(({pod, connected}) => ({
    name: pod.metadata.name,
    hasFailed: pod.status?.phase === 'Failed',
    isWaiting: pod.status?.phase === undefined || pod.status.phase === 'Pending',
    addresses: connected.map(({address}) => address),
  }))
  return {
    is: 'answered',
    connected: new Map(found.filter(({connected}) => connected.length > 0).map(({pod, connected}) => [pod.metadata.name, connected])),
    order: orderVictims(candidates, preferred),
  }
}
