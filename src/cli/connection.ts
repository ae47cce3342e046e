import type {KubeClient} from '../kube/client.ts'
import type {GlobalFlags} from './flags.ts'

/** A client, and the namespace that the call is about. */
export interface Connection {
  readonly client: KubeClient
  readonly namespace: string
}

/** The client of these flags; libraries that talk to a server are loaded here and not before. Nothing is sent yet. */
export async function openConnection(flags: GlobalFlags): Promise<Connection> {
  const [{loadKubeConfig}, {connect}] = await Promise.all([import('../kube/config.ts'), import('../kube/connect.ts')])
  const config = await loadKubeConfig({})
  const client = connect(config)
  return {client, namespace: flags.namespace ?? client.namespace}
}
