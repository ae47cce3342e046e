import type {Pod} from '../../api/core.ts'
import {API_VERSION, type DaskCluster, type DaskJob} from '../../api/dask.ts'
import {inherit} from '../../api/inherit.ts'
import {ENV_SCHEDULER_ADDRESS, LABEL_CLUSTER, LABEL_COMPONENT, LABEL_ISTIO_INJECT} from '../../api/names.ts'
import {withEnv} from '../../api/pod-env.ts'
import {schedulerAddress} from '../../api/scheduler-address.ts'
import {schemeOf, spokenBy, withTls} from '../../api/tls.ts'
import {attemptName} from './attempts.ts'

/** The objects that a DaskJob consists of, as they are first written (contract 2.2, 2.3, 2.9). */

const place = (job: DaskJob, name: string): {readonly name: string; readonly namespace?: string} => ({
  name,
  ...(job.metadata.namespace !== undefined && {namespace: job.metadata.namespace}),
})

/** All of the job's cluster spec, `idleTimeout` included. */
export const jobCluster = (job: DaskJob): DaskCluster => ({
  apiVersion: API_VERSION,
  kind: 'DaskCluster',
  metadata: {
    ...place(job, job.metadata.name),
    ...inherit(job.metadata, job.spec.cluster?.metadata, {[LABEL_CLUSTER]: job.metadata.name}),
  },
  spec: ownClusterSpec(job),
})

const ownClusterSpec = ({metadata, spec}: DaskJob): DaskCluster['spec'] => {
  if (!spec.cluster) throw new Error(`DaskJob ${metadata.name} has no cluster of its own`)
  return spec.cluster.spec
}

interface Runner {
  readonly attempt: number
  readonly cluster: DaskCluster
  /** The cluster's, where there is one by now. */
  readonly scheduler: Pod | undefined
}

/** The pod that runs the job's program; it restarts on failure unless the job says otherwise, as the CRD's own default has it. */
export function runnerPod(job: DaskJob, {attempt, cluster, scheduler}: Runner): Pod {
  const {name, namespace = ''} = job.metadata
  const tls = spokenBy(cluster, scheduler)
  const address = schedulerAddress(cluster.metadata.name, namespace, {spec: cluster.spec.scheduler.service}, schemeOf(tls))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...place(job, attemptName(name, attempt)),
      ...inherit(
        job.metadata,
        job.spec.job.metadata,
        {[LABEL_CLUSTER]: cluster.metadata.name, [LABEL_COMPONENT]: 'job-runner'},
        {[LABEL_ISTIO_INJECT]: 'false'},
      ),
    },
    spec: {restartPolicy: 'OnFailure', ...withTls(withEnv(job.spec.job.spec, [{name: ENV_SCHEDULER_ADDRESS, value: address}]), tls)},
  }
}
