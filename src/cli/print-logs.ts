import {PODS, type Pod} from '../api/core.ts'
import type {KubeClient} from '../kube/client.ts'
import {isNotFound, KubeError} from '../kube/errors.ts'
import {beginOf, type LogFlags} from './log-flags.ts'
import {answer, tell} from './output.ts'
import {followLogs} from './pod-logs.ts'
import {EXIT, UserError} from './user-error.ts'
import {openWatch, type Watch} from './watch.ts'

export interface LogsCall {
  readonly client: KubeClient
  readonly namespace: string
  /** Label selector of the pods. */
  readonly selector: string
  /** What the pods are, for the sentence that says that there are none. */
  readonly what: string
  readonly flags: LogFlags
  readonly signal: AbortSignal
}

/** Prints the logs of pods, each line behind its pod's name where there may be several; with `follow`, pods that come later join in. */
export const printLogs = (call: LogsCall): Promise<void> => (call.flags.follow ? followAll(call) : printAll(call))

const printAll = async ({client, namespace, selector, what, flags, signal}: LogsCall): Promise<void> => {
  const {items} = await client.list(PODS, {namespace, labelSelector: selector, signal})
  if (items.length === 0) throw new UserError(`${what} has no pods`, {exitCode: EXIT.notFound})
  const {streamLogs} = await import('../kube/logs.ts')
  for (const pod of items) {
    const {name} = pod.metadata
    const prefix = items.length > 1 ? `[${name}] ` : ''
    const options = {
      namespace,
      name,
      previous: flags.previous,
      timestamps: flags.timestamps,
      signal,
      ...containerOf(pod),
      ...beginOf(flags),
    }
    try {
      for await (const line of streamLogs(client, options)) answer(`${prefix}${line}\n`)
    } catch (error) {
      if (!hasNoLog(error) || items.length === 1) throw error
      tell(`[${name}] no log: ${error.message}`)
    }
  }
}

/** A container that has not started, or has no predecessor (400), or a pod that has just gone (404). */
const hasNoLog = (error: unknown): error is KubeError => error instanceof KubeError && (error.status === 400 || isNotFound(error))

const containerOf = ({spec}: Pod): {readonly container?: string} => (spec.containers[0] ? {container: spec.containers[0].name} : {})

const followAll = async (call: LogsCall): Promise<void> => {
  const {client, namespace, selector, signal} = call
  const watch = await openWatch(client, signal)
  const running = new Map<string, Promise<void>>()
  const {promise: failed, reject} = Promise.withResolvers<never>()
  try {
    const pods = watch.see(PODS, {namespace, labelSelector: selector})
    const find = (uid: string): Pod | undefined => pods.list(namespace).find(({metadata}) => metadata.uid === uid)
    const look = (): {readonly again?: number} => {
      for (const pod of pods.list(namespace)) {
        const uid = pod.metadata.uid ?? pod.metadata.name
        if (running.has(uid) || !hasStarted(pod)) continue
        const following = followOne(call, pod, watch, () => find(uid))
        following.catch(reject)
        running.set(uid, following)
      }
      return {}
    }
    await Promise.race([watch.until<never>(look, {timeoutMs: Number.POSITIVE_INFINITY, waitingFor: () => 'following'}), failed])
  } finally {
    watch.close()
  }
}

const followOne = async (
  {client, namespace, flags, signal}: LogsCall,
  pod: Pod,
  watch: Watch,
  now: () => Pod | undefined,
): Promise<void> => {
  const {name} = pod.metadata
  const isOver = (): boolean => {
    const phase = now()?.status?.phase
    return phase === undefined || phase === 'Succeeded' || phase === 'Failed'
  }
  const change = (atMostMs: number): Promise<void> => watch.change(atMostMs, isOver)
  for await (const line of followLogs(client, {namespace, name, ...containerOf(pod), ...beginOf(flags), signal, isOver, change}))
    answer(`[${name}] ${line}\n`)
}

const hasStarted = ({status}: Pod): boolean =>
  status?.containerStatuses?.some(({state, lastState}) => state?.running ?? state?.terminated ?? lastState?.terminated) ?? false
