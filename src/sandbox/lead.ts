/** Who leads in a sandbox is told as everywhere, by the lease that operators agree on; so an installed one stands by beside the sandbox's own. */
import {LEASES} from '../api/core.ts'
import {LEASE_NAMESPACE, OPERATOR, SANDBOX_OPERATOR} from '../api/names.ts'
import type {KubeClient} from '../kube/client.ts'
import {ifMissing} from '../kube/errors.ts'

const LEASE = {namespace: LEASE_NAMESPACE, name: OPERATOR}
/** 68 years: the sandbox's own operator lives as long as its API server, and a process that was stopped for a while loses nothing. */
const FOR_EVER = 2 ** 31 - 1

/** No operator of an earlier life leads any more. */
export const endLead = (client: KubeClient): Promise<void> => client.delete(LEASES, LEASE).catch(ifMissing(undefined))

/** From now on the sandbox's own operator leads. */
export async function takeLead(client: KubeClient): Promise<void> {
  await endLead(client)
  const now = new Date().toISOString().replace('Z', '000Z')
  const spec = {holderIdentity: SANDBOX_OPERATOR, leaseDurationSeconds: FOR_EVER, acquireTime: now, renewTime: now}
  await client.create(LEASES, {apiVersion: LEASES.apiVersion, kind: LEASES.kind, metadata: LEASE, spec})
}
