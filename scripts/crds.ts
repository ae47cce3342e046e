/**
 * Writes `manifests/crds`: the four definitions, supersets of upstream's (contract section 1).
 * `node scripts/crds.ts` writes them, `node scripts/crds.ts --check` fails when a file is not what would be written.
 */
import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {stringify} from 'yaml'
import {GROUP} from '../src/api/dask.ts'
import {ANNOTATION_VERSION} from '../src/api/names.ts'

interface Schema {
  readonly [key: string]: unknown
}

type Properties = Readonly<Record<string, Schema>>

const string: Schema = {type: 'string'}
const integer: Schema = {type: 'integer'}
const boolean: Schema = {type: 'boolean'}
const strings: Schema = {type: 'object', additionalProperties: string}
/** Whatever Kubernetes puts there, in this version or a later one. */
const anyObject: Schema = {type: 'object', 'x-kubernetes-preserve-unknown-fields': true}
const intOrString: Schema = {'x-kubernetes-int-or-string': true}
const date: Schema = {type: 'string', format: 'date-time'}

const list = (items: Schema): Schema => ({type: 'array', items})
interface Rule {
  readonly rule: string
  readonly message: string
}
const object = (properties: Properties, required: readonly string[] = [], rules: readonly Rule[] = []): Schema => ({
  type: 'object',
  ...(required.length > 0 && {required}),
  properties,
  ...(rules.length > 0 && {'x-kubernetes-validations': rules}),
})
/** Its named fields are checked, others are kept. */
const open = (properties: Properties, required: readonly string[] = []): Schema => ({...object(properties, required), ...anyObject})
const each = (names: string, schema: Schema): Properties => Object.fromEntries(names.split(' ').map((name) => [name, schema]))
const described = (schema: Schema, description: string): Schema => ({description, ...schema})

const CONTAINER: Schema = open(
  {
    ...each('name image imagePullPolicy terminationMessagePath terminationMessagePolicy workingDir', string),
    ...each('args command', list(string)),
    ...each('stdin stdinOnce tty', boolean),
    ...each('lifecycle livenessProbe readinessProbe startupProbe securityContext', anyObject),
    ...each('envFrom volumeDevices volumeMounts', list(anyObject)),
    env: list(open({name: string, value: string}, ['name'])),
    ports: list(open({containerPort: integer, name: string, protocol: string}, ['containerPort'])),
    resources: open(each('limits requests', {type: 'object', additionalProperties: intOrString})),
  },
  ['name'],
)

/**
 * Only the first level is named, and with shallow types: that tells `args: "a b"` from a list, and keeps every field of every Kubernetes version.
 * What is deeper is judged by the API server when the pod itself is created.
 */
const podSpec = (restartPolicy: Schema = string): Schema =>
  open(
    {
      ...each('containers initContainers', list(CONTAINER)),
      // The API server takes none in a new pod.
      ephemeralContainers: list(anyObject),
      ...each(
        'automountServiceAccountToken enableServiceLinks hostIPC hostNetwork hostPID setHostnameAsFQDN shareProcessNamespace',
        boolean,
      ),
      ...each('activeDeadlineSeconds priority terminationGracePeriodSeconds', integer),
      ...each('dnsPolicy hostname nodeName preemptionPolicy priorityClassName runtimeClassName schedulerName', string),
      ...each('serviceAccount serviceAccountName subdomain', string),
      ...each('affinity dnsConfig securityContext', anyObject),
      ...each('hostAliases imagePullSecrets readinessGates tolerations topologySpreadConstraints volumes', list(anyObject)),
      nodeSelector: strings,
      overhead: {type: 'object', additionalProperties: intOrString},
      restartPolicy,
    },
    ['containers'],
  )

const SERVICE_SPEC: Schema = open({
  ...each('clusterIP externalName externalTrafficPolicy internalTrafficPolicy ipFamilyPolicy loadBalancerClass', string),
  ...each('loadBalancerIP sessionAffinity type', string),
  ...each('clusterIPs externalIPs ipFamilies loadBalancerSourceRanges', list(string)),
  ...each('allocateLoadBalancerNodePorts publishNotReadyAddresses', boolean),
  healthCheckNodePort: integer,
  selector: strings,
  sessionAffinityConfig: anyObject,
  ports: list(
    open(
      {
        ...each('appProtocol name', string),
        ...each('nodePort port', integer),
        protocol: string,
        targetPort: intOrString,
      },
      ['port'],
    ),
  ),
})

const PART_METADATA = described(object({annotations: strings, labels: strings}), 'Labels and annotations for what is made from this.')

const choice = (...values: readonly string[]): Schema => ({type: 'string', enum: values})

const WORKER = object(
  {
    metadata: PART_METADATA,
    replicas: described({...integer, default: 1}, 'How many workers there should be.'),
    retirement: described(
      object({
        onTimeout: described(choice('Keep', 'Delete'), 'For workers that are not done in time; default Keep.'),
        timeoutSeconds: described({...integer, minimum: 0}, 'Default 3600.'),
      }),
      'How workers leave.',
    ),
    updateStrategy: described(
      object({
        rollingUpdate: object({maxSurge: intOrString, maxUnavailable: intOrString}),
        type: choice('RollingUpdate', 'OnDelete'),
      }),
      'How changed workers come in; default RollingUpdate.',
    ),
    spec: described(podSpec(), 'The pod of each worker.'),
  },
  ['spec'],
)

/** As in networking.k8s.io/v1, policy/v1 and gateway.networking.k8s.io/v1. */
const PATH = {...string, pattern: '^/'}
const INGRESS = object({
  metadata: PART_METADATA,
  ingressClassName: string,
  host: described(string, 'Absent: every host.'),
  path: described(PATH, 'Default /.'),
  pathType: described(choice('Exact', 'ImplementationSpecific', 'Prefix'), 'Default Prefix.'),
  tls: list(object({hosts: list(string), secretName: string})),
})
const HTTP_ROUTE = object(
  {
    metadata: PART_METADATA,
    parentRefs: described(
      {
        ...list(object({...each('group kind namespace name sectionName', string), port: integer}, ['name'])),
        minItems: 1,
      },
      'The Gateways that serve it.',
    ),
    hostnames: list(string),
    path: described(PATH, 'What the path of a request begins with; default /.'),
  },
  ['parentRefs'],
)
const DISRUPTION_BUDGET = object({minAvailable: described({...integer, minimum: 0, maximum: 1}, 'Default 1.')})
const NETWORK_POLICY = object({
  from: described(
    list(
      object({
        ...each('namespaceSelector podSelector', anyObject),
        ipBlock: object({cidr: string, except: list(string)}, ['cidr']),
      }),
    ),
    "Who else reaches the scheduler, on its service's ports: peers as in a NetworkPolicy.",
  ),
})

/** As in batch/v1 Job. Whoever hands an object over would leave half of it with either side. */
const MANAGED_BY_STAYS: Rule = {
  rule: 'has(self.managedBy) == has(oldSelf.managedBy) && (!has(self.managedBy) || self.managedBy == oldSelf.managedBy)',
  message: 'managedBy is immutable',
}
const MANAGED_BY = described(
  {...string, maxLength: 63},
  'Another controller that takes care of it instead of this operator; it never changes.',
)

const CLUSTER_SPEC = object(
  {
    tls: described(
      object(
        {
          auto: described(boolean, "The operator issues the certificate, by an authority of the cluster's own, and renews it."),
          secretName: described(string, "A Secret in cert-manager's shape: tls.crt, tls.key, ca.crt."),
        },
        [],
        [{rule: '(has(self.auto) && self.auto) != has(self.secretName)', message: 'give auto: true or secretName, and not both'}],
      ),
      'Scheduler, workers and clients speak TLS, and take in nobody without the certificate.',
    ),
    idleAction: described(choice('Delete', 'Suspend'), 'What happens after idleTimeout; default Delete.'),
    idleTimeout: described(
      {...integer, default: 0},
      'Delete cluster if scheduler is idle for longer than this timeout, in seconds. Set to 0 to never auto cleanup.',
    ),
    managedBy: MANAGED_BY,
    networkPolicy: described(NETWORK_POLICY, 'Only its own pods, the operator and those named here reach the pods.'),
    scheduler: described(
      object(
        {
          httpRoute: described(HTTP_ROUTE, 'A route of the Gateway API to the dashboard.'),
          ingress: described(INGRESS, 'An Ingress to the dashboard.'),
          metadata: PART_METADATA,
          podDisruptionBudget: described(DISRUPTION_BUDGET, 'Keeps the scheduler from being evicted.'),
          service: described(SERVICE_SPEC, 'The service that leads to the scheduler.'),
          spec: described(podSpec(), 'The pod of the scheduler.'),
          updateStrategy: described(
            object({type: choice('OnDelete', 'Recreate')}),
            'When a changed scheduler is replaced; default OnDelete.',
          ),
        },
        ['spec', 'service'],
      ),
      'The Dask scheduler of the cluster.',
    ),
    suspend: described(boolean, 'True: no pods; the objects stay.'),
    worker: described(WORKER, 'The default worker group of the cluster.'),
  },
  ['scheduler', 'worker'],
  [MANAGED_BY_STAYS],
)

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

interface Definition {
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

const DEFINITIONS: readonly Definition[] = [
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

const {version} = JSON.parse(await readFile(join(dirname(import.meta.dirname), 'package.json'), 'utf8')) as {readonly version: string}

const definition = ({kind, shortNames, description, spec, status, requiresSpec, scale, columns}: Definition): Schema => {
  const singular = kind.toLowerCase()
  const plural = `${singular}s`
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    // An older program finds by it that it would take fields away.
    metadata: {name: `${plural}.${GROUP}`, annotations: {[ANNOTATION_VERSION]: version}},
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {kind, listKind: `${kind}List`, plural, singular, ...(shortNames && {shortNames})},
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: described(
              object({apiVersion: string, kind: string, metadata: {type: 'object'}, spec, status}, requiresSpec ? ['spec'] : []),
              description,
            ),
          },
          additionalPrinterColumns: columns,
          subresources: {status: {}, ...(scale && {scale})},
        },
      ],
    },
  }
}

const folder = join(dirname(import.meta.dirname), 'manifests', 'crds')
const files = DEFINITIONS.map((each) => {
  const yaml = stringify(definition(each), {aliasDuplicateObjects: false, lineWidth: 0})
  return {path: join(folder, `${each.kind.toLowerCase()}s.yaml`), text: `# Written by \`npm run crds\` from scripts/crds.ts.\n${yaml}`}
})

if (process.argv.includes('--check')) {
  const stale: string[] = []
  for (const {path, text} of files) if ((await readFile(path, 'utf8').catch(() => '')) !== text) stale.push(path)
  if (stale.length > 0) {
    console.error(`not what scripts/crds.ts writes:\n${stale.join('\n')}`)
    process.exitCode = 1
  }
} else {
  await mkdir(folder, {recursive: true})
  for (const {path, text} of files) await writeFile(path, text)
}
