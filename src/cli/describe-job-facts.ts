import {findCondition} from '../api/conditions.ts'
import type {DaskJob} from '../api/dask.ts'
import {hasJobEnded} from '../api/job-state.ts'
import {LAST_WORDS} from '../api/pod-cause.ts'
import type {Row} from './cluster-numbers.ts'
import {clusterProgress} from './cluster-progress.ts'
import {clusterStatus, jobStatus, jobTime} from './columns.ts'
import type {JobView} from './describe-job.ts'
import {formatAge, formatDuration} from './duration.ts'
import {alignCells} from './table.ts'

/** What a job is and how far it has come, line by line. */
export function jobFacts(view: JobView, now: number): string {
  const {job} = view
  const {metadata, spec, status} = job
  const rows: readonly Row[] = [
    ['Name:', metadata.name],
    ['Namespace:', metadata.namespace],
    ['Status:', [jobStatus(job, now), reasonOf(job)].filter(Boolean).join(': ')],
    ['Exit code:', status?.exitCode === undefined ? undefined : String(status.exitCode)],
    ['Attempts:', attempts(job)],
    ['Began:', status?.startTime && `${formatAge(status.startTime, now)} ago${status.endTime ? `, ran for ${jobTime(job, now)}` : ''}`],
    ['Deadline:', deadline(job, now)],
    ['Deletion:', removal(job, now)],
    ...clusterRows(view, now),
    ['Image:', spec.job?.spec.containers[0]?.image],
    ['Age:', formatAge(metadata.creationTimestamp, now)],
  ]
  return alignCells(rows.filter((row): row is readonly [string, string] => Boolean(row[1])))
}

/** Its reason and message, which may be missing, or say no more than the status does. */
const reasonOf = (job: DaskJob): string => {
  const {reason, message} = job.status ?? {}
  const fact = message?.split(LAST_WORDS)[0]
  const isPlain = reason === undefined || ['Running', 'Starting', 'Succeeded', 'Suspended', 'Error'].includes(reason)
  return [isPlain ? undefined : reason, fact].filter(Boolean).join(': ')
}

const attempts = ({spec, status}: DaskJob): string | undefined => {
  const made = status?.attempts ?? (status?.startTime === undefined ? 0 : 1)
  const most = (spec.backoffLimit ?? 0) + 1
  return made > 1 || most > 1 ? `${made} of ${most}` : undefined
}

/** Counted from the job's creation or its last resumption. */
const deadline = (job: DaskJob, now: number): string | undefined => {
  const {metadata, spec, status} = job
  if (spec.activeDeadlineSeconds === undefined) return undefined
  const resumed = Date.parse(findCondition(status?.conditions, 'Suspended')?.lastTransitionTime ?? '') || 0
  const made = Date.parse(metadata.creationTimestamp ?? '')
  const left = Math.max(made, resumed) + spec.activeDeadlineSeconds * 1000 - now
  const rule = `${formatDuration(spec.activeDeadlineSeconds * 1000)} after it was ${resumed > made ? 'resumed' : 'made'}`
  const isCounting = !hasJobEnded(job) && spec.suspend !== true && left > 0
  return isCounting ? `${rule}, in ${formatDuration(left)}` : rule
}

const removal = (job: DaskJob, now: number): string | undefined => {
  const {ttlSecondsAfterFinished: ttl} = job.spec
  if (ttl === undefined) return undefined
  const left = Date.parse(job.status?.endTime ?? '') + ttl * 1000 - now
  return `${formatDuration(ttl * 1000)} after its end${left > 0 ? `, in ${formatDuration(left)}` : ''}`
}

const POLICIES = {Always: "goes at the job's end", OnSuccess: 'goes when the job has succeeded', Never: 'stays'} as const

const clusterRows = ({job, cluster, pods}: JobView, now: number): readonly Row[] => {
  const {metadata, spec} = job
  const name = spec.clusterName ?? metadata.name
  if (!cluster) return [['Cluster:', `${name} (${hasJobEnded(job) ? 'it has gone' : 'there is none of this name'})`]]
  const whose = spec.clusterName === undefined ? `of its own, ${POLICIES[spec.clusterDeletionPolicy ?? 'Always']}` : 'which stays'
  const {steps} = clusterProgress(cluster, pods)
  const detail = (step: string): string | undefined => steps.find((each) => each.name === step)?.detail
  return [
    ['Cluster:', `${name} (${clusterStatus(cluster, now)}), ${whose}`],
    ['Scheduler:', [detail('scheduler'), cluster.status?.schedulerAddress].filter(Boolean).join(', ')],
    ['Workers:', detail('workers')],
  ]
}
