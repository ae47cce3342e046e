/** The columns of Deployments, ReplicaSets and Jobs (k8s.io/kubernetes: pkg/printers/internalversion). */
import {type ApiObject, isObject, listAt, objectAt, valueAt} from '../json.ts'
import {containersOf} from '../kinds/workloads.ts'
import {selectorText} from '../label-selector.ts'
import {AGE, type Column, humanDuration, NAME} from './column.ts'

const count =
  (path: string): Column['cell'] =>
  (object) =>
    Number(valueAt(object, path) ?? 0)

const WIDE: readonly Column[] = [
  {name: 'Containers', type: 'string', priority: 1, cell: (object) => listed(object, 'name')},
  {name: 'Images', type: 'string', priority: 1, cell: (object) => listed(object, 'image')},
  {name: 'Selector', type: 'string', priority: 1, cell: (object) => selectorText(objectAt(objectAt(object, 'spec'), 'selector'))},
]

const listed = (object: ApiObject, field: string): string =>
  containersOf(object)
    .map((container) => container[field])
    .join(',')

export const DEPLOYMENT_COLUMNS: readonly Column[] = [
  NAME,
  {
    name: 'Ready',
    type: 'string',
    cell: (object, now) => `${count('status.readyReplicas')(object, now)}/${count('spec.replicas')(object, now)}`,
  },
  {name: 'Up-to-date', type: 'string', cell: count('status.updatedReplicas')},
  {name: 'Available', type: 'string', cell: count('status.availableReplicas')},
  AGE,
  ...WIDE,
]

export const REPLICA_SET_COLUMNS: readonly Column[] = [
  NAME,
  {name: 'Desired', type: 'integer', cell: count('spec.replicas')},
  {name: 'Current', type: 'integer', cell: count('status.replicas')},
  {name: 'Ready', type: 'integer', cell: count('status.readyReplicas')},
  AGE,
  ...WIDE,
]

const jobStatus = (job: ApiObject): string => {
  const holds = (type: string): boolean =>
    listAt(objectAt(job, 'status'), 'conditions').some((each) => isObject(each) && each['type'] === type && each['status'] === 'True')
  if (holds('Complete')) return 'Complete'
  if (holds('Failed')) return 'Failed'
  if (job.metadata.deletionTimestamp) return 'Terminating'
  return holds('Suspended') ? 'Suspended' : 'Running'
}

const jobCompletions = (job: ApiObject): string => {
  const {completions, parallelism} = objectAt(job, 'spec')
  const succeeded = objectAt(job, 'status')['succeeded'] ?? 0
  if (completions !== undefined) return `${succeeded}/${completions}`
  return Number(parallelism) > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}

const jobDuration = (job: ApiObject, now: number): string => {
  const {startTime, completionTime} = objectAt(job, 'status')
  if (!startTime) return ''
  return humanDuration((completionTime ? Date.parse(String(completionTime)) : now) - Date.parse(String(startTime)))
}

export const JOB_COLUMNS: readonly Column[] = [
  NAME,
  {name: 'Status', type: 'string', cell: jobStatus},
  {name: 'Completions', type: 'string', cell: jobCompletions},
  {name: 'Duration', type: 'string', cell: jobDuration},
  AGE,
  ...WIDE,
]
