import {EVENTS, type Event, PODS, type Pod} from '../api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, type DaskCluster, type DaskJob} from '../api/dask.ts'
import {hasJobEnded} from '../api/job-state.ts'
import {LABEL_CLUSTER, runnerName} from '../api/names.ts'
import type {KubeObject} from '../api/object.ts'
import {LAST_WORDS} from '../api/pod-cause.ts'
import type {KubeClient, KubeList} from '../kube/client.ts'
import {ifForbidden, ifMissing} from '../kube/errors.ts'
import {clusterProgress, firstPodProblem} from './cluster-progress.ts'
import {jobStatus} from './columns.ts'
import {conditionsBlock, EVENTS_LIMIT, eventsBlock, indent, podsBlock} from './describe-blocks.ts'
import {jobFacts} from './describe-job-facts.ts'
import {remedy} from './describe-remedy.ts'
import {eventTime} from './events.ts'
import {warn} from './output.ts'

/** A job with all that belongs to it, as it was read at one time. */
export interface JobView {
  readonly job: DaskJob
  /** Its own, or the one that it runs on; absent where there is none of that name. */
  readonly cluster?: DaskCluster
  /** The pods of its program; `undefined`: whoever reads may not see them. */
  readonly runners: readonly Pod[] | undefined
  /** Those of the cluster. */
  readonly pods: readonly Pod[]
  readonly events: readonly Event[]
}

export async function readJob(client: KubeClient, namespace: string, name: string, signal: AbortSignal): Promise<JobView> {
  const job = await client.get(DASK_JOBS, {namespace, name}, {signal})
  const clusterName = job.spec.clusterName ?? name
  // Whoever may see the job is told what of the rest there is to see.
  const seen = <T extends KubeObject>(list: Promise<KubeList<T>>): Promise<readonly T[] | undefined> =>
    list.then(({items}) => items, ifForbidden(undefined, warn))
  const [cluster, all, events = []] = await Promise.all([
    client.get(DASK_CLUSTERS, {namespace, name: clusterName}, {signal}).catch(ifMissing(undefined)).catch(ifForbidden(undefined, warn)),
    seen(client.list(PODS, {namespace, labelSelector: `${LABEL_CLUSTER}=${clusterName}`, signal})),
    seen(client.list(EVENTS, {namespace, limit: EVENTS_LIMIT, signal})),
  ])
  const isRunner = (pod: string): boolean => isRunnerOf(name, pod)
  const pods = (all ?? []).filter(({metadata}) => !isRunner(metadata.name))
  // What happens to another's cluster is told by that one's own screen.
  const own = job.spec.clusterName === undefined ? [`DaskCluster/${name}`, ...pods.map(({metadata}) => `Pod/${metadata.name}`)] : []
  const about = new Set([`DaskJob/${name}`, ...own])
  // Pods that are gone are known by their names alone.
  const told = events.filter(({involvedObject: {kind, name: of}}) => about.has(`${kind}/${of}`) || (kind === 'Pod' && isRunner(of)))
  return {
    job,
    ...(cluster && {cluster}),
    runners: all?.filter(({metadata}) => isRunner(metadata.name)),
    pods,
    events: told.toSorted((one, other) => eventTime(one).localeCompare(eventTime(other))),
  }
}

/** A further attempt's pod has a number behind its name. */
const isRunnerOf = (job: string, pod: string): boolean =>
  pod === runnerName(job) || (pod.startsWith(`${runnerName(job)}-`) && /^\d+$/.test(pod.slice(runnerName(job).length + 1)))

/** One screen: what it is, how far it has come, what is wrong with it, and what to do next. */
export function renderJob(view: JobView, bin: string, now: number): string {
  const {job, runners, events} = view
  const conditions = (job.status?.conditions ?? []).map((each) => ({...each, message: each.message.split(LAST_WORDS)[0] ?? ''}))
  const words = job.status?.message?.split(LAST_WORDS)[1]
  return [
    jobFacts(view, now),
    ...(words === undefined ? [] : [`Last words:\n${indent(words)}\n`]),
    ...conditionsBlock(conditions),
    runners ? podsBlock(runners, now, 'Runner') : 'Runner: you may not look\n',
    ...eventsBlock(events, now),
    `Next: ${nextStep(view, bin, now)}\n`,
  ].join('\n')
}

/** The command that helps most now. */
const nextStep = ({job, cluster, runners = [], pods}: JobView, bin: string, now: number): string => {
  const {metadata, spec, status} = job
  const place = `-n ${metadata.namespace}`
  const call = (verb: string): string => `${bin} job ${verb} ${metadata.name} ${place}`
  const again = `${call('delete')}, then run it`
  if (metadata.deletionTimestamp !== undefined) return 'wait: it is being deleted'
  if (jobStatus(job, now) === 'Suspended') return call('resume')
  // Only the last attempt tells how it goes; those before it have failed anyway.
  const runner = runners.filter((pod) => pod.metadata.name === (status?.jobRunnerPodName ?? runnerName(metadata.name)))
  if (hasJobEnded(job) && status?.startTime !== undefined && runner.length > 0) return call('logs')
  if (status?.reason === 'InvalidName') return `${again} by another name`
  if (hasJobEnded(job)) return call(status?.jobStatus === 'Successful' ? 'delete' : 'retry')
  if (!status?.jobStatus) return `nothing has taken this job up: "${bin} operator run" starts an operator`
  const problem = firstPodProblem(runner)
  if (problem)
    return remedy(problem, {
      namespace: metadata.namespace,
      image: `${again} with --image`,
      command: `${again} with another command`,
      less: `${again} with less --cpu and --memory`,
      logs: call('logs'),
      otherwise: call('attach'),
    })
  if (status.reason?.startsWith('Invalid')) return `kubectl edit daskjob ${metadata.name} ${place}`
  const named = spec.clusterName ?? metadata.name
  if (!cluster && spec.clusterName !== undefined) return `${bin} cluster create ${named} ${place}`
  return cluster && clusterProgress(cluster, pods).problem ? `${bin} cluster describe ${named} ${place}` : call('attach')
}
