/** What a request path names (k8s.io/apiserver: endpoints/request/requestinfo.go). */

export interface Location {
  readonly group: string
  readonly version: string
  /** Absent for requests over all namespaces and for cluster-scoped kinds. */
  readonly namespace?: string
  readonly plural: string
  readonly name?: string
  readonly subresource?: string
  /** What follows the subresource (`…/proxy/<rest>`). */
  readonly rest: readonly string[]
}

/** Subresources of a namespace; any other third segment is a kind inside it. */
const OF_NAMESPACES = ['status', 'finalize']

/** `undefined` where the path is not one of a resource. Segments are decoded. */
export function locate(segments: readonly string[]): Location | undefined {
  const [root, ...after] = segments
  const [group = '', version, ...path] = root === 'api' ? ['', ...after] : root === 'apis' ? after : []
  if (!version || path.length === 0 || (root === 'apis' && group === '')) return undefined
  const [first, second, third, ...further] = path
  if (first === 'namespaces' && second !== undefined && third !== undefined && !OF_NAMESPACES.includes(third)) {
    const [name, subresource, ...rest] = further
    return {
      group,
      version,
      namespace: second,
      plural: third,
      rest,
      ...(name !== undefined && {name}),
      ...(subresource !== undefined && {subresource}),
    }
  }
  return {
    group,
    version,
    plural: first ?? '',
    rest: further,
    ...(second !== undefined && {name: second}),
    ...(third !== undefined && {subresource: third}),
  }
}
