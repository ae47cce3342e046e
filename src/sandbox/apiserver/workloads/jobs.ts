/** Jobs: pods until enough of them have succeeded, or too many have failed (k8s.io/kubernetes: pkg/controller/job). */
import {type ApiObject, type JsonObject, listAt, valueAt} from '../json.ts'
import {timestamp} from '../prepare.ts'
import {
  AT_ONCE,
  conditionsOf,
  counts,
  isActive,
  numberAt,
  type Plan,
  type Planner,
  podOf,
  readySince,
  type Said,
  specOf,
  statusOf,
  told,
} from './planning.ts'

/** The pause before the next pod doubles with each that has failed. */
const FIRST_PAUSE_MS = 10_000
const LONGEST_PAUSE_MS = 600_000

interface Tally {
  readonly active: readonly ApiObject[]
  readonly succeeded: number
  /** Pods that have failed, and restarts in pods that try again by themselves. */
  readonly failures: number
  readonly failed: readonly ApiObject[]
}

export const planJob: Planner = (job, pods, now) => {
  const end = conditionsOf(job).find(({type, status}) => (type === 'Complete' || type === 'Failed') && status === 'True')
  if (end) return afterwards(job, Date.parse(String(end['lastTransitionTime'])), now)
  const tally = tallyOf(pods)
  if (specOf(job)['suspend'] === true) {
    const suspended = told(job, {type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended'}, now)
    return {remove: tally.active, status: {...numbers(tally), conditions: [bare(suspended)]}}
  }
  const startTime = String(statusOf(job)['startTime'] ?? timestamp(now))
  const verdict = judge(job, tally, now - Date.parse(startTime))
  return verdict ? finish(job, tally, verdict, startTime, now) : goOn(job, tally, startTime, now)
}

/** Jobs have no `lastUpdateTime`. */
const bare = ({lastUpdateTime: _, ...condition}: JsonObject): JsonObject => condition

const tallyOf = (pods: readonly ApiObject[]): Tally => {
  const active = pods.filter(isActive)
  const ended = (phase: string): readonly ApiObject[] => pods.filter((pod) => statusOf(pod)['phase'] === phase)
  const restarts = active.filter((pod) => specOf(pod)['restartPolicy'] === 'OnFailure').map(restartsOf)
  const failed = ended('Failed')
  return {active, succeeded: ended('Succeeded').length, failed, failures: failed.length + restarts.reduce((total, each) => total + each, 0)}
}

const restartsOf = (pod: ApiObject): number =>
  listAt(statusOf(pod), 'containerStatuses').reduce<number>((total, each) => total + numberAt(each, 'restartCount'), 0)

const numbers = ({active, succeeded, failed}: Tally): JsonObject => ({
  ...counts({active: active.length, succeeded, failed: failed.length}),
  ready: active.filter((pod) => readySince(pod) !== undefined).length,
  terminating: 0,
  uncountedTerminatedPods: {},
})

type Verdict = readonly [first: Said, last: Said]

const judge = (job: ApiObject, {succeeded, failures, active}: Tally, age: number): Verdict | undefined => {
  const {completions, activeDeadlineSeconds} = specOf(job)
  const isEnough = completions === undefined ? succeeded > 0 && active.length === 0 : succeeded >= Number(completions)
  if (isEnough) return verdict(['SuccessCriteriaMet', 'Complete'], 'CompletionsReached', 'Reached expected number of succeeded pods')
  if (failures > numberAt(job, 'spec.backoffLimit'))
    return verdict(['FailureTarget', 'Failed'], 'BackoffLimitExceeded', 'Job has reached the specified backoff limit')
  if (activeDeadlineSeconds !== undefined && age >= Number(activeDeadlineSeconds) * 1000)
    return verdict(['FailureTarget', 'Failed'], 'DeadlineExceeded', 'Job was active longer than specified deadline')
  return undefined
}

const verdict = ([first, last]: readonly [string, string], reason: string, message: string): Verdict => [
  {type: first, status: 'True', reason, message},
  {type: last, status: 'True', reason, message},
]

const finish = (job: ApiObject, tally: Tally, [first, last]: Verdict, startTime: string, now: number): Plan => ({
  remove: tally.active,
  status: {
    ...numbers({...tally, active: []}),
    startTime,
    ...(last.type === 'Complete' && {completionTime: timestamp(now)}),
    conditions: [first, last].map((said) => ({...bare(told(job, said, now)), lastProbeTime: timestamp(now)})),
  },
})

const afterwards = (job: ApiObject, endedAt: number, now: number): Plan => {
  const {ttlSecondsAfterFinished: seconds} = specOf(job)
  if (seconds === undefined) return {status: statusOf(job)}
  const left = endedAt + Number(seconds) * 1000 - now
  return left > 0 ? {status: statusOf(job), wakeAfter: left} : {status: statusOf(job), isOver: true}
}

const goOn = (job: ApiObject, tally: Tally, startTime: string, now: number): Plan => {
  const {completions, activeDeadlineSeconds} = specOf(job)
  const parallelism = numberAt(job, 'spec.parallelism')
  const open = completions === undefined ? (tally.succeeded > 0 ? 0 : parallelism) : Number(completions) - tally.succeeded
  const missing = Math.min(parallelism, open) - tally.active.length
  const pause = missing > 0 ? pauseOf(tally.failed, now) : 0
  const waits = [
    ...(pause > 0 ? [pause] : []),
    ...(activeDeadlineSeconds === undefined ? [] : [Date.parse(startTime) + Number(activeDeadlineSeconds) * 1000 - now]),
  ]
  const resumed = {type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed'} as const
  const wasSuspended = conditionsOf(job).some(({type}) => type === 'Suspended')
  return {
    create: pause > 0 ? [] : Array.from({length: Math.max(0, Math.min(missing, AT_ONCE))}, () => podOf(job)),
    remove: missing < 0 ? tally.active.slice(missing) : [],
    status: {...numbers(tally), startTime, ...(wasSuspended && {conditions: [bare(told(job, resumed, now))]})},
    ...(waits.length > 0 && {wakeAfter: Math.min(...waits)}),
  }
}

const pauseOf = (failed: readonly ApiObject[], now: number): number => {
  if (failed.length === 0) return 0
  const last = Math.max(...failed.map(endedAt))
  return last + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failed.length - 1)) - now
}

const endedAt = (pod: ApiObject): number => {
  const ends = listAt(statusOf(pod), 'containerStatuses').map((each) => Date.parse(String(valueAt(each, 'state.terminated.finishedAt'))))
  const known = ends.filter((time) => !Number.isNaN(time))
  return known.length > 0 ? Math.max(...known) : Date.parse(pod.metadata.creationTimestamp ?? '')
}
