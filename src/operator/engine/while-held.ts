import type {KubeClient} from '../../kube/client.ts'
import type {IsHeld} from './contract.ts'

/**
 * The same client, which writes nothing once the lease may be another's. A process that was stopped (a frozen container, a laptop that slept) and
 * goes on has answers to take in, and writes that wait for a connection, before any timer tells it how late it is; its successor has done that
 * work meanwhile.
 */
export const whileHeld = (client: KubeClient, isHeld: IsHeld): KubeClient => ({
  ...client,
  create: (kind, object, options) => client.create(kind, object, {...options, maySend: isHeld}),
  replace: (kind, object, options) => client.replace(kind, object, {...options, maySend: isHeld}),
  patch: (kind, ref, patch, options) => client.patch(kind, ref, patch, {...options, maySend: isHeld}),
  apply: (kind, object, options) => client.apply(kind, object, {...options, maySend: isHeld}),
  delete: (kind, ref, options) => client.delete(kind, ref, {...options, maySend: isHeld}),
})
