import {LEASES} from '../api/core.ts'
import {OPERATOR, SANDBOX_OPERATOR} from '../api/names.ts'
import type {KubeClient} from '../kube/client.ts'
import {isForbidden, KubeError} from '../kube/errors.ts'
import {leadersOf} from './leaders.ts'

export interface Versions {
  readonly server: {readonly gitVersion: string; readonly platform?: string}
  readonly operator: Operator | undefined
  /** In which words the server refuses to tell of the operator. */
  readonly refusal?: string
}

/** Who holds the operator's lease. Without a lease: a sandbox's own, which need not renew it. */
export interface Operator {
  readonly holder: string
  readonly lease?: string
  readonly renewed?: string
}

/** Looking at leases of all namespaces is a right of its own; the other versions are worth telling without it. */
export async function readVersions(client: KubeClient, signal: AbortSignal): Promise<Versions> {
  const unseen = (error: unknown): {readonly refusal: string} => {
    if (isForbidden(error)) return {refusal: error.message}
    throw error
  }
  const [server, seen] = await Promise.all([
    readServer(client, signal),
    readOperator(client, signal).then((operator) => ({operator}), unseen),
  ])
  return {server, operator: undefined, ...seen}
}

export const readServer = async (client: KubeClient, signal: AbortSignal): Promise<Versions['server']> => {
  const answer = await client.raw({path: '/version', signal})
  const text = await answer.body.text()
  if (answer.status !== 200) throw new KubeError(answer.status, 'Unknown', text)
  return JSON.parse(text) as Versions['server']
}

/** Resolves with `undefined` where nobody leads; rejects where we may not look. */
export const readOperator = async (client: KubeClient, signal: AbortSignal): Promise<Operator | undefined> => {
  const leases = await client.list(LEASES, {fieldSelector: `metadata.name=${OPERATOR}`, signal})
  const [leader] = leadersOf(leases.items, Date.now())
  if (!leader) return undefined
  const {holder, namespace, name, renewed} = leader
  if (holder === SANDBOX_OPERATOR) return {holder}
  return {holder, lease: `${namespace}/${name}`, renewed}
}
