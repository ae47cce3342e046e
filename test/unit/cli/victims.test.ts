import {expect, it} from 'vitest'
import {victimLines} from '../../../src/cli/victims.ts'
import type {SchedulerWorker} from '../../../src/dask/scheduler.ts'

const worker = (executing: number, resultBytes: number): SchedulerWorker => ({
  ...{address: 'tcp://10.0.0.1:1', host: '10.0.0.1', name: 'a', status: 'running', nthreads: 1, memoryLimit: 0, lastSeen: 0},
  load: {memory: 0, cpu: 0, executing, queued: 3, results: 2, resultBytes, spilled: 0},
})

it('tells of each victim what its processes hold together, and nothing of one without a worker', () => {
  const text = victimLines([
    {name: 'a', reason: 'it has failed', workers: []},
    {name: 'b', reason: 'its worker has the least to lose', workers: [worker(1, 2 ** 20), worker(0, 2 ** 20)]},
  ])
  expect(text).toBe(
    'pod/a would leave: it has failed\n' +
      'pod/b would leave: its worker has the least to lose; 1 running, 6 queued, 4 results held (2Mi)\n',
  )
})
