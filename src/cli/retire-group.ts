import {DASK_CLUSTERS, type DaskWorkerGroup} from '../api/dask.ts'
import {defaultGroupName} from '../api/names.ts'
import type {Condition} from '../api/object.ts'
import {isControlledBy} from '../api/ownership.ts'
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

/** A cluster's own group would be made anew at once, and its workers be gone for nothing. */
export async function refuseOwnGroup(
  group: DaskWorkerGroup,
  {client, namespace, signal, bin}: Omit<RetireCall, 'timeoutMs'>,
): Promise<UserError | undefined> {
  const {name} = group.metadata
  const {cluster: owner} = group.spec
  if (name !== defaultGroupName(owner)) return undefined
  const cluster = await client.get(DASK_CLUSTERS, {namespace, name: owner}, {signal}).catch(ifMissing(undefined))
  if (!cluster || cluster.metadata.deletionTimestamp !== undefined || !isControlledBy(group, cluster)) return undefined
  return new UserError(`DaskWorkerGroup "${name}" is the own group of DaskCluster "${owner}", which would make it anew`, {
    next: [
      `"${bin} cluster scale ${owner} 0" takes its workers away`,
      `"${bin} cluster suspend ${owner}" takes all of its pods`,
      `"${bin} cluster delete ${owner}" deletes the cluster`,
    ],
  })
}

/** Scales a group to nothing and waits until its workers have retired; a group whose cluster is gone has nothing left to save. */
export async function retireGroup({metadata: {name}, spec}: DaskWorkerGroup, call: RetireCall): Promise<void> {
  const {client, namespace, signal, bin} = call
  const cluster = await client.get(DASK_CLUSTERS, {namespace, name: spec.cluster}, {signal}).catch(ifMissing(undefined))
  if (!cluster || cluster.metadata.deletionTimestamp !== undefined) return
  tell(`retiring the workers of group "${name}"`)
  await endAdapting({client, namespace, cluster: spec.cluster, group: name, dryRun: false, isForGood: true, signal, bin})
  await scaleGroup(name, {client, namespace, replicas: 0, dryRun: false, signal})
  const told = new Set<string>()
  const onBlocked = ({reason, message}: Condition): void => {
    if (!told.has(reason)) tell(`group "${name}" waits: ${reason}: ${message}`)
    told.add(reason)
  }
  try {
    const wait = {...call, cluster: spec.cluster, group: name, replicas: 0, isGrowing: false}
    await waitForGroup({...wait, report: () => undefined, onBlocked})
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode !== EXIT.timedOut) throw error
    throw new UserError(error.message, {
      next: [`wait longer with --timeout`, `"${bin} workergroup delete ${name} --now" deletes it with what its workers hold`],
      exitCode: EXIT.timedOut,
    })
  }
}
