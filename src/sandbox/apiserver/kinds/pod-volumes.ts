/** Volumes of pods, and where containers mount them: the node makes folders and files by these names (k8s.io/kubernetes: core/validation). */
import {type Cause, duplicate, invalidValue, required} from '../errors.ts'
import {isObject, type JsonObject, listAt, objectAt} from '../json.ts'
import {checkKey, dnsLabel, refused} from '../names.ts'

const objectsAt = (value: unknown, field: string): readonly JsonObject[] => listAt(value, field).map((each) => (isObject(each) ? each : {}))

/** What is wrong with the volumes of a pod, and the names of those that are right: only these can be mounted. */
export function checkVolumes(spec: JsonObject): {readonly causes: readonly Cause[]; readonly names: ReadonlySet<unknown>} {
  const names = new Set<unknown>()
  const causes = objectsAt(spec, 'volumes').flatMap((volume, at) => {
    const path = `spec.volumes[${at}]`
    const {name} = volume
    const wrong = [
      ...checkSource(volume, path),
      ...(name ? refused(`${path}.name`, name, dnsLabel(String(name))) : [required(`${path}.name`)]),
      ...(names.has(name) ? [duplicate(`${path}.name`, name)] : []),
    ]
    if (wrong.length === 0) names.add(name)
    return wrong
  })
  return {causes, names}
}

const checkSource = (volume: JsonObject, path: string): readonly Cause[] => {
  const {secret, persistentVolumeClaim: claim, downwardAPI, configMap, projected} = volume
  if (isObject(secret)) return checkFiles(secret, `${path}.secret`, 'secretName')
  if (isObject(claim)) return missing(claim, `${path}.persistentVolumeClaim`, 'claimName')
  if (isObject(downwardAPI))
    return [...checkMode(downwardAPI, `${path}.downwardAPI`, 'defaultMode'), ...checkTold(downwardAPI, `${path}.downwardAPI`)]
  if (isObject(configMap)) return checkFiles(configMap, `${path}.configMap`, 'name')
  if (!isObject(projected)) return []
  const sources = objectsAt(projected, 'sources').flatMap((source, at) => checkProjection(source, `${path}.projected`, `sources[${at}]`))
  return [...checkMode(projected, `${path}.projected`, 'defaultMode'), ...sources]
}

const checkProjection = (source: JsonObject, path: string, at: string): readonly Cause[] => {
  const {secret, configMap, downwardAPI, serviceAccountToken} = source
  return [
    ...(isObject(secret) ? checkFiles(secret, `${path}.${at}.secret`, 'name') : []),
    ...(isObject(configMap) ? checkFiles(configMap, `${path}.${at}.configMap`, 'name') : []),
    ...(isObject(downwardAPI) ? checkTold(downwardAPI, `${path}.${at}.downwardAPI`) : []),
    // The real server leaves the source out of the place.
    ...(isObject(serviceAccountToken) ? checkFile(serviceAccountToken, path) : []),
  ]
}

const missing = (object: JsonObject, path: string, field: string): readonly Cause[] => (object[field] ? [] : [required(`${path}.${field}`)])

/** Of a ConfigMap or Secret. */
const checkFiles = (source: JsonObject, path: string, name: string): readonly Cause[] => [
  ...missing(source, path, name),
  ...checkMode(source, path, 'defaultMode'),
  ...objectsAt(source, 'items').flatMap((item, at) => [
    ...missing(item, `${path}.items[${at}]`, 'key'),
    ...checkFile(item, `${path}.items[${at}]`),
  ]),
]

/** Of the downward API. The real server does not say which of the files it is. */
const checkTold = (source: JsonObject, path: string): readonly Cause[] =>
  objectsAt(source, 'items').flatMap((item) => checkFile(item, path))

const checkFile = (file: JsonObject, path: string): readonly Cause[] => {
  const inside = String(file['path'] ?? '')
  const isKept = inside.startsWith('..') && !inside.startsWith('../')
  return [
    ...missing(file, path, 'path'),
    ...checkDescending(inside, `${path}.path`),
    ...(isKept ? [invalidValue(`${path}.path`, inside, "must not start with '..'")] : []),
    ...checkMode(file, path, 'mode'),
  ]
}

const checkDescending = (path: string, field: string): readonly Cause[] => [
  ...(path.startsWith('/') ? [invalidValue(field, path, 'must be a relative path')] : []),
  ...(path.split('/').includes('..') ? [invalidValue(field, path, "must not contain '..'")] : []),
]

const checkMode = (object: JsonObject, path: string, field: string): readonly Cause[] => {
  const mode = Number(object[field] ?? 0)
  return mode < 0 || mode > 0o777
    ? [invalidValue(`${path}.${field}`, mode, 'must be a number between 0 and 0777 (octal), both inclusive')]
    : []
}

/** `volumes`: the names that can be mounted. */
export const checkMounts = (container: JsonObject, path: string, volumes: ReadonlySet<unknown>): readonly Cause[] =>
  objectsAt(container, 'volumeMounts').flatMap((mount, at) => {
    const {name, mountPath, subPath = '', subPathExpr = ''} = mount
    const place = `${path}.volumeMounts[${at}]`
    const unknown = {reason: 'FieldValueNotFound', message: `Not found: ${JSON.stringify(name)}`, field: `${place}.name`}
    return [
      ...(volumes.has(name) ? [] : [unknown]),
      ...(mountPath ? [] : [required(`${place}.mountPath`)]),
      // The real server leaves the index out of these.
      ...checkDescending(String(subPath), `${path}.volumeMounts.subPath`),
      ...checkDescending(String(subPathExpr), `${path}.volumeMounts.subPathExpr`),
    ]
  })

/** The key that a variable of a container comes from. */
export const checkVariable = (env: unknown, path: string): readonly Cause[] =>
  ['configMapKeyRef', 'secretKeyRef'].flatMap((kind) => {
    const ref = objectAt(objectAt(env, 'valueFrom'), kind)
    const field = `${path}.valueFrom.${kind}`
    if (!isObject(objectAt(env, 'valueFrom')[kind])) return []
    return ref['key'] ? checkKey(`${field}.key`, String(ref['key'])) : missing(ref, field, 'key')
  })
