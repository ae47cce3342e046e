import {setFlagsFromString} from 'node:v8'

/**
 * Lets the heap of this process grow by a quarter before it is swept, instead of to twice its size and more: after the making of 10,000 pods
 * an operator took 213 MB of memory instead of 305, for a tenth more of CPU (docs/benchmarks.md).
 */
export const growSparingly = (): void => setFlagsFromString('--heap-growing-percent=25')
