import {PODS} from '../../api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, type DaskJob} from '../../api/dask.ts'
import {runnerName} from '../../api/names.ts'
import type {KubeObject, Ref} from '../../api/object.ts'
import type {Controller, Reader} from '../engine/contract.ts'
import {type JobWorld, planJob} from './plan.ts'
import {failedJobStatus} from './status.ts'

/** Gives each DaskJob a cluster and a runner, tells how the runner ended, and takes the cluster away again. */
export const jobController: Controller<DaskJob, JobWorld> = {
  kind: DASK_JOBS,
  owns: [DASK_CLUSTERS, PODS],
  watches: [
    {kind: DASK_CLUSTERS, keysOf: (cluster) => [refIn(cluster, cluster.metadata.name)]},
    {kind: PODS, keysOf: holder},
  ],
  observe: observeJob,
  plan: planJob,
  failed: failedJobStatus,
}

export function observeJob({metadata: {name, namespace}}: DaskJob, reader: Reader): JobWorld {
  const at = (own: string): Ref => ({name: own, ...(namespace !== undefined && {namespace})})
  return {cluster: reader.cache(DASK_CLUSTERS).get(at(name)), runner: reader.cache(PODS).get(at(runnerName(name)))}
}

const refIn = ({metadata: {namespace}}: KubeObject, name: string): Ref => ({name, ...(namespace !== undefined && {namespace})})

/** The job that a pod of this name may keep waiting, whoever owns it. */
function holder(pod: KubeObject): readonly Ref[] {
  const {name} = pod.metadata
  return name.endsWith('-runner') ? [refIn(pod, name.slice(0, -'-runner'.length))] : []
}
