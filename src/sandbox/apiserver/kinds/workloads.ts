/** Deployments, ReplicaSets and Jobs: what the real server fills in and refuses (k8s.io/kubernetes: pkg/apis/apps, pkg/apis/batch). */
import {checkAmount, checkAtMostAll, isNone} from '../amounts.ts'
import {type Cause, forbiddenField, invalidValue, notServed, notSupported, required} from '../errors.ts'
import {type ApiObject, isEqual, type JsonObject, listAt, objectAt} from '../json.ts'
import {checkSelector, parseLabelSelector, selectorText, toldSelector} from '../label-selector.ts'
import {validatePod, withPodDefaults} from './pods.ts'

/** A template without its defaults would look changed to everybody who applies it again. */
const withTemplate = (workload: ApiObject, defaults: JsonObject): ApiObject => {
  const spec = objectAt(workload, 'spec')
  const template = objectAt(spec, 'template')
  const {spec: podSpec} = withPodDefaults({...workload, spec: objectAt(template, 'spec')})
  return {...workload, spec: {...defaults, ...spec, template: {...template, metadata: objectAt(template, 'metadata'), spec: podSpec}}}
}

export function withDeploymentDefaults(deployment: ApiObject): ApiObject {
  const given = objectAt(objectAt(deployment, 'spec'), 'strategy')
  const type = given['type'] ?? 'RollingUpdate'
  const rollingUpdate = {maxUnavailable: '25%', maxSurge: '25%', ...objectAt(given, 'rollingUpdate')}
  const strategy = {...given, type, ...(type === 'RollingUpdate' && {rollingUpdate})}
  const filled = withTemplate(deployment, {replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600})
  return {...filled, spec: {...objectAt(filled, 'spec'), strategy}}
}

export const withReplicaSetDefaults = (set: ApiObject): ApiObject => withTemplate(set, {replicas: 1})

export const startDeployment = (deployment: ApiObject): ApiObject => ({...deployment, status: {}})
export const startReplicaSet = (set: ApiObject): ApiObject => ({...set, status: {replicas: 0}})

const nonnegative = (spec: JsonObject, ...fields: readonly string[]): Cause[] =>
  fields
    .filter((field) => Number(spec[field] ?? 0) < 0)
    .map((field) => invalidValue(`spec.${field}`, spec[field], 'must be greater than or equal to 0'))

const templateCauses = (workload: ApiObject): readonly Cause[] => {
  const template = objectAt(objectAt(workload, 'spec'), 'template')
  const causes = validatePod({...workload, spec: objectAt(template, 'spec')})
  return causes.map((cause) => ({...cause, field: `spec.template.${cause.field}`}))
}

const MISMATCH = '`selector` does not match template `labels`'

/** In the real server's order. A selector that cannot be read leaves the template alone; one that is missing selects nothing. */
const selectedCauses = (workload: ApiObject): Cause[] => {
  const spec = objectAt(workload, 'spec')
  const selector = spec['selector']
  const refusedSelector = (why: string): Cause => invalidValue('spec.selector', toldSelector(objectAt(spec, 'selector')), why)
  const wrong = checkSelector('spec.selector', objectAt(spec, 'selector'))
  if (wrong.length > 0) return [...wrong, refusedSelector('invalid label selector')]
  const text = selectorText(objectAt(spec, 'selector'))
  const template = objectAt(spec, 'template')
  const labels = objectAt(objectAt(template, 'metadata'), 'labels') as Readonly<Record<string, string>>
  const given = Object.keys(labels).length > 0 ? labels : null
  const isMatched = selector !== undefined && parseLabelSelector(text)(labels)
  const {restartPolicy, activeDeadlineSeconds} = objectAt(template, 'spec')
  const at = 'spec.template.spec'
  const noDeadline = forbiddenField(`${at}.activeDeadlineSeconds`, 'activeDeadlineSeconds in ReplicaSet is not Supported')
  return [
    ...(selector === undefined ? [required('spec.selector')] : []),
    ...(selector !== undefined && text === '' ? [refusedSelector('empty selector is invalid for deployment')] : []),
    ...(isMatched ? [] : [invalidValue('spec.template.metadata.labels', given, MISMATCH)]),
    ...templateCauses(workload),
    ...(restartPolicy === 'Always' ? [] : [notSupported(`${at}.restartPolicy`, restartPolicy, ['Always'])]),
    ...(activeDeadlineSeconds === undefined ? [] : [noDeadline]),
  ]
}

const movedCauses = (workload: ApiObject, old: ApiObject | undefined): Cause[] => {
  const {selector} = objectAt(workload, 'spec')
  const isMoved = old && !isEqual(objectAt(old, 'spec')['selector'], selector)
  return isMoved ? [invalidValue('spec.selector', selector ?? null, 'field is immutable')] : []
}

const rollingCauses = ({maxSurge, maxUnavailable}: JsonObject): readonly Cause[] => {
  const at = 'spec.strategy.rollingUpdate'
  const isStill = isNone(maxSurge) && isNone(maxUnavailable)
  return [
    ...checkAmount(`${at}.maxUnavailable`, maxUnavailable),
    ...checkAmount(`${at}.maxSurge`, maxSurge),
    ...(isStill ? [invalidValue(`${at}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0')] : []),
    ...checkAtMostAll(`${at}.maxUnavailable`, maxUnavailable),
  ]
}

const strategyCauses = (strategy: JsonObject): readonly Cause[] => {
  const {type, rollingUpdate} = strategy
  if (type === 'RollingUpdate') return rollingCauses(objectAt(strategy, 'rollingUpdate'))
  if (type === 'Recreate')
    return rollingUpdate === undefined
      ? []
      : [forbiddenField('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'")]
  const {maxUnavailable = 0, maxSurge = 0} = objectAt(strategy, 'rollingUpdate')
  // By the names that its fields have in Go.
  const told = {Type: type, RollingUpdate: rollingUpdate === undefined ? null : {MaxUnavailable: maxUnavailable, MaxSurge: maxSurge}}
  return [notSupported('spec.strategy', told, ['Recreate', 'RollingUpdate'])]
}

export function validateDeployment(deployment: ApiObject, old?: ApiObject): readonly Cause[] {
  const spec = objectAt(deployment, 'spec')
  const {progressDeadlineSeconds: deadline, minReadySeconds = 0} = spec
  const isTooShort = deadline !== undefined && Number(deadline) <= Number(minReadySeconds)
  return [
    ...nonnegative(spec, 'replicas'),
    ...selectedCauses(deployment),
    ...strategyCauses(objectAt(spec, 'strategy')),
    ...nonnegative(spec, 'minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds'),
    ...(isTooShort ? [invalidValue('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds')] : []),
    ...movedCauses(deployment, old),
  ]
}

export const validateReplicaSet = (set: ApiObject, old?: ApiObject): readonly Cause[] => [
  ...nonnegative(objectAt(set, 'spec'), 'replicas', 'minReadySeconds'),
  ...selectedCauses(set),
  ...movedCauses(set, old),
]

const JOB = {
  backoffLimit: 6,
  completionMode: 'NonIndexed',
  suspend: false,
  podReplacementPolicy: 'TerminatingOrFailed',
  manualSelector: false,
}

export function withJobDefaults(job: ApiObject): ApiObject {
  const spec = objectAt(job, 'spec')
  const isSingle = spec['completions'] === undefined && spec['parallelism'] === undefined
  const filled = withTemplate(job, {...JOB, parallelism: 1, ...(isSingle && {completions: 1})})
  const labels = objectAt(objectAt(objectAt(spec, 'template'), 'metadata'), 'labels') as Readonly<Record<string, string>>
  if (job.metadata.labels !== undefined || Object.keys(labels).length === 0) return filled
  return {...filled, metadata: {...filled.metadata, labels}}
}

/** A job's pods are known by its UID, under the names of today and of before. */
export function startJob(job: ApiObject): ApiObject {
  const {name, uid} = job.metadata
  const spec = objectAt(job, 'spec')
  const started = {...job, status: {}}
  if (spec['manualSelector'] === true) return started
  const template = objectAt(spec, 'template')
  const metadata = objectAt(template, 'metadata')
  const given = objectAt(metadata, 'labels')
  const own = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  }
  const labels = {...given, ...own} as Readonly<Record<string, string>>
  return {
    ...started,
    // Labels that were taken over from the template stay its labels.
    ...(isEqual(job.metadata.labels, given) && {metadata: {...job.metadata, labels}}),
    spec: {
      ...spec,
      selector: {matchLabels: {'batch.kubernetes.io/controller-uid': uid}},
      template: {...template, metadata: {...metadata, labels}},
    },
  }
}

export function validateJob(job: ApiObject, old?: ApiObject): readonly Cause[] {
  const spec = objectAt(job, 'spec')
  if (spec['completionMode'] === 'Indexed') throw notServed('Jobs whose completionMode is Indexed')
  const policy = objectAt(objectAt(spec, 'template'), 'spec')['restartPolicy']
  const before = old && objectAt(old, 'spec')
  const moved = before ? ['completions', 'selector', 'template'].filter((field) => !isEqual(before[field], spec[field])) : []
  return [
    ...nonnegative(spec, 'parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'),
    ...templateCauses(job),
    // The default of pods is none for jobs.
    ...(policy === 'OnFailure' || policy === 'Never'
      ? []
      : [required('spec.template.spec.restartPolicy', 'valid values: "OnFailure", "Never"')]),
    ...moved.map((field) => invalidValue(`spec.${field}`, spec[field] ?? null, 'field is immutable')),
  ]
}

/** Names and images of a workload's containers, as `-o wide` shows them. */
export const containersOf = (workload: ApiObject): readonly JsonObject[] =>
  listAt(objectAt(objectAt(objectAt(workload, 'spec'), 'template'), 'spec'), 'containers').map((each) => objectAt({each}, 'each'))
