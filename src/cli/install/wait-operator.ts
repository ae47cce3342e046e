import {LEASES, PODS, type Pod} from '../../api/core.ts'
import {OPERATOR} from '../../api/names.ts'
import {podCause} from '../../api/pod-cause.ts'
import {isPodReady} from '../../api/pod-state.ts'
import type {KubeClient} from '../../kube/client.ts'
import type {StepNews} from '../cluster-progress.ts'
import {lastLogLines} from '../pod-logs.ts'
import {UserError} from '../user-error.ts'
import {impatience} from '../wait-cluster.ts'
import {type Look, openWatch} from '../watch.ts'
import {DEPLOYMENTS} from './kinds.ts'

export interface OperatorWait {
  readonly client: KubeClient
  readonly namespace: string
  /** Where the lease is by which operators agree on who leads. */
  readonly leaseNamespace: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly report: (step: StepNews) => void
  readonly bin: string
}

/** How long a cause that may pass (no room yet) is given. */
const PATIENCE_MS = 30_000
/** Causes that a person must mend. */
const FINAL = /Image|CreateContainer|RunContainer|StartError|CrashLoopBackOff/

/** Waits until the installed operator's pods are ready and one of them leads. Ends early, with the cause, when they cannot start. */
export async function waitForOperator(call: OperatorWait): Promise<void> {
  const {client, namespace, leaseNamespace, timeoutMs, signal, report} = call
  const watch = await openWatch(client, signal)
  try {
    const deployments = watch.see(DEPLOYMENTS, {namespace, name: OPERATOR})
    const pods = watch.see(PODS, {namespace, labelSelector: `app.kubernetes.io/name=${OPERATOR}`})
    const leases = watch.see(LEASES, {namespace: leaseNamespace, name: OPERATOR})
    const patience = impatience(PATIENCE_MS)
    let missing = 'its pods have not been made yet'
    const look = (): Look<Pod | undefined> => {
      const found = deployments.get({namespace, name: OPERATOR})
      const wanted = found?.spec.replicas ?? 1
      const all = pods.list(namespace).filter(({metadata}) => metadata.deletionTimestamp === undefined)
      const {updatedReplicas = 0, readyReplicas = 0, observedGeneration = 0} = found?.status ?? {}
      const isRolledOut =
        observedGeneration >= (found?.metadata.generation ?? 0) &&
        updatedReplicas >= wanted &&
        readyReplicas >= wanted &&
        all.length === wanted
      const holder = leases.get({namespace: leaseNamespace, name: OPERATOR})?.spec?.holderIdentity ?? ''
      const leader = all.find((pod) => holder.startsWith(`${pod.metadata.name}_`))
      const cause = all.map((pod) => ({pod, cause: isPodReady(pod) ? undefined : podCause(pod)})).find((each) => each.cause !== undefined)
      missing = cause?.cause
        ? `${cause.cause.reason}: ${cause.cause.message}`
        : `${all.filter(isPodReady).length} of ${wanted} pods are ready`
      report({name: 'operator', state: isRolledOut ? 'done' : 'working', detail: isRolledOut ? `${wanted} ready` : missing})
      if (isRolledOut)
        report({
          name: 'leader',
          state: leader ? 'done' : 'working',
          detail: leader?.metadata.name ?? (holder ? `${holder} still leads` : 'none yet'),
        })
      if (isRolledOut && leader) return {done: undefined}
      if (isRolledOut) missing = holder ? `another operator leads (${holder}); this one stands by` : 'none of its pods leads yet'
      if (!cause?.cause) return {}
      const left = patience({...cause.cause, isFinal: FINAL.test(cause.cause.reason)})
      return left <= 0 ? {done: cause.pod} : {again: left}
    }
    const broken = await watch.until(look, {
      timeoutMs,
      waitingFor: () => `the operator in namespace "${namespace}" does not work: ${missing}`,
    })
    if (broken) throw await failureOf(broken, call)
  } finally {
    watch.close()
  }
}

const failureOf = async (pod: Pod, {client, signal, bin}: OperatorWait): Promise<UserError> => {
  const cause = podCause(pod)
  const lines = await lastLogLines(client, pod, signal)
  const log = lines.length > 0 ? `\n${lines.map((line) => `  ${line}`).join('\n')}` : ''
  return new UserError(`the operator's pod ${pod.metadata.name} cannot start: ${cause?.reason}: ${cause?.message}${log}`, {
    next: [
      /Image/.test(cause?.reason ?? '') ? 'name an image that the nodes can pull with --node-image' : `"${bin} operator logs" shows more`,
    ],
  })
}
