import {DASK_CLUSTERS, type DaskWorkerGroup} from '../api/dask.ts'
import type {KubeClient} from '../kube/client.ts'
import {ifMissing} from '../kube/errors.ts'
import {endAdapting} from './end-adapting.ts'
import {tell} from './output.ts'
import {scaleGroup, waitForGroup} from './scale.ts'
import {EXIT, UserError} from './user-error.ts'

export interface RetireCall {
  readonly client: KubeClient
  readonly namespace: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly bin: string
}

/** Scales a group to nothing and waits until its workers have retired; a group whose cluster is gone has nothing left to save. */
export async function retireGroup({metadata: {name}, spec}: DaskWorkerGroup, call: RetireCall): Promise<void> {
  const {client, namespace, signal, bin} = call
  const cluster = await client.get(DASK_CLUSTERS, {namespace, name: spec.cluster}, {signal}).catch(ifMissing(undefined))
  if (!cluster || cluster.metadata.deletionTimestamp !== undefined) return
  tell(`retiring the workers of group "${name}"`)
  await endAdapting({client, namespace, cluster: spec.cluster, group: name, dryRun: false, isForGood: true, signal, bin})
  await scaleGroup(name, {client, namespace, replicas: 0, dryRun: false, signal})
  try {
    await waitForGroup({...call, cluster: spec.cluster, group: name, replicas: 0, isGrowing: false, report: () => undefined})
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode !== EXIT.timedOut) throw error
    throw new UserError(error.message, {
      next: [`wait longer with --timeout`, `"${bin} workergroup delete ${name} --now" deletes it with what its workers hold`],
      exitCode: EXIT.timedOut,
    })
  }
}
