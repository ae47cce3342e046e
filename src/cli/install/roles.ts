/** What the operator may do, and nothing more: one list, from which its roles and the check of the installer's own rights are made. */

export interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

const DASK = 'kubernetes.dask.org'
const KINDS = ['daskclusters', 'daskworkergroups', 'daskjobs', 'daskautoscalers'] as const

/** A watch begins with a list, streamed where the server can do that, and what is in doubt is read by itself. */
const READ = ['get', 'list', 'watch'] as const

/** In each namespace that it serves. The suite on the real API server runs under these rights, and fails on one that nothing makes use of. */
export const SERVING: readonly Rule[] = [
  // A job has a cluster of its own, and a cluster its groups; jobs go by their TTL. A cluster takes an autoscaler in by an owner reference,
  // which only who may delete the object may change (OwnerReferencesPermissionEnforcement).
  {apiGroups: [DASK], resources: ['daskclusters', 'daskworkergroups'], verbs: [...READ, 'create', 'patch', 'delete']},
  {apiGroups: [DASK], resources: ['daskjobs'], verbs: [...READ, 'patch', 'delete']},
  {apiGroups: [DASK], resources: ['daskautoscalers'], verbs: [...READ, 'patch', 'delete']},
  {apiGroups: [DASK], resources: KINDS.map((kind) => `${kind}/status`), verbs: ['patch']},
  // What it makes blocks the deletion of its owner (OwnerReferencesPermissionEnforcement).
  {apiGroups: [DASK], resources: ['daskclusters/finalizers', 'daskworkergroups/finalizers', 'daskjobs/finalizers'], verbs: ['update']},
  {apiGroups: [''], resources: ['pods', 'services'], verbs: [...READ, 'create', 'patch', 'delete']},
  // Who reaches a cluster's pods, ways to its dashboard, and what keeps its scheduler from being evicted.
  {apiGroups: ['networking.k8s.io'], resources: ['networkpolicies', 'ingresses'], verbs: [...READ, 'create', 'patch', 'delete']},
  {apiGroups: ['gateway.networking.k8s.io'], resources: ['httproutes'], verbs: [...READ, 'create', 'patch', 'delete']},
  {apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: [...READ, 'create', 'patch', 'delete']},
  {apiGroups: [''], resources: ['pods/log'], verbs: ['get']},
  {apiGroups: [''], resources: ['events'], verbs: ['create']},
]

/** Where operators agree on who leads. */
export const LEADING: readonly Rule[] = [{apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update']}]

/** Whether the node of a scheduler that does not go is lost. */
export const LOOKING: readonly Rule[] = [{apiGroups: [''], resources: ['nodes'], verbs: ['get']}]

/** The certificates of clusters with `spec.tls`, and only where that is switched on. Which they are nobody knows beforehand, so that no names can be given. */
export const SECURING: readonly Rule[] = [{apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create', 'patch']}]

/** What people get beside what they have as view, edit and admin of a namespace. */
export const FOR_PEOPLE: Readonly<Record<'view' | 'edit', readonly Rule[]>> = {
  view: [{apiGroups: [DASK], resources: [...KINDS, ...KINDS.map((kind) => `${kind}/status`)], verbs: ['get', 'list', 'watch']}],
  edit: [
    {apiGroups: [DASK], resources: KINDS, verbs: ['create', 'update', 'patch', 'delete', 'deletecollection']},
    {apiGroups: [DASK], resources: ['daskclusters/scale', 'daskworkergroups/scale'], verbs: ['get', 'update', 'patch']},
  ],
}
