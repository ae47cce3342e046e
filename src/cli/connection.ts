import type {KubeClient} from '../kube/client.ts'
import type {ConfigOptions} from '../kube/config.ts'
import type {GlobalFlags} from './flags.ts'
import {tell} from './output.ts'

/** A client, and the namespace that the call is about. */
export interface Connection {
  readonly client: KubeClient
  readonly namespace: string
}

/** The client of these flags; libraries that talk to a server are loaded here and not before. Nothing is sent yet. */
export async function openConnection(flags: GlobalFlags, isForMany = false): Promise<Connection> {
  const options = configOptions(flags)
  const client = (isForMany ? undefined : await openQuickly(options)) ?? (await openWhole(options))
  return {client, namespace: flags.namespace ?? client.namespace}
}

/** The everyday case, in a third of the time: see docs/decisions/0007-lean-start.md. */
const openQuickly = async (options: ConfigOptions): Promise<KubeClient | undefined> => {
  const {readPlainConfig} = await import('../kube/plain-config.ts')
  const config = readPlainConfig(options)
  if (!config) return undefined
  const {quickClient} = await import('../kube/quick-client.ts')
  const {requestTimeoutMs, trace} = options
  return quickClient(config, {
    whole: () => openWhole(options),
    ...(requestTimeoutMs !== undefined && {requestTimeoutMs}),
    ...(trace && {trace}),
  })
}

const openWhole = async (options: ConfigOptions): Promise<KubeClient> => {
  const [{loadKubeConfig}, {connect}] = await Promise.all([import('../kube/config.ts'), import('../kube/connect.ts')])
  return connect(loadKubeConfig(options))
}

const configOptions = (flags: GlobalFlags): ConfigOptions => {
  const {namespace, context, kubeconfig, cluster, user, token, server, as, 'as-group': groups, 'as-uid': uid, v: verbosity = 0} = flags
  const impersonate = {...(as !== undefined && {user: as}), ...(groups !== undefined && {groups}), ...(uid !== undefined && {uid})}
  const {'tls-server-name': tlsServerName, 'certificate-authority': certificateAuthority} = flags
  const {'client-certificate': clientCertificate, 'client-key': clientKey} = flags
  return {
    ...(namespace !== undefined && {namespace}),
    ...(context !== undefined && {context}),
    ...(kubeconfig !== undefined && {kubeconfig}),
    ...(cluster !== undefined && {cluster}),
    ...(user !== undefined && {user}),
    ...(token !== undefined && {token}),
    ...(server !== undefined && {server}),
    ...(flags['request-timeout'] !== undefined && {requestTimeoutMs: flags['request-timeout']}),
    ...(flags['insecure-skip-tls-verify'] && {insecureSkipTlsVerify: true}),
    ...(tlsServerName !== undefined && {tlsServerName}),
    ...(certificateAuthority !== undefined && {certificateAuthority}),
    ...(clientCertificate !== undefined && {clientCertificate}),
    ...(clientKey !== undefined && {clientKey}),
    ...(verbosity >= 6 && {trace: tell}),
    ...(Object.keys(impersonate).length > 0 && {impersonate}),
  }
}
