import {PODS, type Pod} from '../api/core.ts'
import {DEFAULT_COMM_PORT, LABEL_CLUSTER, LABEL_COMPONENT} from '../api/names.ts'
import type {Scheduler} from '../dask/scheduler.ts'
import type {TaskNumbers} from '../dask/task-feed.ts'
import type {KubeClient} from '../kube/client.ts'
import {isPodReady} from './cluster-progress.ts'

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
  const [{connectScheduler}, {openTaskFeed}, {forwardDial}] = await Promise.all([
    import('../dask/scheduler.ts'),
    import('../dask/task-feed.ts'),
    import('../dask/dial.ts'),
  ])
  const dial = forwardDial(client, namespace, pod.metadata.name)
  const scheduler = await connectScheduler(dial, {port: commPort(pod), timeoutMs: TIMEOUT_MS, signal})
  try {
    return await ask(scheduler, async () => {
      const feed = await openTaskFeed(dial, {port: commPort(pod), timeoutMs: TIMEOUT_MS, everyMs: 60_000, signal})
      return await feed.next().finally(feed.close)
    })
  } finally {
    scheduler.close()
  }
}

const commPort = ({spec}: Pod): number =>
  spec.containers.flatMap(({ports}) => ports ?? []).find(({name}) => name === 'tcp-comm')?.containerPort ?? DEFAULT_COMM_PORT
