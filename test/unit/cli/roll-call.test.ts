import {expect, it} from 'vitest'
import type {ContainerState, Pod} from '../../../src/api/core.ts'
import {callRoll, restartedWorker} from '../../../src/cli/roll-call.ts'
import type {SchedulerWorker} from '../../../src/dask/scheduler.ts'

const load = {cpu: 0, memory: 0, executing: 0, queued: 0, results: 0, resultBytes: 0, spilled: 0}
const worker = (name: string): SchedulerWorker => ({
  ...{name, host: '10.0.0.1', address: 'tcp://10.0.0.1:1', status: 'running', nthreads: 1, memoryLimit: 0, lastSeen: 0, load},
})
const pod = (name: string, restartCount = 0, lastState?: ContainerState): Pod => ({
  ...{apiVersion: 'v1', kind: 'Pod', metadata: {name, labels: {'dask.org/component': 'worker'}}, spec: {containers: [{name: 'worker'}]}},
  status: {
    conditions: [{type: 'Ready', status: 'True'}],
    containerStatuses: [{name: 'worker', ready: true, restartCount, image: '', imageID: '', ...(lastState && {lastState})}],
  },
})

it('ready pods are told apart from connected workers, whose processes count once for each pod', () => {
  const [one, other] = [pod('demo-default-worker-a'), pod('demo-default-worker-b')]
  const known = [worker('demo-default-worker-a-0'), worker('demo-default-worker-a-1')]
  expect(callRoll(2, [one, other], known)).toEqual({wanted: 2, connected: 1, missing: [other]})
})

it('a worker that was begun anew and is not connected says how it ended', () => {
  const ended = {terminated: {exitCode: 1, reason: 'Error', message: 'ModuleNotFoundError: no module named torch'}}
  const crashed = pod('demo-default-worker-a', 2, ended)
  expect(restartedWorker([pod('demo-default-worker-b'), crashed])).toEqual({
    reason: 'NotConnected',
    message:
      'container "worker" exited with code 1: ModuleNotFoundError: no module named torch; it was begun anew 2 times, and the scheduler does not know it',
    pod: crashed,
    isFinal: false,
  })
  expect(restartedWorker([pod('demo-default-worker-b')])).toBeUndefined()
})
