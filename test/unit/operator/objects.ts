import type {Pod, PodCondition, PodStatus, Service} from '../../../src/api/core.ts'
import {API_VERSION, type DaskCluster, type DaskJob, type DaskWorkerGroup} from '../../../src/api/dask.ts'
import type {KubeObject, OwnerReference} from '../../../src/api/object.ts'
import {revisionOf} from '../../../src/api/revision.ts'
import type {Accessories} from '../../../src/operator/cluster/world.ts'
import type {Action} from '../../../src/operator/engine/contract.ts'
import {groupLabels} from '../../../src/operator/workergroup/pods.ts'

/** Objects as an API server would hand them out, for plans to be made about. */

export const NOW = Date.parse('2026-11-23T12:00:00Z')
export const ago = (seconds: number): string => `${new Date(NOW - seconds * 1000).toISOString().slice(0, 19)}Z`

export const ownedBy = (owner: KubeObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
})

const schedulerPart = {
  spec: {containers: [{name: 'scheduler', image: 'dask', args: ['dask', 'scheduler']}]},
  service: {
    selector: {'dask.org/cluster-name': 'demo', 'dask.org/component': 'scheduler'},
    ports: [
      {name: 'tcp-comm', port: 8786},
      {name: 'http-dashboard', port: 8787},
    ],
  },
}
const workerSpec = {containers: [{name: 'worker', image: 'dask', args: ['dask', 'worker']}]}

type Meta = Partial<KubeObject['metadata']>

export const makeCluster = (replicas = 3, metadata: Meta = {}, status: DaskCluster['status'] = {phase: 'Running'}): DaskCluster => ({
  apiVersion: API_VERSION,
  kind: 'DaskCluster',
  metadata: {name: 'demo', namespace: 'ns', uid: 'cluster-1', generation: 1, creationTimestamp: ago(60), ...metadata},
  spec: {scheduler: schedulerPart, worker: {replicas, spec: workerSpec}},
  ...(status && {status}),
})

export const makeGroup = (replicas = 3, metadata: Meta = {}, cluster: DaskCluster | undefined = makeCluster()): DaskWorkerGroup => ({
  apiVersion: API_VERSION,
  kind: 'DaskWorkerGroup',
  metadata: {
    name: 'demo-default',
    namespace: 'ns',
    uid: 'group-1',
    resourceVersion: '7',
    generation: 1,
    annotations: {
      'kubernetes.dask.org/handed-down-replicas': String(cluster?.spec.worker.replicas ?? replicas),
      'kubernetes.dask.org/handed-down-worker': revisionOf({spec: workerSpec}),
      'kubernetes.dask.org/templates': JSON.stringify({revision: 1, scheduler: schedulerPart.spec, worker: workerSpec}),
    },
    ...(cluster && {ownerReferences: [ownedBy(cluster)]}),
    ...metadata,
  },
  spec: {cluster: 'demo', worker: {replicas, spec: workerSpec}},
})

export const makeJob = (metadata: Meta = {}, status?: DaskJob['status']): DaskJob => ({
  apiVersion: API_VERSION,
  kind: 'DaskJob',
  metadata: {name: 'pi', namespace: 'ns', uid: 'job-1', generation: 1, creationTimestamp: ago(60), ...metadata},
  spec: {
    job: {spec: {containers: [{name: 'job', image: 'dask', args: ['python', 'pi.py']}], restartPolicy: 'Never'}},
    cluster: {spec: {idleTimeout: 600, scheduler: schedulerPart, worker: {replicas: 2, spec: workerSpec}}},
  },
  ...(status && {status}),
})

const schedulerLabels = ({metadata}: KubeObject): Readonly<Record<string, string>> => ({
  'dask.org/cluster-name': metadata.name,
  'dask.org/component': 'scheduler',
})

export const makePod = (name: string, owner: KubeObject, status: PodStatus = RUNNING, metadata: Meta = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'ns',
    uid: `uid-${name}`,
    resourceVersion: '5',
    creationTimestamp: ago(50),
    ownerReferences: [ownedBy(owner)],
    ...(owner.kind === 'DaskCluster' && {labels: schedulerLabels(owner)}),
    ...(owner.kind === 'DaskWorkerGroup' && {labels: groupLabels(owner as DaskWorkerGroup)}),
    ...metadata,
  },
  spec: workerSpec,
  status,
})

export const makeService = (cluster: DaskCluster, spec: Service['spec'] = schedulerPart.service): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'demo-scheduler',
    namespace: 'ns',
    uid: 'service-1',
    labels: schedulerLabels(cluster),
    annotations: {'kubernetes.dask.org/applied-spec': JSON.stringify(schedulerPart.service)},
    ownerReferences: [ownedBy(cluster)],
  },
  // As the API server fills it in.
  spec: {...spec, ports: (spec.ports ?? []).map((port) => ({protocol: 'TCP', targetPort: port.port, ...port}))},
})

export const NO_ACCESSORIES: Accessories = {
  schedulerPolicy: undefined,
  workersPolicy: undefined,
  budget: undefined,
  ingress: undefined,
  httpRoute: undefined,
  noHttpRoutes: undefined,
  operatorNamespace: undefined,
}

const ready = (status: PodCondition['status'], at = ago(40)): readonly PodCondition[] => [{type: 'Ready', status, lastTransitionTime: at}]
const container = {name: 'main', restartCount: 0, image: 'dask', imageID: '', ready: false}

export const RUNNING: PodStatus = {
  phase: 'Running',
  podIP: '10.0.0.1',
  startTime: ago(50),
  conditions: ready('True'),
  containerStatuses: [{...container, ready: true, state: {running: {startedAt: ago(49)}}}],
}
export const STARTING: PodStatus = {...RUNNING, conditions: ready('False')}
export const PENDING: PodStatus = {phase: 'Pending', conditions: []}
export const UNSCHEDULABLE: PodStatus = {
  phase: 'Pending',
  conditions: [{type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available: 1 Insufficient cpu.'}],
}
export const runningSince = (seconds: number): PodStatus => ({
  ...RUNNING,
  startTime: ago(seconds),
  containerStatuses: [{...container, ready: true, state: {running: {startedAt: ago(seconds)}}}],
})
export const endedWith = (exitCode: number, secondsAgo = 5, message?: string): PodStatus => ({
  phase: exitCode === 0 ? 'Succeeded' : 'Failed',
  startTime: ago(50),
  conditions: ready('False', ago(secondsAgo)),
  containerStatuses: [
    {
      ...container,
      state: {
        terminated: {
          exitCode,
          reason: exitCode === 0 ? 'Completed' : 'Error',
          startedAt: ago(49),
          finishedAt: ago(secondsAgo),
          ...(message !== undefined && {message}),
        },
      },
    },
  ],
})

/** `create pods/demo-scheduler`, `delete pods/x`, `patch …`, `retire`: one line an action, a list a stage. */
export const told = (stages: readonly (readonly (Action | {readonly do: string})[])[]): readonly (readonly string[])[] =>
  stages.map((stage) =>
    stage.map((action) => {
      if ('kind' in action)
        return `${action.do} ${action.kind.plural}/${'object' in action ? action.object.metadata.name : action.ref.name}`
      return action.do
    }),
  )

/** One action of a plan, which must be there. */
export function at<T extends {readonly do: string}>(
  stages: readonly (readonly {readonly do: string}[])[],
  stage: number,
  index: number,
): T {
  const action = stages[stage]?.[index]
  if (!action) throw new Error(`no action ${index} in stage ${stage}: ${JSON.stringify(stages)}`)
  return action as T
}
