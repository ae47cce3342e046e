import {describe, expect, it} from 'vitest'
import type {Pod, PodStatus} from '../../../src/api/core.ts'
import {podCause, podExit} from '../../../src/api/pod-cause.ts'

const pod = (status: PodStatus): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {name: 'demo-default-worker-0'},
  spec: {containers: [{name: 'worker'}]},
  status,
})
const container = {name: 'worker', ready: false, restartCount: 0, image: 'dask', imageID: ''}

describe('podCause', () => {
  it.each<[string, PodStatus, ReturnType<typeof podCause>]>([
    ['a pod that nothing has seen yet', {}, undefined],
    ['a running pod that is not ready yet', {phase: 'Running', containerStatuses: [{...container, state: {running: {}}}]}, undefined],
    [
      'a container that is being made',
      {phase: 'Pending', containerStatuses: [{...container, state: {waiting: {reason: 'ContainerCreating'}}}]},
      undefined,
    ],
    ['a pod that has succeeded', {phase: 'Succeeded', containerStatuses: [{...container, state: {terminated: {exitCode: 0}}}]}, undefined],
    [
      'an image that cannot be pulled',
      {
        phase: 'Pending',
        containerStatuses: [{...container, state: {waiting: {reason: 'ImagePullBackOff', message: 'Back-off pulling image "x"'}}}],
      },
      {reason: 'ImagePullBackOff', message: 'Back-off pulling image "x"'},
    ],
    [
      'a waiting reason without words',
      {phase: 'Pending', containerStatuses: [{...container, state: {waiting: {reason: 'ErrImageNeverPull'}}}]},
      {reason: 'ErrImageNeverPull', message: 'container "worker" waits: ErrImageNeverPull'},
    ],
    [
      'a crash loop, with what the container said last',
      {
        phase: 'Running',
        containerStatuses: [
          {
            ...container,
            state: {waiting: {reason: 'CrashLoopBackOff', message: 'back-off 20s restarting failed container'}},
            lastState: {terminated: {exitCode: 1, reason: 'Error', message: 'Traceback\n\nModuleNotFoundError: lz4\n'}},
          },
        ],
      },
      {
        reason: 'CrashLoopBackOff',
        message: 'container "worker" exited with code 1: ModuleNotFoundError: lz4; back-off 20s restarting failed container',
      },
    ],
    [
      'no node with room',
      {
        phase: 'Pending',
        conditions: [
          {type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available: 1 Insufficient memory.'},
        ],
      },
      {reason: 'Unschedulable', message: '0/1 nodes are available: 1 Insufficient memory.'},
    ],
    [
      'memory ran out',
      {phase: 'Failed', containerStatuses: [{...container, state: {terminated: {exitCode: 137, reason: 'OOMKilled'}}}]},
      {reason: 'OOMKilled', message: 'container "worker" exited with code 137 (OOMKilled)'},
    ],
    [
      'an evicted pod',
      {phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.'},
      {reason: 'Evicted', message: 'The node was low on resource: memory.'},
    ],
    [
      'an init container that fails',
      {phase: 'Pending', initContainerStatuses: [{...container, name: 'fetch', state: {terminated: {exitCode: 2, reason: 'Error'}}}]},
      {reason: 'Error', message: 'container "fetch" exited with code 2'},
    ],
  ])('%s', (_, status, cause) => {
    expect(podCause(pod(status))).toEqual(cause)
  })

  // What every manifest of the official client says, and new releases of Dask have not got any more.
  it.each([
    ['exec: "dask-worker": executable file not found in $PATH: unknown', 'dask-worker', 'dask, worker'],
    ['exec: "dask-scheduler": executable file not found in $PATH', 'dask-scheduler', 'dask, scheduler'],
    ['exec: "/opt/bin/dask-worker": stat /opt/bin/dask-worker: no such file or directory: unknown', 'dask-worker', 'dask, worker'],
    ['/usr/bin/prepare.sh: line 30: exec: dask-cuda-worker: not found', 'dask-cuda-worker', 'dask, cuda, worker'],
    ['[FATAL tini (7)] exec dask-worker failed: No such file or directory', 'dask-worker', 'dask, worker'],
    ['sh: 1: dask-worker: command not found', 'dask-worker', 'dask, worker'],
  ])('has the remedy where it tells that %s', (words, program, args) => {
    const remedy = `; the image has no ${program}, as new releases of Dask: write args: [${args}, …]`
    const waiting = {...container, state: {waiting: {reason: 'RunContainerError', message: words}}}
    expect(podCause(pod({phase: 'Pending', containerStatuses: [waiting]}))).toEqual({reason: 'RunContainerError', message: words + remedy})
    const lastState = {terminated: {exitCode: 128, reason: 'StartError', message: words}}
    const again = {...container, state: {waiting: {reason: 'CrashLoopBackOff', message: 'back-off 10s'}}, lastState}
    expect(podCause(pod({phase: 'Running', containerStatuses: [again]}))).toEqual({
      reason: 'CrashLoopBackOff',
      message: `container "worker" exited with code 128 (StartError): ${words}; back-off 10s${remedy}`,
    })
  })

  it.each(['exec: "train": executable file not found in $PATH', 'secret "dask-worker" not found', 'dask-worker: no module torch found'])(
    'has none for %s',
    (message) => {
      const waiting = {...container, state: {waiting: {reason: 'RunContainerError', message}}}
      expect(podCause(pod({phase: 'Pending', containerStatuses: [waiting]}))?.message).toBe(message)
    },
  )

  it('keeps a message to one short line', () => {
    const cause = podCause(pod({phase: 'Failed', reason: 'Evicted', message: `first\n${'x'.repeat(1000)}`}))
    expect(cause?.message).toMatch(/^first x+…$/)
    expect(cause?.message).toHaveLength(300)
  })
})

describe('podExit', () => {
  it('is the exit of the container that failed', () => {
    const sidecar = {...container, name: 'sidecar', state: {terminated: {exitCode: 0}}}
    const main = {...container, state: {terminated: {exitCode: 3}}}
    expect(podExit(pod({phase: 'Failed', containerStatuses: [sidecar, main]}))).toMatchObject({exitCode: 3, container: 'worker'})
  })
  it('is the first container where none failed, whatever the init containers did', () => {
    const init = {...container, name: 'init', state: {terminated: {exitCode: 0}}}
    const main = {...container, state: {terminated: {exitCode: 0}}}
    expect(podExit(pod({phase: 'Succeeded', initContainerStatuses: [init], containerStatuses: [main]}))).toMatchObject({
      exitCode: 0,
      container: 'worker',
    })
  })
  it('is unknown while nothing has ended', () => {
    expect(podExit(pod({phase: 'Running', containerStatuses: [{...container, state: {running: {}}}]}))).toBeUndefined()
  })
})
