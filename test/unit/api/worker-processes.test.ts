import {expect, it} from 'vitest'
import {workerProcesses} from '../../../src/api/worker-processes.ts'

const pod = (args: readonly string[], command: readonly string[] = []) => ({containers: [{name: 'worker', image: 'dask', command, args}]})

it.each([
  [['dask', 'worker', '--nworkers', '4'], 4],
  [['dask', 'worker', '--nworkers=2', '--nthreads', '8'], 2],
  [['dask-worker', '--nprocs', '3'], 3],
  [['dask worker tcp://x:8786 --nworkers 5'], 5],
  [['dask', 'worker', '--nworkers', 'auto'], 1],
  [['dask', 'worker', '--nworkers', '-1'], 1],
  [['dask', 'worker', '--nworkers'], 1],
  [['dask', 'worker'], 1],
  [[], 1],
] as const)('a pod that runs %j counts for %i workers', (args, processes) => {
  expect(workerProcesses(pod(args))).toBe(processes)
  expect(workerProcesses(pod([], args))).toBe(processes)
})
