import {NAMESPACES} from '../../api/core.ts'
import {SANDBOX_OPERATOR} from '../../api/names.ts'
import type {KubeObject} from '../../api/object.ts'
import type {KubeClient} from '../../kube/client.ts'
import {ifForbidden, ifMissing, isNotFound, KubeError} from '../../kube/errors.ts'
import {isOlder} from '../is-older.ts'
import {qualifiedName} from '../output.ts'
import {UserError} from '../user-error.ts'
import {readOperator, readServer} from '../versions.ts'
import {type ApplyCall, applyObject, type Change} from './apply.ts'
import type {InstallOptions} from './manifests.ts'

/** What of the cluster itself stands in the way of an installation, found before anything is changed. */

/** The same number stands in the chart (`kubeVersion`). */
export const OLDEST_KUBERNETES = '1.29'

export async function refuseOldServer(client: KubeClient, signal: AbortSignal): Promise<void> {
  const {gitVersion} = await readServer(client, signal)
  const version = gitVersion.replace(/^v/, '')
  if (isOlder(version, OLDEST_KUBERNETES))
    throw new UserError(
      `the Kubernetes API (context "${client.context}") is of version ${version}; the operator needs ${OLDEST_KUBERNETES} or later`,
      {
        next: ['upgrade the cluster first'],
      },
    )
}

/** Beside a sandbox's own operator an installed one would stand by for ever, and one for some namespaces alone would work against it. */
export async function refuseOwnOperator(client: KubeClient, bin: string, signal: AbortSignal): Promise<void> {
  // In a sandbox there is nobody who may not look.
  const operator = await readOperator(client, signal).catch(ifForbidden(undefined))
  if (operator?.holder === SANDBOX_OPERATOR)
    throw new UserError('this sandbox has an operator of its own, beside which an installed one would never lead', {
      next: [`"${bin} sandbox down", then "${bin} sandbox up --no-operator" starts it without one`],
    })
}

/** Rights can only be given in a namespace that is there; the operator's own is made first. */
export async function refuseMissingNamespaces(
  client: KubeClient,
  {namespace, watchNamespaces = []}: Pick<InstallOptions, 'namespace' | 'watchNamespaces'>,
  signal: AbortSignal,
): Promise<void> {
  const names = watchNamespaces.filter((name) => name !== namespace)
  const found = await Promise.all(names.map((name) => client.get(NAMESPACES, {name}, {signal}).catch(ifMissing(undefined))))
  const missing = names.filter((_, index) => found[index] === undefined)
  if (missing.length > 0)
    throw new UserError(`--watch-namespaces names what there is not: ${missing.join(', ')}`, {
      next: missing.map((name) => `kubectl create namespace ${name}`),
    })
}

/**
 * The namespace of the operator may not be there yet, in a rehearsal of its own making: then what lies in it is new. So is a binding of a role that
 * is not there yet: who may not `bind` it is to have all its rights, for which the server looks into the role.
 */
export const rehearse = (object: KubeObject, namespace: string, call: Omit<ApplyCall, 'dryRun'>): Promise<Change> =>
  applyObject(object, {...call, dryRun: true}).catch((error: unknown) => {
    const isInNew = object.metadata.namespace === namespace || object.kind.endsWith('RoleBinding')
    if (isInNew && isNotFound(error)) return 'created'
    throw error
  })

/** Rejects with the first object that the cluster would not take: an admission webhook or policy, a field that cannot be changed. */
export async function refuseRefused(objects: readonly KubeObject[], namespace: string, call: Omit<ApplyCall, 'dryRun'>): Promise<void> {
  const quiet = {...call, onWarning: () => undefined}
  const refusals = await Promise.all(
    objects.map((object) =>
      rehearse(object, namespace, quiet).then(
        () => undefined,
        (error: unknown) => ({object, error}),
      ),
    ),
  )
  const found = refusals.find((refusal) => refusal !== undefined)
  if (!found) return
  const {object, error} = found
  if (!(error instanceof KubeError)) throw error
  throw new UserError(`the cluster would refuse ${qualifiedName(object)}: ${error.message}`, {
    next: ['nothing has been changed: whoever keeps its policies and webhooks can let it pass'],
    cause: error,
  })
}
