/** What exists in every cluster, and what the server itself cleans up. */
import {type ApiObject, isEqual} from './json.ts'
import {builtIn} from './kinds/built-in.ts'
import type {Ground} from './resources.ts'
import {create, type WriteOptions} from './write.ts'

const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system']
const OPTIONS: WriteOptions = {dryRun: false, fieldValidation: 'Strict', manager: 'sandbox'}
/** `--event-ttl` of the real server. */
const EVENT_LIFE_MS = 60 * 60_000
const SWEEP_MS = 60_000

/** Makes the first namespaces where they are not there; each new namespace gets its default service account and the server's CA; events end after an hour. */
export function seed(ground: Ground, ca: string): {stop(): void} {
  const [accounts, maps] = [builtIn('serviceaccounts'), builtIn('configmaps')]
  const root = {metadata: {name: 'kube-root-ca.crt'}, data: {'ca.crt': ca}}
  const unsubscribe = ground.store.watch('namespaces', ({type, object}) => {
    if (type !== 'ADDED') return
    create(ground, accounts, object.metadata.name, {metadata: {name: 'default'}}, OPTIONS)
    create(ground, maps, object.metadata.name, root, OPTIONS)
  })
  for (const name of NAMESPACES)
    if (!ground.store.get('namespaces', '', name)) create(ground, builtIn('namespaces'), '', {metadata: {name}}, OPTIONS)
  // Kept from a life under an earlier authority.
  for (const map of ground.store.list('configmaps'))
    if (map.metadata.name === root.metadata.name && !isEqual(map['data'], root.data))
      ground.store.put('configmaps', {...map, data: root.data})
  const sweep = setInterval(() => dropOldEvents(ground), SWEEP_MS).unref()
  return {
    stop: () => {
      unsubscribe()
      clearInterval(sweep)
    },
  }
}

const dropOldEvents = ({store}: Ground): void => {
  const limit = Date.now() - EVENT_LIFE_MS
  for (const event of store.list('events')) if (lastSeen(event) < limit) store.remove('events', event)
}

const lastSeen = (event: ApiObject): number =>
  Date.parse(String(event['lastTimestamp'] || event['eventTime'] || event.metadata.creationTimestamp))
