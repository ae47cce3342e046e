import type {ContainerState, ContainerStatus, Pod} from './core.ts'

/** Why a pod does not run, in the words of whoever refused it: `reason` is one CamelCase word, `message` one line. */
export interface PodCause {
  readonly reason: string
  readonly message: string
}

type Terminated = NonNullable<ContainerState['terminated']>

/** Waiting reasons that only mean that the pod is on its way. */
const ON_ITS_WAY = new Set(['ContainerCreating', 'PodInitializing'])
const MAX_MESSAGE = 300

/**
 * The cause that keeps a pod from running; `undefined` for a pod that runs, has succeeded or is on its way.
 * A pod that runs and has not passed its readiness probe yet has no cause: it may still be starting.
 */
export function podCause(pod: Pod): PodCause | undefined {
  const cause = toldCause(pod)
  const words = cause && FORMER_PROGRAM.exec(cause.message)?.[1]?.split('-')
  if (!words) return cause
  const [program, args] = [words.join('-'), words.join(', ')]
  return {...cause, message: `${cause.message}; the image has no ${program}, as new releases of Dask: write args: [${args}, …]`}
}

/** In the words of container runtimes, of shells and of tini, which many images start with. */
const FORMER_PROGRAM =
  /(?:^|[\s"/])(dask-(?:scheduler|(?:cuda-)?worker))(?:"?: (?:executable file |command )?not found|"?: (?:stat \S+: )?no such file| failed: no such file)/i

const toldCause = (pod: Pod): PodCause | undefined => {
  const {phase, reason, message} = pod.status ?? {}
  if (phase === 'Succeeded') return undefined
  const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
  if (phase === 'Failed') {
    if (reason !== undefined) return {reason, message: oneLine(message) || `the pod failed: ${reason}`}
    return firstOf(containers, ended) ?? {reason: 'Failed', message: oneLine(message) || 'the pod failed'}
  }
  return firstOf(containers, waiting) ?? notScheduled(pod) ?? firstOf(containers, ended)
}

/** How the container that decides a pod's end has ended: the first failed one, else the first that ended. */
export function podExit(pod: Pod): {readonly exitCode: number; readonly container: string; readonly terminated: Terminated} | undefined {
  const exits = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].flatMap(({name, state}) =>
    state?.terminated ? [{exitCode: state.terminated.exitCode, container: name, terminated: state.terminated}] : [],
  )
  return (
    exits.find(({exitCode}) => exitCode !== 0) ??
    (pod.status?.containerStatuses ?? []).flatMap(({name}) => exits.filter((exit) => exit.container === name))[0]
  )
}

const firstOf = (
  containers: readonly ContainerStatus[],
  look: (container: ContainerStatus) => PodCause | undefined,
): PodCause | undefined => {
  for (const container of containers) {
    const cause = look(container)
    if (cause) return cause
  }
  return undefined
}

const waiting = ({name, state, lastState}: ContainerStatus): PodCause | undefined => {
  const {reason, message} = state?.waiting ?? {}
  if (reason === undefined || ON_ITS_WAY.has(reason)) return undefined
  const last = lastState?.terminated
  if (reason === 'CrashLoopBackOff' && last)
    return {reason, message: `${exitSentence(name, last)}; ${oneLine(message) || 'it is restarted after a pause'}`}
  return {reason, message: oneLine(message) || `container "${name}" waits: ${reason}`}
}

const notScheduled = (pod: Pod): PodCause | undefined => {
  const scheduled = pod.status?.conditions?.find(({type}) => type === 'PodScheduled')
  if (scheduled?.status !== 'False' || scheduled.reason === undefined) return undefined
  return {reason: scheduled.reason, message: oneLine(scheduled.message) || 'no node takes the pod'}
}

const ended = ({name, state}: ContainerStatus): PodCause | undefined => {
  const terminated = state?.terminated
  if (!terminated || terminated.exitCode === 0) return undefined
  return {reason: terminated.reason ?? 'Error', message: exitSentence(name, terminated)}
}

/** What a job's message has between the fact and the end of the program's log. */
export const LAST_WORDS = '; its last words:\n'

/** `container "worker" exited with code 137 (OOMKilled): its last words`. */
export const exitSentence = (container: string, {exitCode, reason, message}: Terminated): string => {
  const why = reason !== undefined && reason !== 'Error' && reason !== 'Completed' ? ` (${reason})` : ''
  const words = lastLine(message)
  return `container "${container}" exited with code ${exitCode}${why}${words === '' ? '' : `: ${words}`}`
}

const oneLine = (text: string | undefined): string => cut((text ?? '').trim().replaceAll(/\s*\n\s*/g, ' '))

/** A termination message is often the end of a log: its last line says most. */
const lastLine = (text: string | undefined): string => cut((text ?? '').trim().split('\n').at(-1)?.trim() ?? '')

const cut = (text: string): string => (text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE - 1)}…` : text)
