import type {KubeClient} from '../kube/client.ts'
import {KubeError} from '../kube/errors.ts'

/** What somebody wants to do. */
export interface Right {
  readonly verb: string
  /** Empty for the core group. */
  readonly group: string
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
}

/** Whether this user may; `true` where the server has no authorization, which refuses nothing. Throws KubeError for any other answer. */
export async function mayI(
  client: KubeClient,
  {verb, group, resource, subresource, namespace}: Right,
  signal: AbortSignal,
): Promise<boolean> {
  const resourceAttributes = {
    ...{verb, group, resource},
    ...(subresource !== undefined && {subresource}),
    ...(namespace !== undefined && {namespace}),
  }
  const answer = await client.raw({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify({apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: {resourceAttributes}}),
    signal,
  })
  const text = await answer.body.text()
  if (answer.status === 404) return true
  if (answer.status !== 201) throw new KubeError(answer.status, 'Unknown', text.slice(0, 300))
  return (JSON.parse(text) as {readonly status?: {readonly allowed?: boolean}}).status?.allowed === true
}
