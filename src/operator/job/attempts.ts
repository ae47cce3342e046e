import type {ContainerState, Pod} from '../../api/core.ts'
import type {DaskJob} from '../../api/dask.ts'
import {runnerName} from '../../api/names.ts'
import {isPodEnded, podEndedAt} from '../../api/pod-state.ts'

/** A job's program may be tried several times: `<job>-runner`, then `<job>-runner-2` and so on (as in batch/v1 Job, `backoffLimit`). */

export const attemptName = (job: string, attempt: number): string => (attempt === 1 ? runnerName(job) : `${runnerName(job)}-${attempt}`)

/** Which attempt a pod of this name is; `undefined` for another's name. */
export const attemptOf = (job: string, pod: string): number | undefined => {
  if (pod === runnerName(job)) return 1
  const number = pod.startsWith(`${runnerName(job)}-`) ? pod.slice(runnerName(job).length + 1) : ''
  return /^[1-9]\d*$/.test(number) && number !== '1' ? Number(number) : undefined
}

/** The last attempt that has been made, and its pod where that is still there. */
export interface LastAttempt {
  readonly number: number
  readonly runner: Pod | undefined
}

/** By the pods, and by the status for pods that are gone. `number` 0: none has been made. */
export function lastAttempt(job: DaskJob, runners: readonly Pod[]): LastAttempt {
  const numbered = runners.map((runner) => ({runner, number: attemptOf(job.metadata.name, runner.metadata.name) ?? 0}))
  const newest = numbered.toSorted((one, other) => other.number - one.number)[0]
  const told = job.status?.attempts ?? (job.status?.startTime === undefined ? 0 : 1)
  return newest && newest.number >= told ? newest : {number: told, runner: undefined}
}

const FIRST_PAUSE_MS = 10_000
const LONGEST_PAUSE_MS = 360_000

/** How long after a failed attempt the next one begins: 10 s, 20 s, … 6 min (batch/v1 Job). */
export const pauseAfter = (attempt: number, runner: Pod, now: number): number => {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt - 1, 10))
  return Math.max(0, Math.min(pause, podEndedAt(runner) + pause - now))
}

/** Whether the program may be tried again. A pod that restarts its containers itself counts those restarts (`restartPolicy: OnFailure`). */
export const mayTryAgain = ({spec}: DaskJob, attempt: number): boolean => attempt <= (spec.backoffLimit ?? 0)

/** A runner that restarts by itself and has failed more often than the limit allows; without a limit it may for ever, as upstream's does. */
export const hasRestartedTooOften = ({spec}: DaskJob, runner: Pod): boolean =>
  spec.backoffLimit !== undefined && runner.spec.restartPolicy !== 'Never' && !isPodEnded(runner) && failuresOf(runner) > spec.backoffLimit

/** How often the programs of a pod have failed: once for each restart, and once more for one that is about to be restarted. */
export const failuresOf = ({status}: Pod): number =>
  (status?.containerStatuses ?? []).reduce((sum, {restartCount, state, lastState}) => {
    const isAboutTo = (state?.terminated?.exitCode ?? 0) !== 0 || (state?.waiting !== undefined && lastState?.terminated !== undefined)
    return sum + restartCount + (isAboutTo ? 1 : 0)
  }, 0)

/** How the program of a pod that restarts by itself has failed last. */
export function lastFailureOf({
  status,
}: Pod): {readonly container: string; readonly terminated: NonNullable<ContainerState['terminated']>} | undefined {
  for (const {name, state, lastState} of status?.containerStatuses ?? []) {
    const terminated = state?.terminated ?? lastState?.terminated
    if (terminated && terminated.exitCode !== 0) return {container: name, terminated}
  }
  return undefined
}
