/** The four kinds: what each asks for, what it tells, and what `kubectl get` shows of it. */
import {CLUSTER_SPEC, MANAGED_BY, MANAGED_BY_STAYS, PART_METADATA, podSpec, WORKER} from './parts.ts'
import {anyObject, boolean, choice, date, described, each, integer, list, object, type Properties, type Schema, string} from './schema.ts'

const SCALING_RULES = object({
  policies: list(
    object(
      {
        periodSeconds: {...integer, minimum: 1, maximum: 1800},
        type: choice('Pods', 'Percent'),
        value: {...integer, minimum: 1},
      },
      ['type', 'value', 'periodSeconds'],
    ),
  ),
  selectPolicy: described(choice('Max', 'Min', 'Disabled'), 'Which of several policies counts; default Max.'),
  stabilizationWindowSeconds: described({...integer, minimum: 0, maximum: 3600}, 'How long the wish must last.'),
})

const CONDITIONS: Schema = {
  ...list(
    object(
      {
        lastTransitionTime: date,
        ...each('message reason status type', string),
        observedGeneration: {...integer, format: 'int64'},
      },
      ['type', 'status'],
    ),
  ),
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
}

const status = (properties: Properties): Schema =>
  object({...properties, conditions: CONDITIONS, observedGeneration: {...integer, format: 'int64'}})

interface Column {
  readonly name: string
  readonly type: 'string' | 'integer' | 'date'
  readonly jsonPath: string
  readonly description?: string
  readonly priority?: number
}

export interface Definition {
  readonly kind: string
  readonly shortNames?: readonly string[]
  readonly description: string
  readonly spec: Schema
  readonly status: Schema
  readonly requiresSpec?: boolean
  readonly scale?: Readonly<Record<string, string>>
  readonly columns: readonly Column[]
}

const AGE: Column = {name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp'}
const WORKERS: Column = {
  name: 'Workers',
  type: 'integer',
  description: 'How many workers there should be',
  jsonPath: '.spec.worker.replicas',
}
const READY: Column = {name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
const READY_WORKERS: Column = {
  name: 'Ready Workers',
  type: 'integer',
  description: 'How many workers are ready',
  jsonPath: '.status.readyReplicas',
}
const SCALE = {specReplicasPath: '.spec.worker.replicas', statusReplicasPath: '.status.replicas'}

export const DEFINITIONS: readonly Definition[] = [
  {
    kind: 'DaskCluster',
    shortNames: ['daskcluster', 'dsk'],
    description: 'A Dask scheduler and its workers.',
    spec: CLUSTER_SPEC,
    status: status({
      ...each('phase schedulerAddress dashboardURL selector', string),
      idleSince: date,
      ...each('replicas readyReplicas updatedReplicas', integer),
    }),
    requiresSpec: true,
    scale: {...SCALE, labelSelectorPath: '.status.selector'},
    columns: [
      WORKERS,
      {name: 'Status', type: 'string', jsonPath: '.status.phase'},
      READY,
      READY_WORKERS,
      AGE,
      {name: 'Dashboard', type: 'string', jsonPath: '.status.dashboardURL', priority: 1},
    ],
  },
  {
    kind: 'DaskWorkerGroup',
    shortNames: ['daskworkers'],
    description: 'Workers of one kind in a DaskCluster.',
    spec: object({cluster: described(string, 'The DaskCluster in the same namespace.'), worker: WORKER}, ['cluster', 'worker']),
    status: status({...each('replicas readyReplicas updatedReplicas retiringReplicas', integer), selector: string}),
    scale: {...SCALE, labelSelectorPath: '.status.selector'},
    columns: [
      WORKERS,
      READY,
      READY_WORKERS,
      {name: 'Retiring', type: 'integer', description: 'How many workers are leaving', jsonPath: '.status.retiringReplicas', priority: 1},
      {name: 'Cluster', type: 'string', jsonPath: '.spec.cluster', priority: 1},
      AGE,
    ],
  },
  {
    kind: 'DaskJob',
    shortNames: ['djb'],
    description: 'A program that runs beside a DaskCluster made for it.',
    spec: object(
      {
        cluster: described(
          // Upstream's definition lets a status in here, and some manifests carry one.
          object({metadata: PART_METADATA, spec: CLUSTER_SPEC, status: anyObject}, ['spec']),
          'The DaskCluster that lives as long as the job.',
        ),
        job: described(
          object({
            metadata: PART_METADATA,
            spec: described(podSpec({...string, default: 'OnFailure'}), 'The pod that runs the program.'),
          }),
          'The program.',
        ),
        clusterName: described(string, 'A DaskCluster that exists, instead of one of its own.'),
        backoffLimit: described({...integer, minimum: 0}, 'How often the program is tried again; default 0.'),
        activeDeadlineSeconds: {...integer, minimum: 0},
        ttlSecondsAfterFinished: {...integer, minimum: 0},
        suspend: boolean,
        managedBy: MANAGED_BY,
        clusterDeletionPolicy: described(choice('Always', 'OnSuccess', 'Never'), 'When its own cluster goes; default Always.'),
      },
      ['job'],
      [MANAGED_BY_STAYS],
    ),
    status: status({
      ...each('clusterName jobRunnerPodName jobStatus message reason', {...string, nullable: true}),
      ...each('startTime endTime', {...date, nullable: true}),
      ...each('attempts exitCode', integer),
    }),
    columns: [
      {name: 'Status', type: 'string', jsonPath: '.status.jobStatus'},
      {name: 'Number Of Workers', type: 'integer', jsonPath: '.spec.cluster.spec.worker.replicas'},
      {name: 'Reason', type: 'string', jsonPath: '.status.reason', priority: 1},
      AGE,
    ],
  },
  {
    kind: 'DaskAutoscaler',
    description: 'Bounds between which a DaskCluster follows its load.',
    spec: object(
      {
        cluster: described(string, 'The DaskCluster in the same namespace.'),
        workerGroup: described(string, "The DaskWorkerGroup in the same namespace; default the cluster's own."),
        minimum: described({...integer, minimum: 0, default: 0}, 'The fewest workers.'),
        maximum: described({...integer, minimum: 0, default: 10}, 'The most workers.'),
        behavior: described(
          object({scaleDown: SCALING_RULES, scaleUp: SCALING_RULES}),
          'How the load is followed; default: up at once; down after 15 s, then by at most a quarter every 15 s.',
        ),
      },
      ['cluster'],
      [{rule: 'self.minimum <= self.maximum', message: 'minimum must not be greater than maximum'}],
    ),
    status: status({...each('currentReplicas desiredReplicas target', integer), lastScaleTime: date}),
    columns: [
      {name: 'Cluster', type: 'string', jsonPath: '.spec.cluster'},
      {name: 'Minimum', type: 'integer', jsonPath: '.spec.minimum'},
      {name: 'Maximum', type: 'integer', jsonPath: '.spec.maximum'},
      {name: 'Workers', type: 'integer', description: 'How many workers there are', jsonPath: '.status.currentReplicas'},
      {name: 'Group', type: 'string', jsonPath: '.spec.workerGroup', priority: 1},
      AGE,
    ],
  },
]
