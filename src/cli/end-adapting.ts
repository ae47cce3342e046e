import {boundsOf} from '../api/autoscaler-bounds.ts'
import {DASK_AUTOSCALERS} from '../api/dask.ts'
import type {KubeClient} from '../kube/client.ts'
import {ifMissing, isNotFound, KubeError} from '../kube/errors.ts'
import {autoscalersOf} from './autoscalers.ts'
import {tell, warn} from './output.ts'

export interface EndAdaptingCall {
  readonly client: KubeClient
  readonly namespace: string
  readonly cluster: string
  readonly group: string
  readonly dryRun: boolean
  /** The group itself goes next. */
  readonly isForGood?: boolean
  readonly signal: AbortSignal
  readonly bin: string
}

/**
 * Takes away what would set a group's number back at once: who scales by hand does not want it to follow the load any more, as in the
 * Python client. Says so.
 */
export async function endAdapting({client, namespace, cluster, group, dryRun, isForGood, signal, bin}: EndAdaptingCall): Promise<void> {
  const found = await autoscalersOf(client, namespace, cluster, group, signal).catch((error: unknown) => {
    // Where nobody has installed the definition of autoscalers there are none.
    if (isNotFound(error)) return []
    if (!(error instanceof KubeError) || error.status !== 403) throw error
    warn(`whether the number follows the load cannot be seen, and an autoscaler would set it back: ${error.message}`)
    return []
  })
  for (const autoscaler of found) {
    const {name, uid} = autoscaler.metadata
    const {minimum, maximum} = boundsOf(autoscaler)
    await client.delete(DASK_AUTOSCALERS, {namespace, name}, {dryRun, signal, ...(uid !== undefined && {uid})}).catch(ifMissing(undefined))
    if (isForGood) {
      tell(`DaskAutoscaler "${name}" is deleted with its group`)
      continue
    }
    const back = `${bin} cluster adapt ${cluster}${autoscaler.spec.workerGroup === undefined ? '' : ` --group ${group}`}`
    tell(
      `DaskAutoscaler "${name}" ${dryRun ? 'would be' : 'is'} deleted: the number no longer follows the load ("${back} --min ${minimum} --max ${maximum}" brings that back)`,
    )
  }
}
