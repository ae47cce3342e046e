/** What the server serves, told in both ways: aggregated (apidiscovery.k8s.io) and group by group. */
import {apiVersionOf, type Registry, type Resource} from './resources.ts'
import {REVIEWS} from './reviews.ts'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
/** The real server's order for custom resources. */
const CUSTOM_VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']
const verbsOf = ({isCustom, storage}: Resource): readonly string[] => {
  if (isCustom) return CUSTOM_VERBS
  return storage === 'namespaces' ? VERBS.filter((verb) => verb !== 'deletecollection') : VERBS
}

interface Subresource {
  readonly name: string
  readonly kind: string
  readonly verbs: readonly string[]
  readonly group?: string
}

const PROXIED = ['create', 'delete', 'get', 'patch', 'update']

/** Subresources of pods that are connections or requests of their own. */
const OF_PODS: readonly Subresource[] = [
  {name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get']},
  {name: 'binding', kind: 'Binding', verbs: ['create']},
  {name: 'eviction', kind: 'Eviction', verbs: ['create'], group: 'policy'},
  {name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get']},
  {name: 'log', kind: 'Pod', verbs: ['get']},
  {name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get']},
  {name: 'proxy', kind: 'PodProxyOptions', verbs: PROXIED},
]
/** Beside status and scale, by storage. */
const OWN: Readonly<Record<string, readonly Subresource[]>> = {
  pods: OF_PODS,
  services: [{name: 'proxy', kind: 'ServiceProxyOptions', verbs: PROXIED}],
  serviceaccounts: [{name: 'token', kind: 'TokenRequest', verbs: ['create'], group: 'authentication.k8s.io'}],
}

/** In the real server's order: by name, but for custom resources. */
const subresourcesOf = (resource: Resource): readonly Subresource[] => {
  const all = [
    ...(resource.hasStatus ? [{name: 'status', kind: resource.kind, verbs: ['get', 'patch', 'update']}] : []),
    ...(resource.scale ? [{name: 'scale', kind: 'Scale', verbs: ['get', 'patch', 'update'], group: 'autoscaling'}] : []),
    ...(OWN[resource.storage] ?? []),
  ]
  return resource.isCustom ? all : all.toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

interface GroupVersion {
  readonly group: string
  readonly version: string
}

/** Every group and version, in the order in which they were first served. */
const groupVersions = (registry: Registry): readonly GroupVersion[] => {
  const all = [...registry.all(), ...REVIEWS.map(({group}) => ({group, version: 'v1'}))]
  return [...new Map(all.map(({group, version}) => [`${group}/${version}`, {group, version}])).values()]
}

const resourcesAt = (registry: Registry, at: GroupVersion): readonly Resource[] =>
  registry.all().filter((each) => each.group === at.group && each.version === at.version)

/** `GET /api`. */
export const coreVersions = (address: string): object => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{clientCIDR: '0.0.0.0/0', serverAddress: address}],
})

/** `GET /apis`. */
export const groupList = (registry: Registry): object => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: [...new Set(groupVersions(registry).map(({group}) => group))].filter(Boolean).map((group) => groupOf(registry, group)),
})

const groupOf = (registry: Registry, name: string): object | undefined => {
  const versions = groupVersions(registry)
    .filter(({group}) => group === name)
    .map(({group, version}) => ({groupVersion: `${group}/${version}`, version}))
  return versions.length > 0 ? {name, versions, preferredVersion: versions[0]} : undefined
}

/** `GET /apis/<group>`. */
export const groupAt = (registry: Registry, name: string): object | undefined => {
  const group = groupOf(registry, name)
  return group && {kind: 'APIGroup', apiVersion: 'v1', ...group}
}

/** `GET /api/v1`, `GET /apis/<group>/<version>`; `undefined` where nothing is served. */
export const resourceList = (registry: Registry, at: GroupVersion): object | undefined => {
  const resources = resourcesAt(registry, at).flatMap((resource) => {
    const {plural, singular, namespaced, kind, shortNames, categories} = resource
    const own = {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs: verbsOf(resource),
      ...(shortNames.length > 0 && {shortNames}),
      ...(categories.length > 0 && {categories}),
    }
    const below = subresourcesOf(resource).map((each) => ({
      name: `${plural}/${each.name}`,
      singularName: '',
      namespaced,
      ...(each.group !== undefined && {group: each.group, version: 'v1'}),
      kind: each.kind,
      verbs: each.verbs,
    }))
    return [own, ...below]
  })
  const reviews = reviewsAt(at).map(({plural, kind}) => ({
    name: plural,
    singularName: kind.toLowerCase(),
    namespaced: false,
    kind,
    verbs: ['create'],
  }))
  const all = [...resources, ...reviews]
  return all.length > 0 ? {kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersionOf(at), resources: all} : undefined
}

const reviewsAt = ({group, version}: GroupVersion): typeof REVIEWS =>
  version === 'v1' ? REVIEWS.filter((each) => each.group === group) : []

/** `GET /api` and `GET /apis` with `as=APIGroupDiscoveryList`: one answer instead of one for each version. */
export const aggregated = (registry: Registry, isCore: boolean, version: string): object => {
  const versions = groupVersions(registry).filter(({group}) => (group === '') === isCore)
  const groups = [...new Set(versions.map(({group}) => group))]
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((name) => ({
      metadata: {name: name || undefined},
      versions: versions
        .filter(({group}) => group === name)
        .map((at) => ({
          version: at.version,
          freshness: 'Current',
          resources: [
            ...resourcesAt(registry, at).map(discovered),
            ...reviewsAt(at).map((each) => discoveredReview(each.plural, each.kind)),
          ],
        })),
    })),
  }
}

const discovered = (resource: Resource): object => ({
  resource: resource.plural,
  responseKind: kindIn(resource, resource.kind),
  scope: resource.namespaced ? 'Namespaced' : 'Cluster',
  singularResource: resource.singular,
  verbs: verbsOf(resource),
  ...(resource.shortNames.length > 0 && {shortNames: resource.shortNames}),
  ...(resource.categories.length > 0 && {categories: resource.categories}),
  subresources: subresourcesOf(resource).map((each) => ({
    subresource: each.name,
    responseKind: each.group === undefined ? kindIn(resource, each.kind) : {group: each.group, version: 'v1', kind: each.kind},
    verbs: each.verbs,
  })),
})

/** Of built-in kinds the group and version are those under which they are told. */
const kindIn = ({isCustom, group, version}: Resource, kind: string): object => ({
  group: isCustom ? group : '',
  version: isCustom ? version : '',
  kind,
})

const discoveredReview = (plural: string, kind: string): object => ({
  resource: plural,
  responseKind: {group: '', version: '', kind},
  scope: 'Cluster',
  singularResource: kind.toLowerCase(),
  verbs: ['create'],
})
