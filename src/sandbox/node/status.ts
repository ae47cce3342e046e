/** From what happened to a pod's containers to its status, as the kubelet tells it. Pure. */
import type {ContainerState, ContainerStatus, Pod, PodCondition, PodStatus} from '../../api/core.ts'

export interface ContainerRecord {
  readonly name: string
  readonly image: string
  readonly state: ContainerState
  readonly lastState?: ContainerState
  readonly restartCount: number
  readonly ready: boolean
  readonly started: boolean
  readonly containerID?: string
  /** An init container that runs on beside the pod's own; the others wait until it has started once. */
  readonly isSidecar?: boolean
  readonly hasStarted?: boolean
}

export interface PodRecord {
  readonly init: readonly ContainerRecord[]
  readonly containers: readonly ContainerRecord[]
  readonly podIP: string
  readonly startTime: string
  /** It has run longer than its `activeDeadlineSeconds` and been ended for that. */
  readonly isOverdue?: boolean
  /** It is being deleted, and all that ran of it has ended: nothing is started again. */
  readonly isTerminated?: boolean
}

const WAITING: ContainerState = {waiting: {reason: 'ContainerCreating'}}

export const freshRecord = (name: string, image: string, reason?: string): ContainerRecord => ({
  name,
  image,
  state: reason === undefined ? WAITING : {waiting: {reason}},
  restartCount: 0,
  ready: false,
  started: false,
})

/** Source: Kubernetes, "Pod Lifecycle" (phase, conditions); kubelet's getPhase. */
export function podStatus(pod: Pod, record: PodRecord, now: string): PodStatus {
  const phase = phaseOf(pod, record)
  const isInitialized = record.init.every(isPast)
  const sidecars = record.init.filter((each) => each.isSidecar)
  const unready = [...sidecars, ...record.containers].filter(({ready}) => !ready).map(({name}) => name)
  const isOver = phase === 'Succeeded' || phase === 'Failed'
  const notReady =
    phase === 'Succeeded'
      ? {reason: 'PodCompleted'}
      : phase === 'Failed'
        ? {reason: 'PodFailed'}
        : {reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]`}
  const wanted: readonly PodCondition[] = [
    {type: 'PodScheduled', status: 'True'},
    isInitialized
      ? {type: 'Initialized', status: 'True', ...(isOver && phase === 'Succeeded' && {reason: 'PodCompleted'})}
      : {type: 'Initialized', status: 'False', reason: 'ContainersNotInitialized', message: incomplete(record.init)},
    unready.length === 0 ? {type: 'ContainersReady', status: 'True'} : {type: 'ContainersReady', status: 'False', ...notReady},
    unready.length === 0 ? {type: 'Ready', status: 'True'} : {type: 'Ready', status: 'False', ...notReady},
  ]
  return {
    phase,
    ...(record.isOverdue && {reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline'}),
    podIP: record.podIP,
    podIPs: [{ip: record.podIP}],
    hostIP: '127.0.0.1',
    startTime: record.startTime,
    conditions: wanted.map((condition) => stamped(condition, pod.status?.conditions, now)),
    ...(record.init.length > 0 && {initContainerStatuses: record.init.map(containerStatus)}),
    containerStatuses: record.containers.map(containerStatus),
  }
}

const phaseOf = (pod: Pod, {init, containers, isOverdue, isTerminated}: PodRecord): NonNullable<PodStatus['phase']> => {
  if (isOverdue) return 'Failed'
  // Also of one that would be restarted; whoever keeps it by a finalizer reads how it has ended.
  if (isTerminated) return containers.every(({state}) => state.terminated?.exitCode === 0) ? 'Succeeded' : 'Failed'
  const policy = pod.spec.restartPolicy ?? 'Always'
  const hasFailedToStart = init.some(({isSidecar, state}) => !isSidecar && state.terminated && state.terminated.exitCode !== 0)
  if (hasFailedToStart && policy === 'Never') return 'Failed'
  if (!init.every(isPast)) return 'Pending'
  const ended = containers.filter(({state}) => state.terminated !== undefined)
  const hasFailed = ended.some(({state}) => state.terminated?.exitCode !== 0)
  // One that is to start again may stand there as terminated for a moment: its pod runs on.
  const isToRestart = policy === 'Always' || (policy === 'OnFailure' && hasFailed)
  // A pod is over when its sidecars have ended too.
  const hasSidecar = init.some(({isSidecar, state}) => isSidecar && state.running)
  if (ended.length === containers.length && !isToRestart && !hasSidecar) return hasFailed ? 'Failed' : 'Succeeded'
  const hasBegun = containers.some(({state, lastState}) => state.running || state.terminated || lastState?.terminated)
  return hasBegun ? 'Running' : 'Pending'
}

/** Whether an init container has let the next one start. */
const isPast = ({isSidecar, hasStarted = false, state}: ContainerRecord): boolean =>
  isSidecar ? hasStarted : state.terminated?.exitCode === 0

const incomplete = (init: readonly ContainerRecord[]): string =>
  `containers with incomplete status: [${init
    .filter((each) => !isPast(each))
    .map(({name}) => name)
    .join(' ')}]`

const stamped = (condition: PodCondition, before: readonly PodCondition[] | undefined, now: string): PodCondition => {
  const same = before?.find(({type, status}) => type === condition.type && status === condition.status)
  return {...condition, lastTransitionTime: same?.lastTransitionTime ?? now}
}

const containerStatus = ({name, image, state, lastState, restartCount, ready, started, containerID}: ContainerRecord): ContainerStatus => ({
  name,
  image,
  imageID: '',
  ready,
  started,
  restartCount,
  state,
  lastState: lastState ?? {},
  ...(containerID !== undefined && {containerID}),
})
