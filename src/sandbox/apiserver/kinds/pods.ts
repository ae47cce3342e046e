/** Pods: what the real server fills in and refuses (k8s.io/kubernetes: pkg/apis/core/v1/defaults.go, core/validation, registry/core/pod). */
import {type Cause, duplicate, forbiddenField, invalidValue, notSupported, required} from '../errors.ts'
import {type ApiObject, isEqual, isObject, type JsonObject, listAt, objectAt, without} from '../json.ts'
import {dnsLabel, refused} from '../names.ts'
import {checkMounts, checkVariable, checkVolumes} from './pod-volumes.ts'

/** pkg/apis/core/v1/defaults.go: SetDefaults_PodSpec. */
const SPEC = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
  enableServiceLinks: true,
}
/** Admission plugins ServiceAccount and Priority. */
const ADMITTED = {serviceAccountName: 'default', serviceAccount: 'default', priority: 0, preemptionPolicy: 'PreemptLowerPriority'}
const CONTAINER = {resources: {}, terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File'}
const PROBE = {timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3}
const HTTP_GET = {path: '/', scheme: 'HTTP'}
const FILE_VOLUMES = ['configMap', 'secret', 'downwardAPI', 'projected']
/** Admission plugin DefaultTolerationSeconds. */
const TOLERATIONS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}))

export function withPodDefaults(pod: ApiObject): ApiObject {
  const spec = objectAt(pod, 'spec')
  const filled: JsonObject = {
    ...SPEC,
    ...spec,
    ...(spec['serviceAccountName'] !== undefined && {serviceAccount: spec['serviceAccountName']}),
    containers: listAt(spec, 'containers').map(withContainerDefaults),
    ...(spec['initContainers'] !== undefined && {initContainers: listAt(spec, 'initContainers').map(withContainerDefaults)}),
    ...(spec['volumes'] !== undefined && {volumes: listAt(spec, 'volumes').map(withVolumeDefaults)}),
  }
  return {...pod, spec: filled}
}

/** What admission adds to every pod. */
export function admitPod(pod: ApiObject): ApiObject {
  const spec = objectAt(pod, 'spec')
  const tolerations = listAt(spec, 'tolerations')
  const tolerated = (key: string): boolean =>
    tolerations.some((each) => isObject(each) && (each['key'] === key || (!each['key'] && each['operator'] === 'Exists')))
  const missing = TOLERATIONS.filter(({key}) => !tolerated(key))
  return {
    ...pod,
    spec: {...ADMITTED, ...spec, ...(tolerations.length + missing.length > 0 && {tolerations: [...tolerations, ...missing]})},
  }
}

const withContainerDefaults = (container: unknown): unknown => {
  if (!isObject(container)) return container
  const image = typeof container['image'] === 'string' ? container['image'] : ''
  const filled: Record<string, unknown> = {...CONTAINER, imagePullPolicy: pullPolicy(image), ...container}
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    if (isObject(container[probe])) filled[probe] = {...PROBE, ...withHttpDefaults(container[probe])}
  }
  if (isObject(container['lifecycle']))
    filled['lifecycle'] = Object.fromEntries(
      Object.entries(container['lifecycle']).map(([hook, handler]) => [hook, withHttpDefaults(handler)]),
    )
  if (container['env'] !== undefined) filled['env'] = listAt(container, 'env').map(withFieldRefDefault)
  const resources = objectAt(container, 'resources')
  if (resources['limits'])
    filled['resources'] = {...resources, requests: {...objectAt(resources, 'limits'), ...objectAt(resources, 'requests')}}
  return filled
}

const withHttpDefaults = (handler: unknown): JsonObject =>
  isObject(handler) && isObject(handler['httpGet']) ? {...handler, httpGet: {...HTTP_GET, ...handler['httpGet']}} : (handler as JsonObject)

const withFieldRefDefault = (env: unknown): unknown => {
  const from = objectAt(env, 'valueFrom')
  if (!isObject(env) || !isObject(from['fieldRef'])) return env
  return {...env, valueFrom: {...from, fieldRef: {apiVersion: 'v1', ...from['fieldRef']}}}
}

const withVolumeDefaults = (volume: unknown): unknown => {
  if (!isObject(volume)) return volume
  if (Object.keys(volume).length === 1) return {...volume, emptyDir: {}}
  const source = FILE_VOLUMES.find((each) => isObject(volume[each]))
  return source ? {...volume, [source]: {defaultMode: 420, ...objectAt(volume, source)}} : volume
}

const pullPolicy = (image: string): string => {
  const last = image.slice(image.lastIndexOf('/') + 1)
  if (last.includes('@')) return 'IfNotPresent'
  return !last.includes(':') || last.endsWith(':latest') ? 'Always' : 'IfNotPresent'
}

/** A new pod is Pending, whatever status it was sent with. */
export function startPod(pod: ApiObject): ApiObject {
  return {...admitPod(pod), status: {phase: 'Pending', qosClass: qosClass(pod)}}
}

const qosClass = (pod: ApiObject): string => {
  const resources = ['containers', 'initContainers'].flatMap((list) => listAt(pod['spec'], list).map((each) => objectAt(each, 'resources')))
  const named = resources.flatMap((each) => [objectAt(each, 'requests'), objectAt(each, 'limits')])
  if (named.every((each) => each['cpu'] === undefined && each['memory'] === undefined)) return 'BestEffort'
  const isGuaranteed = resources.every((each) => {
    const limits = objectAt(each, 'limits')
    const requests = objectAt(each, 'requests')
    return ['cpu', 'memory'].every((name) => limits[name] !== undefined && limits[name] === requests[name])
  })
  return isGuaranteed ? 'Guaranteed' : 'Burstable'
}

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never']

export function validatePod(pod: ApiObject, old?: ApiObject): Cause[] {
  const spec = objectAt(pod, 'spec')
  const volumes = checkVolumes(spec)
  const causes: Cause[] = [...volumes.causes]
  const containers = listAt(spec, 'containers')
  if (containers.length === 0) causes.push(required('spec.containers'))
  const names = new Set<unknown>()
  for (const list of ['initContainers', 'containers']) {
    for (const [at, container] of listAt(spec, list).entries()) {
      const path = `spec.${list}[${at}]`
      const {name} = objectAt({container}, 'container')
      if (names.has(name)) causes.push(duplicate(`${path}.name`, name))
      names.add(name)
      causes.push(...validateContainer(objectAt({container}, 'container'), path, volumes.names))
    }
  }
  if (!RESTART_POLICIES.includes(String(spec['restartPolicy'])))
    causes.push(notSupported('spec.restartPolicy', spec['restartPolicy'], RESTART_POLICIES))
  if (Number(spec['terminationGracePeriodSeconds'] ?? 0) < 0)
    causes.push(
      invalidValue('spec.terminationGracePeriodSeconds', spec['terminationGracePeriodSeconds'], 'must be greater than or equal to 0'),
    )
  if (old && !isEqual(changeable(spec), changeable(objectAt(old, 'spec')))) causes.push(forbiddenField('spec', IMMUTABLE))
  return causes
}

const IMMUTABLE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,' +
  '`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

/** The spec without the fields that may change. `nodeName` only changes through the binding. */
const changeable = (spec: JsonObject): JsonObject => {
  const withoutImages = (list: string): readonly unknown[] =>
    listAt(spec, list).map((container) => (isObject(container) ? without(container, 'image') : container))
  return {
    ...without(spec, 'activeDeadlineSeconds', 'schedulingGates', 'tolerations'),
    containers: withoutImages('containers'),
    initContainers: withoutImages('initContainers'),
  }
}

const validateContainer = (container: JsonObject, path: string, volumes: ReadonlySet<unknown>): Cause[] => {
  const {name, image} = container
  const causes: Cause[] = []
  if (!name) causes.push(required(`${path}.name`))
  else causes.push(...refused(`${path}.name`, name, dnsLabel(String(name))))
  if (!image) causes.push(required(`${path}.image`))
  for (const [at, port] of listAt(container, 'ports').entries()) {
    const number = objectAt({port}, 'port')['containerPort']
    if (!number) causes.push(required(`${path}.ports[${at}].containerPort`))
    else if (!isPort(number))
      causes.push(invalidValue(`${path}.ports[${at}].containerPort`, number, 'must be between 1 and 65535, inclusive'))
  }
  for (const [at, env] of listAt(container, 'env').entries()) {
    if (!objectAt({env}, 'env')['name']) causes.push(required(`${path}.env[${at}].name`))
    causes.push(...checkVariable(env, `${path}.env[${at}]`))
  }
  causes.push(...checkMounts(container, path, volumes))
  return causes
}

const isPort = (value: unknown): boolean => typeof value === 'number' && value >= 1 && value <= 65_535
