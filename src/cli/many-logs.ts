import {PODS, type Pod} from '../api/core.ts'
import type {KubeClient} from '../kube/client.ts'
import {type FollowOptions, followLogs} from './pod-logs.ts'
import {openWatch, type Watch} from './watch.ts'

export interface ManyLogsCall {
  readonly client: KubeClient
  readonly namespace: string
  /** Label selector of the pods. */
  readonly selector: string
  /** This one alone. */
  readonly pod?: string | undefined
  /** Where each log begins; at its start where neither is given. */
  readonly tailLines?: number
  readonly sinceSeconds?: number
  readonly timestamps?: boolean
  readonly signal: AbortSignal
  readonly onLine: (pod: string, line: string) => void
}

/** Hands over every line of the pods' logs once; pods that come later join in. Ends by rejecting: when `signal` aborts, or when logs may not be read. */
export async function followMany(call: ManyLogsCall): Promise<never> {
  const {client, namespace, selector, pod: name, signal} = call
  const watch = await openWatch(client, signal)
  const running = new Set<string>()
  const {promise: failed, reject} = Promise.withResolvers<never>()
  try {
    const pods = watch.see(PODS, {namespace, labelSelector: selector, ...(name !== undefined && {name})})
    const find = (uid: string): Pod | undefined => pods.list(namespace).find(({metadata}) => metadata.uid === uid)
    const look = (): {readonly again?: number} => {
      for (const pod of pods.list(namespace)) {
        const uid = pod.metadata.uid ?? pod.metadata.name
        if (running.has(uid) || !hasStarted(pod)) continue
        running.add(uid)
        followOne(call, pod, watch, () => find(uid)).catch(reject)
      }
      return {}
    }
    const forever = watch.until<never>(look, {timeoutMs: Number.POSITIVE_INFINITY, waitingFor: () => 'following'})
    return await Promise.race([forever, failed])
  } finally {
    watch.close()
  }
}

const followOne = async (call: ManyLogsCall, pod: Pod, watch: Watch, now: () => Pod | undefined): Promise<void> => {
  const {client, namespace, signal, onLine, tailLines, sinceSeconds, timestamps} = call
  const {name} = pod.metadata
  const isOver = (): boolean => {
    const phase = now()?.status?.phase
    return phase === undefined || phase === 'Succeeded' || phase === 'Failed'
  }
  const change = (atMostMs: number): Promise<void> => watch.change(atMostMs, isOver)
  const container = pod.spec.containers[0]?.name
  const options: FollowOptions = {
    ...{namespace, name, signal, isOver, change},
    ...(container !== undefined && {container}),
    ...(tailLines !== undefined && {tailLines}),
    ...(sinceSeconds !== undefined && {sinceSeconds}),
    ...(timestamps !== undefined && {timestamps}),
  }
  for await (const line of followLogs(client, options)) onLine(name, line)
}

const hasStarted = ({status}: Pod): boolean =>
  status?.containerStatuses?.some(({state, lastState}) => state?.running ?? state?.terminated ?? lastState?.terminated) ?? false
