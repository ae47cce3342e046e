import {groupNameOf} from '../api/autoscaler-bounds.ts'
import {API_VERSION, DASK_AUTOSCALERS, type DaskAutoscaler} from '../api/dask.ts'
import {defaultGroupName} from '../api/names.ts'
import type {Condition} from '../api/object.ts'
import type {KubeClient, KubeList} from '../kube/client.ts'
import {ifMissing} from '../kube/errors.ts'
import {conditionOf, untold} from './columns.ts'
import {formatAge} from './duration.ts'
import type {Column} from './table.ts'

/** `Active`, or the reason why it is not, or what limits it. */
export const autoscalerStatus = (autoscaler: DaskAutoscaler, now: number): string => {
  const {metadata, status} = autoscaler
  if (metadata.deletionTimestamp !== undefined) return 'Deleting'
  const active = conditionOf(status?.conditions, 'ScalingActive')
  if (!active) return untold(autoscaler, now)
  if (active.status !== 'True') return active.reason
  const limited = conditionOf(status?.conditions, 'ScalingLimited')
  return limited?.status === 'True' ? limited.reason : 'Active'
}

const CONTENT: ReadonlySet<string> = new Set(['ReadyForNewScale', 'SucceededRescale'])

/** What keeps the number from being what the scheduler asks for, if anything does. */
const decisive = ({status}: DaskAutoscaler): Condition | undefined => {
  const [active, limited, able] = ['ScalingActive', 'ScalingLimited', 'AbleToScale'].map((type) => conditionOf(status?.conditions, type))
  if (active?.status !== 'True') return active
  if (limited?.status === 'True') return limited
  return able?.status === 'True' && CONTENT.has(able.reason) ? undefined : able
}

const bound = (number: number | undefined): string => (number === undefined ? '' : String(number))

export const autoscalerColumns: readonly Column<DaskAutoscaler>[] = [
  {header: 'NAME', value: ({metadata}) => metadata.name},
  {header: 'CLUSTER', value: ({spec}) => spec.cluster},
  {header: 'GROUP', value: groupNameOf},
  {header: 'WORKERS', value: ({status}) => `${status?.currentReplicas ?? '?'}/${status?.desiredReplicas ?? '?'}`},
  {header: 'MIN', value: ({spec}) => bound(spec.minimum)},
  {header: 'MAX', value: ({spec}) => bound(spec.maximum)},
  {header: 'STATUS', value: autoscalerStatus},
  {header: 'AGE', value: ({metadata}, now) => formatAge(metadata.creationTimestamp, now)},
  {header: 'TARGET', wide: true, value: ({status}) => bound(status?.target)},
  {header: 'LAST SCALE', wide: true, value: ({status}, now) => (status?.lastScaleTime ? formatAge(status.lastScaleTime, now) : '')},
  {header: 'MESSAGE', wide: true, value: (autoscaler) => decisive(autoscaler)?.message ?? ''},
]

/** The autoscalers of one group; there should be one at most. */
export const autoscalersOf = async (
  client: KubeClient,
  namespace: string,
  cluster: string,
  group: string,
  signal: AbortSignal,
): Promise<readonly DaskAutoscaler[]> => {
  const {items} = await client.list(DASK_AUTOSCALERS, {namespace, signal})
  return items.filter((each) => each.spec.cluster === cluster && groupNameOf(each) === group)
}

/** Of the default group it has the cluster's name, as the Python client's own; of another one the group's. */
export const autoscalerManifest = (
  namespace: string | undefined,
  cluster: string,
  group: string,
  bounds: {readonly minimum: number; readonly maximum: number},
): DaskAutoscaler => {
  const isDefault = group === defaultGroupName(cluster)
  return {
    apiVersion: API_VERSION,
    kind: DASK_AUTOSCALERS.kind,
    metadata: {name: isDefault ? cluster : group, ...(namespace !== undefined && {namespace})},
    spec: {cluster, ...(!isDefault && {workerGroup: group}), ...bounds},
  }
}

/** What the screen of a cluster or group shows of an autoscaler: its name and its cluster's stand there already. */
export const decisionColumns = autoscalerColumns.filter(({header}) => !['NAME', 'CLUSTER', 'AGE'].includes(header))

/** For `catch` of their list: where nobody has installed the definition of autoscalers there are none. */
export const noneServed = ifMissing<KubeList<DaskAutoscaler>>({items: [], metadata: {}})
