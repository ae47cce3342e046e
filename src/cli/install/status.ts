import {CUSTOM_RESOURCE_DEFINITIONS, LEASES, PODS, type Pod} from '../../api/core.ts'
import {DASK_KINDS, GROUP} from '../../api/dask.ts'
import {OPERATOR} from '../../api/names.ts'
import type {Kind} from '../../api/object.ts'
import {podCause} from '../../api/pod-cause.ts'
import {isPodReady} from '../../api/pod-state.ts'
import type {KubeClient} from '../../kube/client.ts'
import {ifMissing} from '../../kube/errors.ts'
import {type Leader, leadersOf} from '../leaders.ts'
import {type Inside, lookInside, type Untold} from './inside.ts'
import {DEPLOYMENTS} from './kinds.ts'
import {PART_OF} from './manifests.ts'

export interface OperatorStatus {
  /** The Deployment of an installation; absent where there is none (an operator may run beside a user). */
  readonly installed:
    | {
        readonly namespace: string
        readonly version: string
        readonly ready: number
        readonly wanted: number
        readonly pods: readonly PodStatus[]
      }
    | undefined
  /** Who leads, by each lease that is held. */
  readonly leaders: readonly Leader[]
  readonly definitions: readonly string[]
  readonly objects: Readonly<Record<string, number>>
  /** What the installed one that works tells of itself, or why it does not; absent where none is installed that could be asked. */
  readonly inside?: Inside | Untold
}

interface PodStatus {
  readonly name: string
  readonly ready: boolean
  readonly restarts: number
  readonly cause: string | undefined
}

export async function readOperatorStatus(client: KubeClient, now: number, signal: AbortSignal): Promise<OperatorStatus> {
  const selector = {labelSelector: `${PART_OF}=${OPERATOR}`, signal}
  const [deployments, leases, definitions] = await Promise.all([
    client.list(DEPLOYMENTS, selector),
    client.list(LEASES, {fieldSelector: `metadata.name=${OPERATOR}`, signal}),
    client.list(CUSTOM_RESOURCE_DEFINITIONS, {signal}),
  ])
  const [deployment] = deployments.items
  const {namespace = ''} = deployment?.metadata ?? {}
  const pods = deployment ? (await client.list(PODS, {...selector, namespace})).items : []
  const leaders = leadersOf(leases.items, now)
  const isLeader = ({metadata}: Pod): boolean => leaders.some(({holder}) => holder.startsWith(`${metadata.name}_`))
  const asked = pods.find(isLeader) ?? pods.find(isPodReady)
  const inside = asked && (await lookInside(client, asked, signal))
  return {
    installed: deployment && {
      namespace,
      version: deployment.metadata.labels?.['app.kubernetes.io/version'] ?? 'unknown',
      ready: deployment.status?.readyReplicas ?? 0,
      wanted: deployment.spec.replicas ?? 1,
      pods: pods.map(podStatus),
    },
    leaders,
    definitions: definitions.items.map(({metadata}) => metadata.name).filter((name) => name.endsWith(`.${GROUP}`)),
    objects: Object.fromEntries(
      await Promise.all(DASK_KINDS.map(async (kind) => [kind.plural, await count(client, kind, signal)] as const)),
    ),
    ...(inside && {inside}),
  }
}

const podStatus = (pod: Pod): PodStatus => {
  const cause = isPodReady(pod) ? undefined : podCause(pod)
  return {
    name: pod.metadata.name,
    ready: isPodReady(pod),
    restarts: pod.status?.containerStatuses?.[0]?.restartCount ?? 0,
    cause: cause && `${cause.reason}: ${cause.message}`,
  }
}

/** 0 where its definition is missing. */
const count = async (client: KubeClient, kind: Kind, signal: AbortSignal): Promise<number> => {
  const list = await client.list(kind, {limit: 1, signal}).catch(ifMissing({items: [], metadata: {remainingItemCount: 0}}))
  return list.items.length + (list.metadata.remainingItemCount ?? 0)
}
