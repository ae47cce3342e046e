import {describe, expect, it, vi} from 'vitest'
import type {ContainerState, Pod} from '../../../src/api/core.ts'
import type {DaskCluster, DaskWorkerGroup} from '../../../src/api/dask.ts'
import type {Condition} from '../../../src/api/object.ts'
import {clusterManifest} from '../../../src/cli/cluster-manifest.ts'
import {clusterProgress, withWorkerNumber} from '../../../src/cli/cluster-progress.ts'
import {renderCluster} from '../../../src/cli/describe-cluster.ts'
import {impatience} from '../../../src/cli/wait-cluster.ts'

const cluster = (status?: DaskCluster['status'], generation = 1): DaskCluster => {
  const made = clusterManifest('demo', 'default', {workers: 2, image: 'dask:1'})
  return {...made, metadata: {...made.metadata, generation, creationTimestamp: '2026-11-23T12:00:00Z'}, ...(status && {status})}
}

const ready = (status: 'True' | 'False', reason = 'Waiting', message = ''): Condition => ({
  ...{type: 'Ready', status, reason, message},
  ...{lastTransitionTime: '2026-11-23T12:00:00Z', observedGeneration: 1},
})

const pod = (component: 'scheduler' | 'worker', name: string, isReady: boolean, state: ContainerState = {running: {}}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {name, namespace: 'default', labels: {'dask.org/component': component}, creationTimestamp: '2026-11-23T12:00:00Z'},
  spec: {containers: [{name: component}]},
  status: {
    phase: state.running ? 'Running' : 'Pending',
    conditions: [{type: 'Ready', status: isReady ? 'True' : 'False'}],
    containerStatuses: [{name: component, ready: isReady, restartCount: 0, image: 'dask:1', imageID: '', state}],
  },
})

const SCHEDULER = pod('scheduler', 'demo-scheduler', true)
const IMAGE: ContainerState = {waiting: {reason: 'ImagePullBackOff', message: 'Back-off pulling image "dask:1"'}}

describe('the way of a cluster to ready', () => {
  it('begins with nothing', () => {
    expect(clusterProgress(cluster(), [])).toEqual({
      steps: [
        {name: 'scheduler', state: 'waiting', detail: ''},
        {name: 'workers', state: 'waiting', detail: '0/2 ready'},
      ],
      isReady: false,
      problem: undefined,
    })
  })

  it('ends when the operator says so for what the spec says now', () => {
    const pods = [SCHEDULER, pod('worker', 'w1', true), pod('worker', 'w2', true)]
    expect(clusterProgress(cluster({phase: 'Running', conditions: [ready('True')]}), pods).isReady).toBe(true)
    expect(clusterProgress(cluster({phase: 'Running', conditions: [ready('True')]}, 2), pods).isReady).toBe(false)
    expect(clusterProgress(cluster({phase: 'Running', conditions: [ready('False')]}), pods).isReady).toBe(false)
  })

  it('does not end by a word of the operator that is older than the scheduler that comes', () => {
    const stale = cluster({phase: 'Running', conditions: [ready('True')]})
    const coming = [pod('scheduler', 'demo-scheduler', false, IMAGE)]
    expect(clusterProgress(stale, coming)).toMatchObject({isReady: false, problem: {reason: 'ImagePullBackOff'}})
    // Whoever may not see its pods has the operator's word alone.
    expect(clusterProgress(stale, []).isReady).toBe(true)
  })

  it('has the number of workers from its groups where an operator tells none', () => {
    const group = (name: string, replicas: number, told?: string): DaskWorkerGroup => ({
      ...{apiVersion: 'kubernetes.dask.org/v1', kind: 'DaskWorkerGroup'},
      metadata: {name, ...(told && {annotations: {'kubernetes.dask.org/handed-down-replicas': told}})},
      spec: {cluster: 'demo', worker: {replicas, spec: {containers: []}}},
    })
    const other = {...group('other', 7), spec: {...group('other', 7).spec, cluster: 'other'}}
    const numberOf = (...groups: readonly DaskWorkerGroup[]): number | undefined =>
      withWorkerNumber(cluster({phase: 'Running'}), [...groups, other]).status?.replicas
    // The cluster says two: the group was scaled by itself, has yet to be told, does not tell, or is not there yet.
    expect(numberOf(group('demo-default', 0, '2'), group('extra', 3))).toBe(3)
    expect(numberOf(group('demo-default', 1, '1'))).toBe(2)
    expect(numberOf(group('demo-default', 0))).toBe(2)
    expect(numberOf(group('extra', 3))).toBe(5)
    expect(numberOf()).toBeUndefined()
    expect(withWorkerNumber(cluster({phase: 'Running', replicas: 4}), [group('extra', 3)]).status?.replicas).toBe(4)
    expect(withWorkerNumber(cluster(), [group('extra', 3)]).status).toBeUndefined()
  })

  it('ends by the pods themselves where an operator writes no conditions', () => {
    expect(clusterProgress(cluster({phase: 'Running'}), [SCHEDULER, pod('worker', 'w1', true)]).isReady).toBe(false)
    expect(clusterProgress(cluster({phase: 'Running'}), [SCHEDULER, pod('worker', 'w1', true), pod('worker', 'w2', true)]).isReady).toBe(
      true,
    )
  })

  it('is blocked for good by an image that cannot be pulled, and says which pod', () => {
    const {problem, steps} = clusterProgress(cluster({phase: 'Running', conditions: [ready('False')]}), [
      SCHEDULER,
      pod('worker', 'w1', false, IMAGE),
    ])
    expect(problem).toMatchObject({reason: 'ImagePullBackOff', isFinal: true, pod: {metadata: {name: 'w1'}}})
    expect(steps[1]?.detail).toContain('1 ImagePullBackOff: Back-off pulling image')
  })

  it('may go on after a node was full', () => {
    const unschedulable: Pod = {
      ...pod('worker', 'w1', false),
      status: {
        phase: 'Pending',
        conditions: [{type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available'}],
      },
    }
    expect(clusterProgress(cluster({phase: 'Running'}), [SCHEDULER, unschedulable]).problem).toMatchObject({
      reason: 'Unschedulable',
      isFinal: false,
    })
    expect(clusterProgress(cluster({phase: 'Running'}), [unschedulable, pod('worker', 'w2', false, IMAGE)]).problem?.reason).toBe(
      'ImagePullBackOff',
    )
  })

  it('waits for as long as a queue lasts, and 20 s for room on a node', () => {
    vi.useFakeTimers({toFake: ['performance']})
    const left = (reason: string): number => {
      const patience = impatience(20_000)
      const problem = {reason, message: '', isFinal: false}
      patience(problem)
      vi.advanceTimersByTime(30_000)
      return patience(problem)
    }
    expect(left('Unschedulable')).toBeLessThanOrEqual(0)
    expect(left('SchedulingGated')).toBeGreaterThan(0)
    vi.useRealTimers()
  })

  it('is over where the operator refuses the cluster', () => {
    expect(clusterProgress(cluster({phase: 'Error', conditions: [ready('False', 'InvalidName', 'no such name')]}), []).problem).toEqual({
      reason: 'InvalidName',
      message: 'no such name',
      isFinal: true,
    })
  })
})

describe('cluster describe', () => {
  it('has all on one screen, trouble first, and ends with the next command', () => {
    const text = renderCluster(
      {
        cluster: cluster({
          phase: 'Running',
          replicas: 2,
          readyReplicas: 1,
          conditions: [ready('False', 'ImagePullBackOff', 'a worker cannot start')],
        }),
        groups: [],
        autoscalers: [],
        numbers: {
          ...{
            connected: 1,
            threads: 2,
            cpu: 150,
            memory: 2 ** 29,
            memoryLimit: 2 ** 30,
            running: 2,
            queued: 4,
            results: 7,
            resultBytes: 0,
            spilled: 0,
            target: 5,
          },
          tasks: {waiting: 3, queued: 1, unrunnable: 2, processing: 6, results: 7, erred: 0, done: 20},
        },
        pods: [SCHEDULER, pod('worker', 'demo-default-worker-a', true), pod('worker', 'demo-default-worker-b', false, IMAGE)],
        events: [
          {
            apiVersion: 'v1',
            kind: 'Event',
            metadata: {name: 'e', namespace: 'default'},
            involvedObject: {kind: 'Pod', name: 'demo-default-worker-b'},
            type: 'Warning',
            reason: 'Failed',
            message: 'Failed to pull image\n',
            count: 3,
            lastTimestamp: '2026-11-23T12:01:00Z',
          },
        ],
      },
      'kubectl dask',
      Date.parse('2026-11-23T12:02:00Z'),
    )
    expect(text).toMatchInlineSnapshot(`
      "Name:        demo
      Namespace:   default
      Status:      ImagePullBackOff: a worker cannot start
      Workers:     1/2 ready
      Connected:   1 with 2 threads, memory 512Mi/1Gi, CPU 150%
      Tasks:       2 running, 8 waiting, 2 that no worker can run, 7 results held
      Asks for:    5 workers
      Image:       dask:1
      Age:         2m

      Conditions:
        TYPE    STATUS   REASON             MESSAGE
        Ready   False    ImagePullBackOff   a worker cannot start

      Pods:
        NAME                    STATUS             RESTARTS   AGE   NODE     CAUSE
        demo-default-worker-b   ImagePullBackOff   0          2m    <none>   ImagePullBackOff: Back-off pulling image "dask:1"
        demo-scheduler          Running            0          2m    <none>
        demo-default-worker-a   Running            0          2m    <none>

      Events:
        AGE   TYPE      REASON   OBJECT                      MESSAGE
        60s   Warning   Failed   pod/demo-default-worker-b   Failed to pull image (3 times)

      Next: is the image's name right, and may the cluster pull it? kubectl dask cluster delete demo -n default, then create it with --image
      "
    `)
  })

  it.each<[string, ContainerState, ContainerState | undefined, string]>([
    [
      'a program that its image lacks',
      {waiting: {reason: 'CrashLoopBackOff', message: 'back-off'}},
      {terminated: {exitCode: 128, reason: 'StartError', message: 'exec: "dask-worker": executable file not found in $PATH'}},
      'does its image have that program? New releases of Dask have "dask worker" and "dask scheduler" alone: kubectl edit daskcluster demo -n default',
    ],
    [
      'a container that was never begun',
      {waiting: {reason: 'CreateContainerConfigError', message: 'secret "s3" not found'}},
      undefined,
      'kubectl describe pod demo-default-worker-a -n default',
    ],
    [
      'a program that has ended',
      {waiting: {reason: 'CrashLoopBackOff', message: 'back-off'}},
      {terminated: {exitCode: 1, reason: 'Error'}},
      'kubectl dask cluster logs demo -n default --previous',
    ],
  ])('leads to a log only where there is one: %s', (_, state, lastState, next) => {
    const worker = pod('worker', 'demo-default-worker-a', false, state)
    const [container] = worker.status?.containerStatuses ?? []
    const crashed = {
      ...worker,
      status: {...worker.status, containerStatuses: container ? [{...container, ...(lastState && {lastState})}] : []},
    }
    const view = {cluster: cluster({phase: 'Running', conditions: [ready('False')]}), groups: [], autoscalers: [], events: []}
    const text = renderCluster({...view, pods: [SCHEDULER, crashed]}, 'kubectl dask', Date.parse('2026-11-23T12:02:00Z'))
    expect(text.split('\n').at(-2)).toBe(`Next: ${next}`)
  })
})
