/** Paths and queries of the Kubernetes API. */
import type {Kind, Ref} from '../api/object.ts'
import type {WriteOptions} from './client.ts'

/** `/apis/GROUP/VERSION[/namespaces/NS]/PLURAL`; core/v1 lives under `/api`. No namespace, and the empty one, mean all of them. */
export const resourcePath = (kind: Kind, namespace?: string): string => {
  const root = kind.apiVersion.includes('/') ? `/apis/${kind.apiVersion}` : `/api/${kind.apiVersion}`
  const inside = kind.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${root}${inside}/${kind.plural}`
}

export const objectPath = (kind: Kind, ref: Ref, subresource?: string): string =>
  `${resourcePath(kind, ref.namespace)}/${encodeURIComponent(ref.name)}${subresource ? `/${subresource}` : ''}`

/** `?a=b&c=d`, without what is undefined; empty where nothing is left. */
export const query = (parameters: Readonly<Record<string, string | number | boolean | undefined>>): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined && value !== '') search.set(name, String(value))
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}

export const writeQuery = (options: WriteOptions = {}, force?: boolean): string =>
  query({
    dryRun: options.dryRun ? 'All' : undefined,
    fieldManager: options.fieldManager,
    fieldValidation: options.fieldValidation,
    force: force || undefined,
  })
