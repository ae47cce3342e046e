import type {Container, EnvVar} from '../api/core.ts'
import {
  API_VERSION,
  type ClusterTls,
  type DaskCluster,
  type DaskClusterSpec,
  type DaskWorkerGroup,
  type NetworkPolicyPart,
  type WorkerPart,
} from '../api/dask.ts'
import {DEFAULT_COMM_PORT, LABEL_CLUSTER, LABEL_COMPONENT, PORT_COMM, PORT_DASHBOARD} from '../api/names.ts'
import type {PodExtras} from './pod-flags.ts'

/** The image of upstream's generator. */
export const DEFAULT_IMAGE = 'ghcr.io/dask/dask:latest'
export const DEFAULT_WORKERS = 3

const DASHBOARD_PORT = 8787
const WORKER_DASHBOARD_PORT = 8788

/** CPU, memory and whatever else of one container, as Kubernetes quantities; requests and limits are the same. */
export type Resources = Readonly<Record<string, string | undefined>>

export interface PodChoices extends PodExtras {
  readonly image: string
  readonly env?: readonly EnvVar[] | undefined
}

export interface WorkerChoices extends PodChoices {
  readonly workers: number
  readonly resources?: Resources | undefined
  /** Words of the program that each worker runs; absent: `dask worker`. */
  readonly workerCommand?: readonly string[] | undefined
  /** Dask's own resources of a worker. */
  readonly workerResources?: readonly (readonly [string, number])[] | undefined
}

export interface ClusterChoices extends WorkerChoices {
  readonly schedulerResources?: Resources | undefined
  /** Whether the scheduler serves JupyterLab beside its dashboard. */
  readonly jupyter?: boolean | undefined
  readonly schedulerServiceType?: string | undefined
  /** Instead of that of all pods. */
  readonly schedulerNodeSelector?: Readonly<Record<string, string>> | undefined
  /** The only namespaces whose pods reach the scheduler; absent: everybody does. */
  readonly reachableFrom?: readonly string[] | undefined
  readonly tls?: ClusterTls | undefined
  /** Seconds; 0 is never. */
  readonly idleTimeout?: number | undefined
  /** Absent: it is deleted then. */
  readonly idleAction?: 'Suspend' | undefined
}

export interface Marks {
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** A DaskCluster as upstream's generator makes it (contract 1.5), but with the commands that every Dask has: `dask scheduler`, `dask worker`. */
export const clusterManifest = (name: string, namespace: string | undefined, choices: ClusterChoices, marks: Marks = {}): DaskCluster => ({
  apiVersion: API_VERSION,
  kind: 'DaskCluster',
  metadata: {name, ...(namespace !== undefined && {namespace}), ...marks},
  spec: clusterSpec(name, choices),
})

/** `name` is that of the cluster: its Service selects by it. */
export const clusterSpec = (name: string, choices: ClusterChoices): DaskClusterSpec => ({
  ...(choices.idleTimeout ? {idleTimeout: choices.idleTimeout} : {}),
  ...(choices.idleAction && {idleAction: choices.idleAction}),
  ...(choices.reachableFrom && {networkPolicy: networkPolicy(choices.reachableFrom)}),
  ...(choices.tls && {tls: choices.tls}),
  worker: workerPart(choices),
  scheduler: {
    spec: {
      containers: [schedulerContainer(choices)],
      ...choices.pod,
      ...(choices.schedulerNodeSelector && {nodeSelector: choices.schedulerNodeSelector}),
    },
    service: {
      type: choices.schedulerServiceType ?? 'ClusterIP',
      selector: {[LABEL_CLUSTER]: name, [LABEL_COMPONENT]: 'scheduler'},
      ports: [
        {name: PORT_COMM, protocol: 'TCP', port: DEFAULT_COMM_PORT, targetPort: PORT_COMM},
        {name: PORT_DASHBOARD, protocol: 'TCP', port: DASHBOARD_PORT, targetPort: PORT_DASHBOARD},
      ],
    },
  },
})

const networkPolicy = (namespaces: readonly string[]): NetworkPolicyPart =>
  namespaces.length === 0
    ? {}
    : {from: namespaces.map((name) => ({namespaceSelector: {matchLabels: {'kubernetes.io/metadata.name': name}}}))}

/** A further group of workers for a cluster that exists. */
export const groupManifest = (
  name: string,
  namespace: string | undefined,
  cluster: string,
  choices: WorkerChoices,
  marks: Marks = {},
): DaskWorkerGroup => ({
  apiVersion: API_VERSION,
  kind: 'DaskWorkerGroup',
  metadata: {name, ...(namespace !== undefined && {namespace}), ...marks},
  spec: {cluster, worker: workerPart(choices)},
})

const WORKER_COMMAND = ['dask', 'worker']

const workerPart = ({
  workers,
  image,
  env,
  resources,
  workerCommand = WORKER_COMMAND,
  workerResources = [],
  pod,
  container,
}: WorkerChoices): WorkerPart => ({
  replicas: workers,
  spec: {
    containers: [
      {
        name: 'worker',
        image,
        args: [
          ...workerCommand,
          ...['--name', '$(DASK_WORKER_NAME)', '--dashboard', '--dashboard-address', String(WORKER_DASHBOARD_PORT)],
          ...(workerResources.length > 0 ? ['--resources', workerResources.map(([name, amount]) => `${name}=${amount}`).join(' ')] : []),
        ],
        ...common(env, resources),
        ...container,
        ports: [{name: PORT_DASHBOARD, containerPort: WORKER_DASHBOARD_PORT, protocol: 'TCP'}],
      },
    ],
    ...pod,
  },
})

/** A scheduler that has much to do answers late; one that is restarted for that loses all results of its cluster. */
const PATIENCE_SECONDS = 300

const schedulerContainer = ({image, env, schedulerResources, jupyter, container}: ClusterChoices): Container => ({
  name: 'scheduler',
  image,
  args: ['dask', 'scheduler', '--host', '0.0.0.0', ...(jupyter ? ['--jupyter'] : [])],
  ...common(env, schedulerResources),
  ...container,
  ports: [
    {name: PORT_COMM, containerPort: DEFAULT_COMM_PORT, protocol: 'TCP'},
    {name: PORT_DASHBOARD, containerPort: DASHBOARD_PORT, protocol: 'TCP'},
  ],
  readinessProbe: {httpGet: {port: PORT_DASHBOARD, path: '/health'}, periodSeconds: 1, timeoutSeconds: PATIENCE_SECONDS},
  livenessProbe: {
    ...{httpGet: {port: PORT_DASHBOARD, path: '/health'}, initialDelaySeconds: 15, periodSeconds: 20},
    timeoutSeconds: PATIENCE_SECONDS,
  },
})

/** The fields that every generated container has only where they were asked for. */
export const common = (env: readonly EnvVar[] | undefined, resources: Resources = {}): Partial<Container> => {
  const amounts = Object.fromEntries(Object.entries(resources).flatMap(([name, amount]) => (amount === undefined ? [] : [[name, amount]])))
  return {
    ...(env?.length ? {env} : {}),
    ...(Object.keys(amounts).length > 0 ? {resources: {requests: amounts, limits: amounts}} : {}),
  }
}
