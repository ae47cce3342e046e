import {LEASES} from '../api/core.ts'
import {OPERATOR} from '../api/names.ts'
import type {KubeClient} from '../kube/client.ts'
import {KubeError} from '../kube/errors.ts'
import {leadersOf} from './leaders.ts'

export interface Versions {
  readonly server: {readonly gitVersion: string; readonly platform?: string}
  /** Who holds the operator's lease; `undefined` where nobody does, or where we may not look. A sandbox's own operator needs none. */
  readonly operator: {readonly holder: string; readonly lease?: string; readonly renewed?: string} | undefined
}

export async function readVersions(client: KubeClient, signal: AbortSignal): Promise<Versions> {
  const [server, operator] = await Promise.all([readServer(client, signal), readOperator(client, signal)])
  return {server, operator: operator ?? (server.gitVersion.endsWith('+sandbox') ? {holder: "the sandbox's own"} : undefined)}
}

export const readServer = async (client: KubeClient, signal: AbortSignal): Promise<Versions['server']> => {
  const answer = await client.raw({path: '/version', signal})
  const text = await answer.body.text()
  if (answer.status !== 200) throw new KubeError(answer.status, 'Unknown', text)
  return JSON.parse(text) as Versions['server']
}

const readOperator = async (client: KubeClient, signal: AbortSignal): Promise<Versions['operator']> => {
  const leases = await client.list(LEASES, {fieldSelector: `metadata.name=${OPERATOR}`, signal}).catch((error: unknown) => {
    // Looking at leases of all namespaces is a right of its own; the versions are worth telling without it.
    if (error instanceof KubeError && error.status === 403) return {items: []}
    throw error
  })
  const [leader] = leadersOf(leases.items, Date.now())
  if (!leader) return undefined
  const {holder, namespace, name, renewed} = leader
  return {holder, lease: `${namespace}/${name}`, renewed}
}
