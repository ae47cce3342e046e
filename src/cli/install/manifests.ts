import {createHash} from 'node:crypto'
import type {LogLevel} from '../../api/log-levels.ts'
import {LEASE_NAMESPACE, OPERATOR} from '../../api/names.ts'
import type {KubeObject} from '../../api/object.ts'
import {FOR_PEOPLE, LEADING, LOOKING, type Rule, SECURING, SERVING} from './roles.ts'

export interface InstallOptions {
  readonly namespace: string
  readonly replicas: number
  /** A stock image of Node.js, in which the operator of the ConfigMap runs. */
  readonly nodeImage: string
  /** An image that has the operator in it; then there is no ConfigMap. */
  readonly image?: string | undefined
  /** Absent: all namespaces, by cluster-wide rights. */
  readonly watchNamespaces?: readonly string[] | undefined
  readonly logLevel: LogLevel
  /** Clusters may have `spec.tls`: the operator gets the right to Secrets. */
  readonly tls?: boolean | undefined
  readonly version: string
  /** The operator, packed by brotli. */
  readonly bundle: Buffer
}

export const DEFAULT_NAMESPACE = OPERATOR
export const DEFAULT_NODE_IMAGE = 'docker.io/library/node:24-alpine'
/** Of everything that an installation consists of. */
export const PART_OF = 'app.kubernetes.io/part-of'
const BUNDLE = 'operator.mjs.br'
const HEALTH_PORT = 8080
const RBAC = 'rbac.authorization.k8s.io/v1'

/** Everything but the definitions, in the order in which it is applied. */
export function operatorManifests(options: InstallOptions): readonly KubeObject[] {
  const {namespace, watchNamespaces, image} = options
  return [
    {apiVersion: 'v1', kind: 'Namespace', metadata: {...meta(options, namespace), labels: {...labels(options), ...RESTRICTED}}},
    object('v1', 'ServiceAccount', {...meta(options, OPERATOR), namespace}),
    ...(watchNamespaces ? watchNamespaces.flatMap((each) => role(options, each, [...SERVING, ...LEADING])) : everywhere(options)),
    ...(options.tls ? securing(options) : []),
    ...people(options),
    ...(image === undefined ? [bundle(options)] : []),
    service(options),
    disruptionBudget(options),
    deployment(options),
  ]
}

/** Only what follows the strictest pod security standard runs beside the operator. */
const RESTRICTED = {'pod-security.kubernetes.io/enforce': 'restricted'}

const labels = ({version}: InstallOptions): Readonly<Record<string, string>> => ({
  'app.kubernetes.io/name': OPERATOR,
  'app.kubernetes.io/version': version,
  [PART_OF]: OPERATOR,
})

const meta = (options: InstallOptions, name: string): KubeObject['metadata'] => ({name, labels: labels(options)})

const object = (apiVersion: string, kind: string, metadata: KubeObject['metadata'], rest: object = {}): KubeObject => ({
  apiVersion,
  kind,
  metadata,
  ...rest,
})

const subjects = ({namespace}: InstallOptions): readonly object[] => [{kind: 'ServiceAccount', name: OPERATOR, namespace}]

const everywhere = (options: InstallOptions): readonly KubeObject[] => [
  ...clusterRole(options, [...SERVING, ...LOOKING]),
  ...role(options, LEASE_NAMESPACE, LEADING),
]

/** A role of its own, so that it is seen, and taken away, by itself. */
const securing = (options: InstallOptions): readonly KubeObject[] => {
  const {watchNamespaces} = options
  return watchNamespaces
    ? watchNamespaces.flatMap((each) => role(options, each, SECURING, SECRETS_ROLE))
    : clusterRole(options, SECURING, SECRETS_ROLE)
}

const SECRETS_ROLE = `${OPERATOR}-secrets`

const clusterRole = (options: InstallOptions, rules: readonly Rule[], name = OPERATOR): readonly KubeObject[] => [
  object(RBAC, 'ClusterRole', meta(options, name), {rules}),
  object(RBAC, 'ClusterRoleBinding', meta(options, name), {
    roleRef: {apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name},
    subjects: subjects(options),
  }),
]

const role = (options: InstallOptions, namespace: string, rules: readonly Rule[], name = OPERATOR): readonly KubeObject[] => [
  object(RBAC, 'Role', {...meta(options, name), namespace}, {rules}),
  object(
    RBAC,
    'RoleBinding',
    {...meta(options, name), namespace},
    {roleRef: {apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name}, subjects: subjects(options)},
  ),
]

/** Rights that are added to the roles that a namespace's people have (Kubernetes: aggregated ClusterRoles). */
const people = (options: InstallOptions): readonly KubeObject[] =>
  Object.entries(FOR_PEOPLE).map(([role, rules]) => {
    const to = role === 'view' ? ['view', 'edit', 'admin'] : ['edit', 'admin']
    const aggregated = Object.fromEntries(to.map((each) => [`rbac.authorization.k8s.io/aggregate-to-${each}`, 'true']))
    return object(RBAC, 'ClusterRole', {name: `dask-${role}`, labels: {...labels(options), ...aggregated}}, {rules})
  })

const bundle = (options: InstallOptions): KubeObject =>
  object(
    'v1',
    'ConfigMap',
    {...meta(options, `${OPERATOR}-bundle`), namespace: options.namespace},
    {
      binaryData: {[BUNDLE]: options.bundle.toString('base64')},
    },
  )

const SELECTOR = {'app.kubernetes.io/name': OPERATOR, 'app.kubernetes.io/component': 'operator'}

/** Where the numbers and the health of each operator are read. */
const service = (options: InstallOptions): KubeObject =>
  object(
    'v1',
    'Service',
    {name: OPERATOR, namespace: options.namespace, labels: {...labels(options), 'app.kubernetes.io/component': 'operator'}},
    {spec: {selector: SELECTOR, ports: [{name: 'health', port: HEALTH_PORT, targetPort: 'health', protocol: 'TCP'}]}},
  )

/** Of several, one at a time is evicted; a single one does not hold up the drain of its node. */
const disruptionBudget = (options: InstallOptions): KubeObject =>
  object(
    'policy/v1',
    'PodDisruptionBudget',
    {...meta(options, OPERATOR), namespace: options.namespace},
    {spec: {maxUnavailable: 1, selector: {matchLabels: SELECTOR}}},
  )

/** Unpacks the operator where it may write, and becomes it. */
export const BOOT =
  `const [f,z]=['node:fs','node:zlib'].map(process.getBuiltinModule);` +
  `f.writeFileSync('/var/lib/dask-operator/operator.mjs',z.brotliDecompressSync(f.readFileSync('/opt/dask-operator/${BUNDLE}')));import('/var/lib/dask-operator/operator.mjs')`

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

const deployment = (options: InstallOptions): KubeObject => {
  const {namespace, replicas, nodeImage, image, watchNamespaces, logLevel, bundle: packed} = options
  const probe = (path: string, periodSeconds: number): object => ({httpGet: {path, port: 'health'}, periodSeconds, timeoutSeconds: 5})
  const container = {
    name: 'operator',
    image: image ?? nodeImage,
    ...(image === undefined && {command: ['node', '-e', BOOT]}),
    env: [
      {name: 'POD_NAME', valueFrom: {fieldRef: {fieldPath: 'metadata.name'}}},
      {name: 'HEALTH_ADDRESS', value: `:${HEALTH_PORT}`},
      {name: 'LOG_LEVEL', value: logLevel},
      ...(watchNamespaces ? [{name: 'WATCH_NAMESPACES', value: watchNamespaces.join(',')}] : []),
    ],
    ports: [{name: 'health', containerPort: HEALTH_PORT, protocol: 'TCP'}],
    livenessProbe: {...probe('/healthz', 20), failureThreshold: 3},
    readinessProbe: probe('/readyz', 2),
    resources: {requests: {cpu: '50m', memory: '128Mi'}, limits: {memory: '512Mi'}},
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: ['ALL']}},
    volumeMounts: [
      {name: 'work', mountPath: '/var/lib/dask-operator'},
      {name: 'account', mountPath: ACCOUNT, readOnly: true},
      ...(image === undefined ? [{name: 'bundle', mountPath: '/opt/dask-operator', readOnly: true}] : []),
    ],
  }
  const account = [
    {serviceAccountToken: {path: 'token', expirationSeconds: 3607}},
    {configMap: {name: 'kube-root-ca.crt', items: [{key: 'ca.crt', path: 'ca.crt'}]}},
    {downwardAPI: {items: [{path: 'namespace', fieldRef: {fieldPath: 'metadata.namespace'}}]}},
  ]
  const template = {
    metadata: {
      labels: {...labels(options), ...SELECTOR},
      // Another operator in the ConfigMap makes other pods.
      annotations: {'kubernetes.dask.org/bundle': createHash('sha256').update(packed).digest('hex').slice(0, 16)},
    },
    spec: {
      serviceAccountName: OPERATOR,
      // The token comes by a volume of our own, so that it is read-only and there whatever the cluster's defaults are.
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 10,
      securityContext: {runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000, seccompProfile: {type: 'RuntimeDefault'}},
      containers: [container],
      volumes: [
        {name: 'work', emptyDir: {}},
        {name: 'account', projected: {sources: account}},
        ...(image === undefined ? [{name: 'bundle', configMap: {name: `${OPERATOR}-bundle`}}] : []),
      ],
    },
  }
  return object(
    'apps/v1',
    'Deployment',
    {...meta(options, OPERATOR), namespace},
    {spec: {replicas, selector: {matchLabels: SELECTOR}, template}},
  )
}
