import {PODS} from '../../api/core.ts'
import {OPERATOR} from '../../api/names.ts'
import type {KubeObject} from '../../api/object.ts'
import type {KubeClient} from '../../kube/client.ts'
import {mayI, type Right} from '../access-review.ts'
import {UserError} from '../user-error.ts'
import {type Look, openWatch} from '../watch.ts'
import {FIELD_MANAGER} from '../write.ts'
import {DEPLOYMENTS, type Deployment, kindOf} from './kinds.ts'
import {PART_OF} from './manifests.ts'
import type {TakeOverCall} from './take-over.ts'

/** What stands in the way of an installation, found before anything is changed. */

/** What writing these objects by server-side apply takes. */
export function rightsToApply(objects: readonly KubeObject[]): readonly Right[] {
  const wanted = new Map<string, Right>()
  for (const object of objects) {
    const {apiVersion, plural, namespaced} = kindOf(object)
    const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
    const {namespace} = object.metadata
    const right = {verb: 'patch', group, resource: plural, ...(namespaced && namespace !== undefined && {namespace})}
    wanted.set(JSON.stringify(right), right)
  }
  return [...wanted.values()]
}

/** Rejects with every right that is missing, for an administrator to read. */
export async function checkRights(client: KubeClient, rights: readonly Right[], signal: AbortSignal): Promise<void> {
  const answers = await Promise.all(rights.map(async (right) => ({right, isAllowed: await mayI(client, right, signal)})))
  const missing = answers.filter(({isAllowed}) => !isAllowed).map(({right}) => right)
  if (missing.length === 0) return
  const told = missing.map(
    ({verb, resource, group, namespace}) => `${verb} ${resource}${group && `.${group}`}${namespace ? ` in ${namespace}` : ''}`,
  )
  throw new UserError(`you may not ${told.join(', ')}`, {
    next: ['ask an administrator of the cluster to install the operator, or for these rights (and create, where it says patch)'],
  })
}

const PYTHON_OPERATOR = 'app.kubernetes.io/name=dask-kubernetes-operator'

/** Deployments of the Python operator, which serves the same resources: two operators would work against each other. */
export async function findPythonOperator(client: KubeClient, signal: AbortSignal): Promise<readonly Deployment[]> {
  const {items} = await client.list(DEPLOYMENTS, {labelSelector: PYTHON_OPERATOR, signal})
  return items.filter(({spec}) => (spec.replicas ?? 1) > 0)
}

/** Stops it and leaves its Deployments there, so that they can be looked at and taken away by whatever has installed them. */
export async function stopPythonOperator({client, timeoutMs, signal}: TakeOverCall, found: readonly Deployment[]): Promise<void> {
  for (const {metadata} of found)
    await client.patch(DEPLOYMENTS, metadata, {spec: {replicas: 0}}, {type: 'merge', fieldManager: FIELD_MANAGER, signal})
  const watch = await openWatch(client, signal)
  const pods = watch.see(PODS, {namespace: '', labelSelector: PYTHON_OPERATOR})
  const look = (): Look<true> => (pods.list().length === 0 ? {done: true} : {})
  await watch.until(look, {timeoutMs, waitingFor: () => 'the Python operator is still ending'}).finally(watch.close)
}

export const refusePythonOperator = (found: readonly Deployment[], bin: string): UserError =>
  new UserError(
    `the Python operator serves these resources already (Deployment ${found.map(({metadata}) => `${metadata.namespace}/${metadata.name}`).join(', ')})`,
    {next: [`"${bin} operator install --take-over" stops it first`]},
  )

const MANAGED_BY = 'app.kubernetes.io/managed-by'
const RELEASE = {name: 'meta.helm.sh/release-name', namespace: 'meta.helm.sh/release-namespace'}

/** Rejects where Helm keeps the operator: it would find its objects changed or missing, and put them back or fail. */
export async function refuseHelmRelease(client: KubeClient, verb: 'upgrade' | 'uninstall', signal: AbortSignal): Promise<void> {
  const {items} = await client.list(DEPLOYMENTS, {labelSelector: `${PART_OF}=${OPERATOR},${MANAGED_BY}=Helm`, signal})
  const [found] = items
  if (!found) return
  const {annotations = {}, namespace = ''} = found.metadata
  const release = annotations[RELEASE.name] ?? found.metadata.name
  const place = annotations[RELEASE.namespace] ?? namespace
  throw new UserError(`Helm has installed this operator (release ${release} in namespace "${place}"), and keeps it`, {
    next: [`helm ${verb} ${release} -n ${place}${verb === 'upgrade' ? ' CHART' : ''}`],
  })
}
