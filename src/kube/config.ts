import {accessSync, constants} from 'node:fs'
import {homedir} from 'node:os'
import {delimiter, join} from 'node:path'
import {KubeConfig} from '@kubernetes/client-node/dist/config.js'
import type {Cluster, User} from '@kubernetes/client-node/dist/config_types.js'
import {ConfigError} from './errors.ts'

/** Where to connect and as whom: one context of a kubeconfig, with the overrides of the command line already in it. */
export interface ClientConfig {
  readonly kubeConfig: KubeConfig
  readonly context: string
  readonly namespace: string
  readonly impersonate?: Impersonation
  /** Milliseconds for the server's answer to begin; 0: no limit. */
  readonly requestTimeoutMs?: number
  /** Told of each request and its answer, in one line. */
  readonly trace?: (line: string) => void
}

export interface Impersonation {
  readonly user?: string
  readonly groups?: readonly string[]
  readonly uid?: string
}

/** kubectl's global flags of the same names. */
export interface ConfigOptions {
  readonly kubeconfig?: string
  readonly context?: string
  readonly cluster?: string
  readonly user?: string
  readonly namespace?: string
  readonly server?: string
  readonly token?: string
  readonly tlsServerName?: string
  readonly insecureSkipTlsVerify?: boolean
  readonly certificateAuthority?: string
  readonly clientCertificate?: string
  readonly clientKey?: string
  readonly impersonate?: Impersonation
  readonly requestTimeoutMs?: number
  readonly trace?: (line: string) => void
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/**
 * The configuration that kubectl would use: `--kubeconfig`, else `$KUBECONFIG`, else `~/.kube/config`, else (inside a pod) the service account.
 * Throws a ConfigError that says which file or context is wrong.
 */
export function loadKubeConfig(options: ConfigOptions = {}): ClientConfig {
  const loaded = load(options)
  const kubeConfig = withOverrides(loaded, options)
  const context = kubeConfig.getCurrentContext()
  if (!kubeConfig.getCurrentCluster())
    throw new ConfigError(
      `context "${context}" names a cluster that its kubeconfig does not have: choose another with --context, or mend the file`,
    )
  return {
    kubeConfig,
    context,
    namespace: options.namespace ?? kubeConfig.getContextObject(context)?.namespace ?? 'default',
    ...(options.impersonate && {impersonate: options.impersonate}),
    ...(options.requestTimeoutMs !== undefined && {requestTimeoutMs: options.requestTimeoutMs}),
    ...(options.trace && {trace: options.trace}),
  }
}

const load = (options: ConfigOptions): KubeConfig => {
  const files = kubeconfigFiles(options.kubeconfig)
  const config = new KubeConfig()
  if (files.length === 0) {
    if (options.server) return config
    if (!isReadable(SERVICE_ACCOUNT))
      throw new ConfigError('there is no kubeconfig: set KUBECONFIG or --kubeconfig, or start a sandbox with "dask-k8s sandbox up"')
    config.loadFromCluster()
    return config
  }
  for (const [index, file] of files.entries()) {
    try {
      if (index === 0) config.loadFromFile(file)
      else {
        const further = new KubeConfig()
        further.loadFromFile(file)
        merge(config, further)
      }
    } catch (error) {
      // An empty file, a list, a word: YAML, but no mapping that client-node could look into.
      const why = error instanceof TypeError ? 'it is YAML, but not a kubeconfig' : firstLine(error)
      throw new ConfigError(`kubeconfig ${file} cannot be read: ${why}`)
    }
  }
  return config
}

/** Of two entries of one name the first file's counts, and so does the first current context, as with kubectl. */
const merge = (config: KubeConfig, further: KubeConfig): void => {
  const isNew =
    (known: readonly {readonly name: string}[]) =>
    ({name}: {readonly name: string}): boolean =>
      !known.some((each) => each.name === name)
  config.loadFromOptions({
    clusters: [...config.clusters, ...further.clusters.filter(isNew(config.clusters))],
    users: [...config.users, ...further.users.filter(isNew(config.users))],
    contexts: [...config.contexts, ...further.contexts.filter(isNew(config.contexts))],
    currentContext: config.currentContext || further.currentContext,
  })
}

/** The named file must exist; of those in `$KUBECONFIG` the missing ones are passed over, as kubectl does. */
const kubeconfigFiles = (named: string | undefined): readonly string[] => {
  if (named !== undefined) {
    if (!isReadable(named)) throw new ConfigError(`kubeconfig ${named} cannot be read: is the path right?`)
    return [named]
  }
  const fromEnv = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '')
  const candidates = fromEnv.length > 0 ? fromEnv : [join(homedir(), '.kube', 'config')]
  const present = candidates.filter((path) => {
    try {
      accessSync(path, constants.R_OK)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw new ConfigError(`kubeconfig ${path} cannot be read: ${firstLine(error)}`)
    }
  })
  if (fromEnv.length > 0 && present.length === 0)
    throw new ConfigError(`KUBECONFIG names ${fromEnv.join(delimiter)}, which does not exist: is the path right?`)
  return present
}

const withOverrides = (loaded: KubeConfig, options: ConfigOptions): KubeConfig => {
  const name = options.context ?? loaded.getCurrentContext()
  const context = loaded.getContextObject(name)
  if (options.context !== undefined && !context) throw new ConfigError(unknown('context', options.context, loaded.getContexts()))
  if (!context && !options.server && !(options.cluster && options.user)) {
    const choice = loaded.getContexts().map((each) => each.name)
    throw new ConfigError(
      choice.length > 0
        ? `the kubeconfig has no current context: choose one of ${choice.join(', ')} with --context`
        : 'the kubeconfig has no context: add one, or start a sandbox with "dask-k8s sandbox up"',
    )
  }
  const clusterName = options.cluster ?? context?.cluster ?? ''
  const userName = options.user ?? context?.user ?? ''
  const cluster = loaded.getCluster(clusterName)
  const user = loaded.getUser(userName)
  if (options.cluster !== undefined && !cluster) throw new ConfigError(unknown('cluster', options.cluster, loaded.getClusters()))
  if (options.user !== undefined && !user) throw new ConfigError(unknown('user', options.user, loaded.getUsers()))
  const made = new KubeConfig()
  made.loadFromOptions({
    clusters: cluster || options.server ? [overridden(cluster, options)] : [],
    users: [credentials(user, userName, cluster, options)],
    contexts: [
      {name: name || 'flags', cluster: cluster?.name ?? 'flags', user: user?.name ?? (userName || 'flags'), namespace: context?.namespace},
    ],
    currentContext: name || 'flags',
  })
  return made
}

const overridden = (cluster: Cluster | null, options: ConfigOptions): Cluster => {
  const {caData, ...base} = cluster ?? {name: 'flags', server: '', skipTLSVerify: false, caData: undefined}
  const server = options.server ?? base.server
  return {
    ...base,
    server,
    // client-node refuses plain HTTP (kubectl proxy) otherwise; there is no TLS to skip.
    skipTLSVerify: server.startsWith('http:') || (options.insecureSkipTlsVerify ?? base.skipTLSVerify),
    ...(options.tlsServerName !== undefined && {tlsServerName: options.tlsServerName}),
    ...(options.certificateAuthority !== undefined ? {caFile: options.certificateAuthority} : caData !== undefined && {caData}),
  }
}

const credentials = (user: User | null, name: string, cluster: Cluster | null, options: ConfigOptions): User => {
  const {certData, keyData, ...base} = user ?? {name: name || 'flags', certData: undefined, keyData: undefined}
  if (options.token !== undefined) return {name: base.name, token: options.token}
  return {
    ...base,
    ...(user?.exec && {exec: withExecInfo(user.exec as Exec, cluster)}),
    ...(options.clientCertificate !== undefined ? {certFile: options.clientCertificate} : certData !== undefined && {certData}),
    ...(options.clientKey !== undefined ? {keyFile: options.clientKey} : keyData !== undefined && {keyData}),
  }
}

interface Exec {
  readonly apiVersion?: string
  readonly env?: readonly {readonly name: string; readonly value: string}[] | null
  readonly provideClusterInfo?: boolean
}

/** What kubectl tells a plugin about the call, and some plugins insist on; client-node does not (client.authentication.k8s.io, ExecCredential). */
const withExecInfo = (exec: Exec, cluster: Cluster | null): Exec => {
  const info = {
    apiVersion: exec.apiVersion,
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(exec.provideClusterInfo &&
        cluster && {
          cluster: {
            server: cluster.server,
            'tls-server-name': cluster.tlsServerName,
            'insecure-skip-tls-verify': cluster.skipTLSVerify || undefined,
            'certificate-authority-data': cluster.caData,
            'proxy-url': cluster.proxyUrl,
          },
        }),
    },
  }
  return {...exec, env: [...(exec.env ?? []), {name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info)}]}
}

const unknown = (what: string, name: string, all: readonly {readonly name: string}[]): string => {
  const names = all.map((each) => each.name)
  return `${what} "${name}" is not in the kubeconfig${names.length > 0 ? `: it has ${names.join(', ')}` : ''}`
}

const isReadable = (path: string): boolean => {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''
