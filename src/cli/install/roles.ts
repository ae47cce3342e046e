/** What the operator may do, and nothing more: one list, from which its roles and the check of the installer's own rights are made. */

export interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

const DASK = 'kubernetes.dask.org'
const KINDS = ['daskclusters', 'daskworkergroups', 'daskjobs', 'daskautoscalers'] as const

/** In each namespace that it serves. */
export const SERVING: readonly Rule[] = [
  {apiGroups: [DASK], resources: KINDS, verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete']},
  {apiGroups: [DASK], resources: KINDS.map((kind) => `${kind}/status`), verbs: ['get', 'patch', 'update']},
  // What it makes blocks the deletion of its owner (OwnerReferencesPermissionEnforcement).
  {apiGroups: [DASK], resources: KINDS.map((kind) => `${kind}/finalizers`), verbs: ['update']},
  {apiGroups: [''], resources: ['pods', 'services'], verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete']},
  {apiGroups: [''], resources: ['pods/log'], verbs: ['get']},
  {apiGroups: [''], resources: ['events'], verbs: ['create', 'patch']},
]

/** Where operators agree on who leads. */
export const LEADING: readonly Rule[] = [
  {apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update', 'patch']},
]

/** Whether the node of a scheduler that does not go is lost. */
export const LOOKING: readonly Rule[] = [{apiGroups: [''], resources: ['nodes'], verbs: ['get']}]

/** What people get beside what they have as view, edit and admin of a namespace. */
export const FOR_PEOPLE: Readonly<Record<'view' | 'edit', readonly Rule[]>> = {
  view: [{apiGroups: [DASK], resources: [...KINDS, ...KINDS.map((kind) => `${kind}/status`)], verbs: ['get', 'list', 'watch']}],
  edit: [
    {apiGroups: [DASK], resources: KINDS, verbs: ['create', 'update', 'patch', 'delete', 'deletecollection']},
    {apiGroups: [DASK], resources: ['daskclusters/scale', 'daskworkergroups/scale'], verbs: ['get', 'update', 'patch']},
  ],
}
