import type {DaskCluster, DaskJob} from './dask.ts'

/** What `managedBy` says of an object that this operator takes care of; absent says the same. */
const MANAGED_BY = 'kubernetes.dask.org/dask-operator'

/** Another controller takes care of it (Kueue's MultiKueue, say, which runs it in another cluster): it is left alone, whatever becomes of it. */
export const isManagedElsewhere = ({spec: {managedBy}}: DaskCluster | DaskJob): boolean =>
  managedBy !== undefined && managedBy !== MANAGED_BY
