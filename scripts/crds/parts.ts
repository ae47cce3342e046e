/** What a cluster is made of: pod specs, services, workers, what lies beside them (contract section 1). */
import {
  anyObject,
  boolean,
  choice,
  countOrPercent,
  described,
  each,
  integer,
  intOrString,
  list,
  object,
  open,
  type Rule,
  type Schema,
  string,
  strings,
} from './schema.ts'

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
export const podSpec = (restartPolicy: Schema = string): Schema =>
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

export const PART_METADATA = described(
  object({annotations: strings, labels: strings}),
  'Labels and annotations for what is made from this.',
)

export const WORKER = object(
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
        rollingUpdate: described(
          object({
            maxSurge: described(countOrPercent, 'New workers beyond the number of replicas; default 25%.'),
            maxUnavailable: described(countOrPercent, 'Workers that may be missing; default 0.'),
          }),
          'A number, or a percentage of the replicas, of each.',
        ),
        type: described(choice('RollingUpdate', 'OnDelete'), 'OnDelete: as they are deleted.'),
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
  ingressClassName: described(string, 'Absent: the default class.'),
  host: described(string, 'Absent: every host.'),
  path: described(PATH, 'Default /.'),
  pathType: described(choice('Exact', 'ImplementationSpecific', 'Prefix'), 'Default Prefix.'),
  tls: described(list(object({hosts: list(string), secretName: string})), 'As of an Ingress.'),
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
    hostnames: described(list(string), 'Absent: every host.'),
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
export const MANAGED_BY_STAYS: Rule = {
  rule: 'has(self.managedBy) == has(oldSelf.managedBy) && (!has(self.managedBy) || self.managedBy == oldSelf.managedBy)',
  message: 'managedBy is immutable',
}
export const MANAGED_BY = described(
  {...string, maxLength: 63},
  'Another controller that takes care of it instead of this operator; it never changes.',
)

export const CLUSTER_SPEC = object(
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
            object({type: described(choice('OnDelete', 'Recreate'), 'OnDelete: by a restart that is asked for.')}),
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
