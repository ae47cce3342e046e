import type {Condition, Kind, KubeObject} from './object.ts'

/** The parts of core/v1 that this project reads or writes; all else passes through untouched. */

export interface EnvVar {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: {
    readonly fieldRef?: {readonly fieldPath: string}
    readonly resourceFieldRef?: {readonly resource: string; readonly containerName?: string; readonly divisor?: string}
    readonly configMapKeyRef?: {readonly name: string; readonly key: string; readonly optional?: boolean}
    readonly secretKeyRef?: {readonly name: string; readonly key: string; readonly optional?: boolean}
  }
}

export interface Container {
  readonly name: string
  readonly image?: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly workingDir?: string
  readonly env?: readonly EnvVar[]
  readonly envFrom?: readonly {
    readonly prefix?: string
    readonly configMapRef?: {readonly name: string; readonly optional?: boolean}
    readonly secretRef?: {readonly name: string; readonly optional?: boolean}
  }[]
  readonly ports?: readonly {readonly name?: string; readonly containerPort: number; readonly protocol?: string}[]
  readonly resources?: {
    readonly limits?: Readonly<Record<string, string | number>>
    readonly requests?: Readonly<Record<string, string | number>>
  }
  readonly volumeMounts?: readonly {
    readonly name: string
    readonly mountPath: string
    readonly subPath?: string
    readonly readOnly?: boolean
  }[]
  readonly lifecycle?: {readonly preStop?: LifecycleHandler; readonly postStart?: LifecycleHandler}
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
  readonly startupProbe?: Probe
  readonly terminationMessagePath?: string
  readonly [field: string]: unknown
}

export interface LifecycleHandler {
  readonly exec?: {readonly command: readonly string[]}
  readonly sleep?: {readonly seconds: number}
  readonly httpGet?: HttpGet
}

export interface HttpGet {
  readonly path?: string
  readonly port: number | string
  readonly host?: string
  readonly scheme?: string
}

export interface Probe {
  readonly exec?: {readonly command: readonly string[]}
  readonly httpGet?: HttpGet
  readonly tcpSocket?: {readonly port: number | string; readonly host?: string}
  readonly initialDelaySeconds?: number
  readonly periodSeconds?: number
  readonly timeoutSeconds?: number
  readonly successThreshold?: number
  readonly failureThreshold?: number
}

export interface PodSpec {
  readonly activeDeadlineSeconds?: number
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never'
  readonly nodeName?: string
  readonly hostNetwork?: boolean
  readonly terminationGracePeriodSeconds?: number
  readonly tolerations?: readonly {readonly key?: string; readonly tolerationSeconds?: number; readonly [field: string]: unknown}[]
  readonly volumes?: readonly ({
    readonly name: string
    readonly secret?: {readonly secretName?: string; readonly [field: string]: unknown}
  } & Readonly<Record<string, unknown>>)[]
  readonly [field: string]: unknown
}

export interface ContainerState {
  readonly waiting?: {readonly reason?: string; readonly message?: string}
  readonly running?: {readonly startedAt?: string}
  readonly terminated?: {
    readonly exitCode: number
    readonly signal?: number
    readonly reason?: string
    readonly message?: string
    readonly startedAt?: string
    readonly finishedAt?: string
    readonly containerID?: string
  }
}

export interface ContainerStatus {
  readonly name: string
  readonly ready: boolean
  readonly started?: boolean
  readonly restartCount: number
  readonly image: string
  readonly imageID: string
  readonly containerID?: string
  readonly state?: ContainerState
  readonly lastState?: ContainerState
}

export interface PodCondition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string
  readonly lastProbeTime?: string | null
}

export interface PodStatus {
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown'
  readonly reason?: string
  readonly message?: string
  readonly podIP?: string
  readonly podIPs?: readonly {readonly ip: string}[]
  readonly hostIP?: string
  readonly startTime?: string
  readonly conditions?: readonly PodCondition[]
  readonly containerStatuses?: readonly ContainerStatus[]
  readonly initContainerStatuses?: readonly ContainerStatus[]
}

export interface Pod extends KubeObject {
  readonly spec: PodSpec
  readonly status?: PodStatus
}

export interface ServicePort {
  readonly name?: string
  readonly protocol?: string
  readonly port: number
  readonly targetPort?: number | string
  readonly nodePort?: number
}

export interface ServiceSpec {
  readonly type?: string
  readonly clusterIP?: string
  readonly selector?: Readonly<Record<string, string>>
  readonly ports?: readonly ServicePort[]
  readonly [field: string]: unknown
}

export interface Service extends KubeObject {
  readonly spec: ServiceSpec
  readonly status?: {
    readonly loadBalancer?: {readonly ingress?: readonly {readonly ip?: string; readonly hostname?: string}[]}
    readonly conditions?: readonly Condition[]
  }
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
  readonly binaryData?: Readonly<Record<string, string>>
}

export interface Secret extends KubeObject {
  readonly type?: string
  readonly data?: Readonly<Record<string, string>>
}

export interface Namespace extends KubeObject {
  readonly status?: {readonly phase?: string}
}

export interface Node extends KubeObject {
  readonly spec?: {
    readonly unschedulable?: boolean
    readonly podCIDR?: string
    readonly taints?: readonly {readonly key: string; readonly value?: string; readonly effect: string}[]
  }
  readonly status?: {
    readonly capacity?: Readonly<Record<string, string>>
    readonly allocatable?: Readonly<Record<string, string>>
    readonly conditions?: readonly PodCondition[]
    readonly addresses?: readonly {readonly type: string; readonly address: string}[]
    readonly daemonEndpoints?: {readonly kubeletEndpoint?: {readonly Port: number}}
    readonly nodeInfo?: Readonly<Record<string, string>>
  }
}

export interface Event extends KubeObject {
  readonly involvedObject: {
    readonly apiVersion?: string
    readonly kind: string
    readonly namespace?: string
    readonly name: string
    readonly uid?: string
  }
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly count?: number
  readonly firstTimestamp?: string
  readonly lastTimestamp?: string
  readonly source?: {readonly component?: string}
}

export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string
    readonly leaseDurationSeconds?: number
    readonly acquireTime?: string
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

const core = <T extends KubeObject>(kind: string, plural: string, namespaced = true): Kind<T> => ({
  apiVersion: 'v1',
  kind,
  plural,
  namespaced,
})

export const PODS = core<Pod>('Pod', 'pods')
export const SERVICES = core<Service>('Service', 'services')
export const CONFIG_MAPS = core<ConfigMap>('ConfigMap', 'configmaps')
export const SECRETS = core<Secret>('Secret', 'secrets')
export const PERSISTENT_VOLUME_CLAIMS = core('PersistentVolumeClaim', 'persistentvolumeclaims')
export const EVENTS = core<Event>('Event', 'events')
export const NAMESPACES = core<Namespace>('Namespace', 'namespaces', false)
export const NODES = core<Node>('Node', 'nodes', false)
export const LEASES: Kind<Lease> = {apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases', namespaced: true}
export const CUSTOM_RESOURCE_DEFINITIONS: Kind = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
}
