import {PODS, type Pod} from '../api/core.ts'
import {DASK_CLUSTERS, type DaskCluster} from '../api/dask.ts'
import {LABEL_CLUSTER, LABEL_COMPONENT, PORT_COMM, PORT_DASHBOARD} from '../api/names.ts'
import {isPodReady} from '../api/pod-state.ts'
import {namedPort} from '../api/scheduler-address.ts'
import {schemeOf, tlsSecretOf} from '../api/tls.ts'
import type {KubeClient} from '../kube/client.ts'
import type {Cache} from '../kube/informer.ts'
import {EXIT, UserError} from './user-error.ts'
import {type Look, openWatch, type Watch} from './watch.ts'

/** Local ports that lead to a cluster's scheduler and follow it when it is replaced. */
export interface Tunnel {
  /** `tcp://127.0.0.1:PORT`, or `tls://…` */
  readonly schedulerAddress: string
  /** Of a scheduler that speaks TLS: the Secret with the certificate that a client has to show. */
  readonly tlsSecret?: string
  readonly dashboardURL: string
}

export interface FollowedTunnel extends Tunnel {
  /** Rejects when the cluster has been deleted (exit code 3) or `signal` aborts; tells when it is suspended and when it comes back. */
  readonly untilLost: () => Promise<never>
}

export interface TunnelCall {
  readonly client: KubeClient
  readonly namespace: string
  readonly cluster: string
  readonly address: string
  /** 0: any free one. */
  readonly schedulerPort: number
  readonly dashboardPort: number
  /** How long a scheduler is waited for, at the start and when it is being replaced. */
  readonly patienceMs: number
  readonly signal: AbortSignal
  readonly bin: string
  /** Told of what goes wrong on a connection, and of a scheduler that comes anew. */
  readonly tell: (line: string) => void
}

/**
 * Opens both ports until `signal` aborts. Each connection finds the scheduler's pod by itself, so that one that was replaced is followed.
 * Rejects when there is no such cluster, no scheduler is ready in time, or a port is taken.
 */
export async function openTunnel(call: TunnelCall): Promise<FollowedTunnel> {
  const {client, namespace, cluster, address, signal, tell} = call
  // One that is not there is told as everywhere.
  await client.get(DASK_CLUSTERS, {namespace, name: cluster}, {signal})
  const [{listenPortForward}, watch] = await Promise.all([import('../kube/port-forward.ts'), openWatch(client, signal)])
  signal.addEventListener('abort', () => watch.close(), {once: true})
  try {
    const clusters = watch.see(DASK_CLUSTERS, {namespace, name: cluster})
    const findPod = follow(watch, clusters, call)
    const pod = await findPod()
    const listen = (port: number, localPort: number): Promise<number> =>
      listenPortForward(client, {
        ...{namespace, port, localPort, address, signal},
        findPod: async () => (await findPod()).metadata.name,
        onError: (error) => tell(error instanceof Error ? error.message : String(error)),
      }).catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND'))
          throw new UserError(`${address} is no address of this machine`, {
            next: ['choose another --address, like 127.0.0.1, or 0.0.0.0 for all'],
            cause: error,
          })
        if (localPort === 0 || !(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') throw error
        throw new UserError(`port ${localPort} of ${address} is taken`, {
          next: ['choose another one, or 0 for any that is free'],
          cause: error,
        })
      })
    const host = address.includes(':') ? `[${address}]` : address === '0.0.0.0' ? '127.0.0.1' : address
    const [comm, dashboard] = await Promise.all([
      listen(namedPort(PORT_COMM, pod), call.schedulerPort),
      listen(namedPort(PORT_DASHBOARD, pod), call.dashboardPort),
    ])
    const tlsSecret = tlsSecretOf(pod)
    const schedulerAddress = `${schemeOf(tlsSecret)}://${host}:${comm}`
    const dashboardURL = `http://${host}:${dashboard}/status`
    const untilLost = (): Promise<never> => followCluster(watch, clusters, call)
    return {schedulerAddress, ...(tlsSecret !== undefined && {tlsSecret}), dashboardURL, untilLost}
  } catch (error) {
    watch.close()
    throw error
  }
}

const deleted = ({cluster}: TunnelCall): UserError => new UserError(`DaskCluster "${cluster}" was deleted`, {exitCode: EXIT.notFound})

const suspended = ({cluster, bin}: TunnelCall): UserError =>
  new UserError(`DaskCluster "${cluster}" is suspended`, {next: [`"${bin} cluster resume ${cluster}" brings it back`]})

const followCluster = (watch: Watch, clusters: Cache<DaskCluster>, call: TunnelCall): Promise<never> => {
  const {namespace, cluster, bin, tell} = call
  let wasSuspended = false
  const look = (): Look<never> => {
    const now = clusters.get({namespace, name: cluster})
    if (!now) throw deleted(call)
    const isSuspended = now.spec.suspend === true
    if (isSuspended && !wasSuspended)
      tell(`DaskCluster "${cluster}" is suspended: connections are refused until "${bin} cluster resume ${cluster}"`)
    if (!isSuspended && wasSuspended) tell(`DaskCluster "${cluster}" is resumed`)
    wasSuspended = isSuspended
    return {}
  }
  return watch.until(look, {timeoutMs: Number.POSITIVE_INFINITY, waitingFor: () => `DaskCluster "${cluster}" is there`})
}

/** Resolves with the scheduler's pod as soon as one is ready; tells when it is another one than before. Waits for none that cannot come. */
const follow = (watch: Watch, clusters: Cache<DaskCluster>, call: TunnelCall): (() => Promise<Pod>) => {
  const {namespace, cluster, patienceMs, tell} = call
  const pods = watch.see(PODS, {namespace, labelSelector: `${LABEL_CLUSTER}=${cluster},${LABEL_COMPONENT}=scheduler`})
  let last: string | undefined
  return async () => {
    const pod = await watch.until(
      (): Look<Pod> => {
        const now = clusters.get({namespace, name: cluster})
        if (!now) throw deleted(call)
        if (now.spec.suspend) throw suspended(call)
        const ready = pods.list(namespace).find((each) => each.metadata.deletionTimestamp === undefined && isPodReady(each))
        return ready ? {done: ready} : {}
      },
      {timeoutMs: patienceMs, waitingFor: () => `DaskCluster "${cluster}" has no scheduler that is ready`},
    )
    if (last !== undefined && last !== pod.metadata.uid) tell('the scheduler was replaced; the connection goes to the new one')
    last = pod.metadata.uid
    return pod
  }
}
