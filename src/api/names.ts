/** Names, labels, annotations and env variables that users' manifests and the official client know (contract 2.2). */

export const LABEL_CLUSTER = 'dask.org/cluster-name'
export const LABEL_COMPONENT = 'dask.org/component'
export const LABEL_GROUP = 'dask.org/workergroup-name'
export const LABEL_ISTIO_INJECT = 'sidecar.istio.io/inject'
/** Kueue's: pods that it lets begin together. */
export const LABEL_POD_GROUP = 'kueue.x-k8s.io/pod-group-name'
/** The reason of a group and its cluster: such a group takes no other pod for a worker that has left in peace. */
export const HELD_BY_POD_GROUP = 'HeldByPodGroup'

/** Marks a worker pod as chosen to leave, with the time of the choice; written before the choice is acted on. */
export const ANNOTATION_RETIRING = 'kubernetes.dask.org/retiring'
/** On the default worker group: the number that its cluster handed down last (design section 9). */
export const ANNOTATION_HANDED_DOWN = 'kubernetes.dask.org/handed-down-replicas'

/** On the default worker group: the revision of the worker part that its cluster handed down last. */
export const ANNOTATION_HANDED_DOWN_WORKER = 'kubernetes.dask.org/handed-down-worker'
/** On the default worker group: UID and generation of the cluster when it handed down last. */
export const ANNOTATION_HANDED_DOWN_FROM = 'kubernetes.dask.org/handed-down-from'

/** On the default worker group: its cluster's pod templates, and those of before their last change (JSON). */
export const ANNOTATION_TEMPLATES = 'kubernetes.dask.org/templates'
export const ANNOTATION_FORMER_TEMPLATES = 'kubernetes.dask.org/former-templates'

/** On a pod: the revision of the spec that it was made from. */
export const ANNOTATION_REVISION = 'kubernetes.dask.org/revision'
/** On a cluster or group: when somebody asked for new pods; on a pod: which asking it comes from. */
export const ANNOTATION_RESTARTED_AT = 'kubernetes.dask.org/restarted-at'
/** On a job: when somebody asked for its end. */
export const ANNOTATION_STOPPED_AT = 'kubernetes.dask.org/stopped-at'
/** On what is made from a part of a spec: the labels and annotations that the part gave it last. */
export const ANNOTATION_PART_METADATA = 'kubernetes.dask.org/part-metadata'
/** On a scheduler that speaks TLS: the Secret that its certificate is in. */
export const ANNOTATION_TLS_SECRET = 'kubernetes.dask.org/tls-secret'
/** On a Secret whose certificate was renewed: when, and until when the one before it is good. */
export const ANNOTATION_RENEWED_AT = 'kubernetes.dask.org/renewed-at'
export const ANNOTATION_RUNS_OUT_AT = 'kubernetes.dask.org/former-runs-out-at'
/** On the scheduler's service: the spec that it was given last; on a policy, route or budget: its labels and annotations too. */
export const ANNOTATION_APPLIED_SPEC = 'kubernetes.dask.org/applied-spec'

/** On a pod that replaced one that had ended: how many in its place ended before it, one after another. */
export const ANNOTATION_FAILURES = 'kubernetes.dask.org/failures'

/** On an autoscaler: until when its group is not made smaller, in seconds since 1970 (upstream's, contract 1.6). */
export const ANNOTATION_COOLDOWN = 'kubernetes.dask.org/cooldown-until'

/** On a resource definition: the version of the program that it came with. */
export const ANNOTATION_VERSION = 'kubernetes.dask.org/version'

/** The operator's own name: of its lease, its objects, its events, and as the manager of the fields that it writes. */
export const OPERATOR = 'dask-operator'
/** Where operators of all namespaces agree on who leads, wherever they run: one beside its user too. One that serves some agrees in each. */
export const LEASE_NAMESPACE = 'default'
/** Holds that lease for as long as a sandbox with an operator of its own lives. */
export const SANDBOX_OPERATOR = "the sandbox's own"

export const ENV_WORKER_NAME = 'DASK_WORKER_NAME'
export const ENV_SCHEDULER_ADDRESS = 'DASK_SCHEDULER_ADDRESS'

export const PORT_COMM = 'tcp-comm'
export const PORT_DASHBOARD = 'http-dashboard'
export const DEFAULT_COMM_PORT = 8786
export const DEFAULT_DASHBOARD_PORT = 8787

/** Longest valid cluster name: 63 characters less `-scheduler`. */
export const MAX_CLUSTER_NAME = 53

const CLUSTER_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/

export const isClusterName = (name: string): boolean => name.length <= MAX_CLUSTER_NAME && CLUSTER_NAME.test(name)

/** The sentence users know from upstream (contract 1.4). */
export const invalidClusterName = (name: string): string =>
  `The DaskCluster ${name} is invalid: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', ` +
  'and must start and end with an alphanumeric character. DaskCluster name must also be under 53 characters.'

export const schedulerName = (cluster: string): string => `${cluster}-scheduler`
/** Of the policy that is about a cluster's workers, in all of its groups. */
export const workersName = (cluster: string): string => `${cluster}-workers`
export const defaultGroupName = (cluster: string): string => `${cluster}-default`
export const workerName = (group: string, id: string): string => `${group}-worker-${id}`
export const runnerName = (job: string): string => `${job}-runner`

/** Label selector of a cluster's own pods. The runner of a job that only runs on it carries its label too, and outlives it. */
export const clusterPodsSelector = (cluster: string): string => `${LABEL_CLUSTER}=${cluster},${LABEL_COMPONENT}!=job-runner`

/** Resolves under every cluster domain: the domain itself is left to the pod's search list. */
export const schedulerHost = (cluster: string, namespace: string): string => `${schedulerName(cluster)}.${namespace}.svc`
