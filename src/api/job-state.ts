import type {DaskJob} from './dask.ts'

/** `Successful` and `Failed` are final, whatever happens to the job's objects afterwards. */
export const hasJobEnded = ({status}: DaskJob): boolean => status?.jobStatus === 'Successful' || status?.jobStatus === 'Failed'
