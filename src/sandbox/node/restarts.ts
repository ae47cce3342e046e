/** When a container starts once more: after its end, and after an earlier life of the node, of which nobody saw the end. Pure. */
import type {ContainerState, Pod, PodSpec} from '../../api/core.ts'

export type Role = 'main' | 'init' | 'sidecar'

export interface Restarts {
  readonly role: Role
  readonly policy: NonNullable<PodSpec['restartPolicy']>
}

export const isToRestart = ({role, policy}: Restarts, exitCode: number): boolean =>
  role === 'init' ? policy !== 'Never' && exitCode !== 0 : policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0)

export interface EarlierRun {
  readonly restartCount: number
  readonly terminated: NonNullable<ContainerState['terminated']>
}

/** An init container runs again with the volumes of its pod, which are new. */
export const isToRunAnew = (restarts: Restarts, {terminated}: EarlierRun): boolean =>
  restarts.role === 'init' ? restarts.policy !== 'Never' : isToRestart(restarts, terminated.exitCode)

/** As the kubelet tells it (convertToAPIContainerStatuses). */
const UNSEEN = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
} as const

/** The last run of the container by the pod's own status; `undefined` where it has never run. */
export function earlierRun({status}: Pod, name: string): EarlierRun | undefined {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  const {state, lastState, restartCount = 0} = all.find((each) => each.name === name) ?? {}
  const terminated = state?.terminated ?? (state?.running ? {...UNSEEN, ...state.running} : lastState?.terminated)
  return terminated && {restartCount, terminated}
}
