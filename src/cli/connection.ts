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
export async function openConnection(flags: GlobalFlags): Promise<Connection> {
  const [{loadKubeConfig}, {connect}] = await Promise.all([import('../kube/config.ts'), import('../kube/connect.ts')])
  const client = connect(loadKubeConfig(configOptions(flags)))
  return {client, namespace: flags.namespace ?? client.namespace}
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
