import {PODS} from '../api/core.ts'
import {LABEL_CLUSTER, LABEL_COMPONENT, PORT_COMM} from '../api/names.ts'
import {isPodReady} from '../api/pod-state.ts'
import {namedPort} from '../api/scheduler-address.ts'
import type {Scheduler} from '../dask/scheduler.ts'
import type {TaskNumbers} from '../dask/task-feed.ts'
import type {KubeClient} from '../kube/client.ts'

const TIMEOUT_MS = 3_000

/** Asks the scheduler of a cluster through the API server; `undefined` where it has no ready scheduler. */
export async function withScheduler<T>(
  client: KubeClient,
  {namespace, cluster, signal}: {readonly namespace: string; readonly cluster: string; readonly signal: AbortSignal},
  ask: (scheduler: Scheduler, tasks: () => Promise<TaskNumbers>) => Promise<T>,
): Promise<T | undefined> {
  const selector = `${LABEL_CLUSTER}=${cluster},${LABEL_COMPONENT}=scheduler`
  const {items} = await client.list(PODS, {namespace, labelSelector: selector, signal})
  const pod = items.find(isPodReady)
  if (!pod) return undefined
  const [{connectScheduler}, {openTaskFeed}, {forwardDial}, {daskDial}] = await Promise.all([
    import('../dask/scheduler.ts'),
    import('../dask/task-feed.ts'),
    import('../dask/dial.ts'),
    import('../dask/tls-identity.ts'),
  ])
  const dial = daskDial(client, pod)(forwardDial(client, namespace, pod.metadata.name))
  const scheduler = await connectScheduler(dial, {port: namedPort(PORT_COMM, pod), timeoutMs: TIMEOUT_MS, signal})
  try {
    return await ask(scheduler, async () => {
      const feed = await openTaskFeed(dial, {port: namedPort(PORT_COMM, pod), timeoutMs: TIMEOUT_MS, everyMs: 60_000, signal})
      return await feed.next().finally(feed.close)
    })
  } finally {
    scheduler.close()
  }
}
