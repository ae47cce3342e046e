import type {Kind} from '../api/object.ts'
import type {KubeClient} from './client.ts'
import {failureOf} from './failure.ts'

/** What the server says of a resource: absent where it does not serve it (its CRD is missing). */
export interface Served {
  readonly hasStatus: boolean
  readonly hasScale: boolean
}

/** Whether the server serves this kind, and with which subresources (`GET /apis/GROUP/VERSION`). */
export async function discover(client: KubeClient, kind: Kind, signal?: AbortSignal): Promise<Served | undefined> {
  const path = kind.apiVersion.includes('/') ? `/apis/${kind.apiVersion}` : `/api/${kind.apiVersion}`
  const response = await client.raw({path, ...(signal && {signal})})
  const text = await response.body.text()
  if (response.status === 404) return undefined
  if (response.status >= 400) throw failureOf(response, text)
  const names = new Set((JSON.parse(text) as {resources?: readonly {name: string}[]}).resources?.map(({name}) => name))
  if (!names.has(kind.plural)) return undefined
  return {hasStatus: names.has(`${kind.plural}/status`), hasScale: names.has(`${kind.plural}/scale`)}
}
