import {DASK_KINDS} from '../api/dask.ts'
import {KubeError} from '../kube/errors.ts'
import type {Connection} from './connection.ts'
import {nearest} from './did-you-mean.ts'

/** Advice that takes longer is none. */
const TIMEOUT_MS = 2_000

/** Where the server does not find one of our objects: the names in that namespace that are near to its name. */
export async function nearNames(error: unknown, connection: Connection | undefined): Promise<readonly string[]> {
  if (!(error instanceof KubeError) || error.status !== 404 || !connection) return []
  const [, plural, name] = /^([a-z]+)\.kubernetes\.dask\.org "(.+)" not found$/.exec(error.message.trim()) ?? []
  const kind = DASK_KINDS.find((each) => each.plural === plural)
  if (!kind || name === undefined) return []
  const {client, namespace} = connection
  // What failed has been said; that there is no advice needs no word.
  const items = await client.list(kind, {namespace, signal: AbortSignal.timeout(TIMEOUT_MS)}).then(
    (list) => list.items,
    () => [],
  )
  return nearest(
    name,
    items.map(({metadata}) => metadata.name),
  )
}
