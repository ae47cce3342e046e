/** The four kinds: what each asks for, what it tells, and what `kubectl get` shows of it. */
import {CLUSTER_SPEC, MANAGED_BY, MANAGED_BY_STAYS, PART_METADATA, podSpec, WORKER} from './parts.ts'
import {anyObject, boolean, choice, date, described, each, integer, list, object, type Properties, type Schema, string} from './schema.ts'

const SCALING_RULES = object({
  policies: described(
    list(
      object(
        {
          periodSeconds: described({...integer, minimum: 1, maximum: 1800}, 'The time in which value is the most.'),
          type: described(choice('Pods', 'Percent'), 'What value counts.'),
          value: described({...integer, minimum: 1}, 'The most that the number may change.'),
        },
        ['type', 'value', 'periodSeconds'],
      ),
    ),
    'How fast the number may change.',
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
  object({
    ...properties,
    conditions: described(CONDITIONS, 'What is so, and why.'),
    observedGeneration: described({...integer, format: 'int64'}, 'The generation of the spec that this status is about.'),
  })

const WORKER_COUNTS: Properties = {
  replicas: described(integer, 'Worker pods that there are.'),
  readyReplicas: described(integer, 'Those that are ready and stay.'),
  updatedReplicas: described(integer, 'Those of the spec as it is now.'),
  selector: described(string, 'Finds the worker pods.'),
}

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

/** Upstream writes nulls. */
const text: Schema = {...string, nullable: true}
const time: Schema = {...date, nullable: true}

export const DEFINITIONS: readonly Definition[] = [
  {
    kind: 'DaskCluster',
    shortNames: ['daskcluster', 'dsk'],
    description: 'A Dask scheduler and its workers.',
    spec: CLUSTER_SPEC,
    status: status({
      phase: described(string, 'Running: the objects are there. The condition Ready tells whether they work.'),
      schedulerAddress: described(string, 'Where clients in Kubernetes connect.'),
      dashboardURL: described(string, 'Where the dashboard is.'),
      idleSince: described(date, 'Since when nothing has run, where idleTimeout asks for it.'),
      ...WORKER_COUNTS,
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
    status: status({...WORKER_COUNTS, retiringReplicas: described(integer, 'Those that finish their work and leave.')}),
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
        backoffLimit: described(
          {...integer, minimum: 0},
          "How often the program is tried again. Absent: by the pod's restartPolicy alone, for ever with OnFailure.",
        ),
        activeDeadlineSeconds: described(
          {...integer, minimum: 0},
          'Seconds from its creation, or resumption, until it is ended and has failed.',
        ),
        ttlSecondsAfterFinished: described({...integer, minimum: 0}, 'Seconds from its end until it is deleted; absent: never.'),
        suspend: described(boolean, 'True: it does not begin, or gives up its pods.'),
        managedBy: MANAGED_BY,
        clusterDeletionPolicy: described(choice('Always', 'OnSuccess', 'Never'), 'When its own cluster goes; default Always.'),
      },
      ['job'],
      [MANAGED_BY_STAYS],
    ),
    status: status({
      clusterName: described(text, 'The DaskCluster that it runs on.'),
      jobRunnerPodName: described(text, 'The pod of the last attempt.'),
      jobStatus: described(text, 'JobCreated, ClusterCreated, Running, Successful or Failed.'),
      reason: described(text, 'Why, in a word.'),
      message: described(text, 'Why, with the last words of the program.'),
      startTime: described(time, 'When it began.'),
      endTime: described(time, 'When it ended.'),
      attempts: described(integer, 'How often the program was begun.'),
      exitCode: described(integer, 'Of the program.'),
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
    status: status({
      currentReplicas: described(integer, 'Workers that there are and that stay.'),
      desiredReplicas: described(integer, 'The number that the group has been given.'),
      target: described(integer, 'How many workers the scheduler asked for last, for the whole cluster.'),
      lastScaleTime: described(date, 'When the number changed last.'),
    }),
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
