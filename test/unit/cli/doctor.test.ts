import {expect, it} from 'vitest'
import type {Pod} from '../../../src/api/core.ts'
import {silentWorkers, tellsOfNoName} from '../../../src/cli/doctor/clusters.ts'
import type {SchedulerWorker} from '../../../src/dask/scheduler.ts'

it.each([
  ['socket.gaierror: [Errno -2] Name or service not known', true],
  ['OSError: Timed out: [Errno -3] Temporary failure in name resolution', true],
  ['socket.gaierror: [Errno 8] nodename nor servname provided, or not known', true],
  ['socket.gaierror: [Errno -2] Name does not resolve', true],
  ['socket.gaierror: [Errno -5] No address associated with hostname', true],
  ['ConnectionRefusedError: [Errno 111] Connection refused', false],
])('a log that ends with "%s" tells of a name that is not known: %s', (last, expected) => {
  const log = ['Traceback (most recent call last):', '  File "comm/core.py", line 1, in connect', last]
  expect(tellsOfNoName(log)).toBe(expected)
})

const load = {cpu: 0, memory: 0, executing: 0, queued: 0, results: 0, resultBytes: 0, spilled: 0}
const worker = (name: string, host: string): SchedulerWorker => ({
  ...{name, host, address: `tcp://${host}:1`, status: 'running', nthreads: 1, memoryLimit: 0, lastSeen: 0, load},
})
const pod = (podIP: string, more: object = {}): Pod => ({
  ...{apiVersion: 'v1', kind: 'Pod', metadata: {name: 'demo-default-worker-a', namespace: 'default'}},
  spec: {containers: [{name: 'worker'}], ...more},
  status: {
    podIP,
    containerStatuses: [
      {name: 'worker', ready: true, restartCount: 0, image: '', imageID: '', state: {running: {startedAt: '2020-01-01T00:00:00Z'}}},
    ],
  },
})
const NAMED = {containers: [{name: 'worker', env: [{name: 'DASK_WORKER_NAME', value: 'mine'}]}]}

it.each<[string, Pod, SchedulerWorker, boolean]>([
  ['by its own name', pod('10.0.0.1'), worker('demo-default-worker-a', '10.0.0.9'), true],
  ['by the address of its pod, where it was given no name', pod('10.0.0.1'), worker('tcp://10.0.0.1:1', '10.0.0.1'), true],
  ['by the name that its user gave it', pod('10.0.0.1', {...NAMED, hostNetwork: true}), worker('mine', '10.0.0.1'), true],
  ['as another one', pod('10.0.0.1'), worker('demo-default-worker-b', '10.0.0.2'), false],
])('a worker that the scheduler knows %s', (_, known, connected, isConnected) => {
  expect(silentWorkers([known], [connected])).toEqual(isConnected ? [] : [known])
})
