/** The columns of pods (k8s.io/kubernetes: pkg/printers/internalversion, printPod). */
import type {ContainerStatus, PodStatus} from '../../../api/core.ts'
import {type ApiObject, listAt, objectAt} from '../json.ts'
import {AGE, type Column, NAME, NONE, since} from './column.ts'

interface Summary {
  readonly ready: string
  readonly reason: string
  readonly restarts: string
}

const summaries = new WeakMap<ApiObject, Summary>()

const summary = (pod: ApiObject, now: number): Summary => {
  const told = summaries.get(pod)
  if (told && !told.restarts.includes(' ')) return told
  const fresh = summarise(pod, now)
  summaries.set(pod, fresh)
  return fresh
}

const summarise = (pod: ApiObject, now: number): Summary => {
  const status = objectAt(pod, 'status') as PodStatus
  const inits = listAt(pod['spec'], 'initContainers').map((each) => objectAt({each}, 'each'))
  const isSidecar = (name: string): boolean => inits.find((each) => each['name'] === name)?.['restartPolicy'] === 'Always'
  const containers = status.containerStatuses ?? []
  const initStatuses = status.initContainerStatuses ?? []
  const sidecars = initStatuses.filter((each) => isSidecar(each.name))
  const blocked = initStatuses.findIndex((each) => !isPast(each, isSidecar(each.name)))
  const isInitialized = status.conditions?.some((each) => each.type === 'Initialized' && each.status === 'True') ?? false
  const isGated = status.conditions?.some((each) => each.type === 'PodScheduled' && each.reason === 'SchedulingGated')

  let reason = isGated ? 'SchedulingGated' : status.reason || status.phase || ''
  let counted = initStatuses.slice(0, blocked + 1)
  const stuck = initStatuses[blocked]
  if (stuck) reason = initReason(stuck, blocked, inits.length)
  if (!stuck || isInitialized) {
    reason = runningReason(status, containers, reason)
    counted = [...sidecars, ...containers]
  }
  const ready = [
    ...sidecars.filter((each) => each.started && each.ready),
    ...containers.filter((each) => each.ready && each.state?.running),
  ]
  if (pod.metadata.deletionTimestamp) {
    if (status.reason === 'NodeLost') reason = 'Unknown'
    else if (status.phase !== 'Succeeded' && status.phase !== 'Failed') reason = 'Terminating'
  }
  const total = listAt(pod['spec'], 'containers').length + inits.filter((each) => each['restartPolicy'] === 'Always').length
  return {ready: `${ready.length}/${total}`, reason, restarts: restarts(counted, now)}
}

/** Whether an init container lets the next one start. */
const isPast = (status: ContainerStatus, isSidecar: boolean): boolean =>
  status.state?.terminated?.exitCode === 0 || (isSidecar && status.started === true)

const initReason = ({state}: ContainerStatus, at: number, total: number): string => {
  if (state?.terminated) return `Init:${terminatedReason(state.terminated)}`
  const waiting = state?.waiting?.reason
  return waiting && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${at}/${total}`
}

const terminatedReason = (terminated: {readonly reason?: string; readonly signal?: number; readonly exitCode: number}): string =>
  terminated.reason || (terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`)

const runningReason = (status: PodStatus, containers: readonly ContainerStatus[], before: string): string => {
  let reason = before
  let failure = ''
  for (const {state} of [...containers].reverse()) {
    if (state?.waiting?.reason) reason = state.waiting.reason
    else if (state?.terminated) {
      reason = terminatedReason(state.terminated)
      if (state.terminated.exitCode !== 0) failure = reason
    }
  }
  if (reason !== 'Completed') return reason
  const isRunning = containers.some((each) => each.ready && each.state?.running)
  const isReady = status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True')
  if (isRunning && isReady) return 'Running'
  return failure || (isRunning ? 'NotReady' : reason)
}

const restarts = (statuses: readonly ContainerStatus[], now: number): string => {
  const count = statuses.reduce((sum, each) => sum + (each.restartCount ?? 0), 0)
  const ends = statuses.flatMap((each) => each.lastState?.terminated?.finishedAt ?? []).sort()
  const last = ends.at(-1)
  return count > 0 && last ? `${count} (${since(last, now)} ago)` : String(count)
}

const readinessGates = (pod: ApiObject): string => {
  const gates = listAt(pod['spec'], 'readinessGates').map((gate) => objectAt({gate}, 'gate')['conditionType'])
  if (gates.length === 0) return NONE
  const {conditions = []} = objectAt(pod, 'status') as PodStatus
  return `${gates.filter((gate) => conditions.some((each) => each.type === gate && each.status === 'True')).length}/${gates.length}`
}

export const POD_COLUMNS: readonly Column[] = [
  NAME,
  {
    name: 'Ready',
    type: 'string',
    description: 'The aggregate readiness state of this pod for accepting traffic.',
    cell: (pod, now) => summary(pod, now).ready,
  },
  {
    name: 'Status',
    type: 'string',
    description: 'The aggregate status of the containers in this pod.',
    cell: (pod, now) => summary(pod, now).reason,
  },
  {
    name: 'Restarts',
    type: 'string',
    description:
      'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
    cell: (pod, now) => summary(pod, now).restarts,
  },
  AGE,
  {name: 'IP', type: 'string', priority: 1, cell: (pod) => objectAt(pod, 'status')['podIP'] || NONE},
  {name: 'Node', type: 'string', priority: 1, cell: (pod) => objectAt(pod, 'spec')['nodeName'] || NONE},
  {name: 'Nominated Node', type: 'string', priority: 1, cell: (pod) => objectAt(pod, 'status')['nominatedNodeName'] || NONE},
  {name: 'Readiness Gates', type: 'string', priority: 1, cell: readinessGates},
]
