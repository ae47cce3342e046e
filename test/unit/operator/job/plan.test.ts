import {describe, expect, it} from 'vitest'
import type {Pod} from '../../../../src/api/core.ts'
import type {DaskCluster, DaskJob, DaskJobStatus} from '../../../../src/api/dask.ts'
import {isControlledBy} from '../../../../src/api/ownership.ts'
import {tlsSecretOf} from '../../../../src/api/tls.ts'
import {schedulerPod} from '../../../../src/operator/cluster/parts.ts'
import type {Create} from '../../../../src/operator/engine/contract.ts'
import {type JobWorld, planJob as plan} from '../../../../src/operator/job/plan.ts'
import {failedJobStatus} from '../../../../src/operator/job/status.ts'
import {ago, at, endedWith, makeCluster, makeJob, makePod, NOW, ownedBy, PENDING, RUNNING, told, UNSCHEDULABLE} from '../objects.ts'

interface Given {
  readonly cluster: DaskCluster | undefined
  readonly runner: Pod | undefined
  readonly scheduler?: Pod
}
const NOTHING: Given = {cluster: undefined, runner: undefined}

const worldOf = (job: DaskJob, {cluster, runner, scheduler}: Given): JobWorld => {
  const isOwn = runner !== undefined && isControlledBy(runner, job)
  return {cluster, scheduler, runners: isOwn ? [runner] : [], holder: isOwn ? undefined : runner}
}
const planJob = (job: DaskJob, given: Given, now: number) => plan(job, worldOf(job, given), now)

const clusterOf = (job: DaskJob, metadata: DaskCluster['metadata'] | object = {}): DaskCluster =>
  makeCluster(2, {name: 'pi', ownerReferences: [ownedBy(job)], ...metadata})
const runnerOf = (job: DaskJob, status: Pod['status'] = RUNNING, metadata: object = {}): Pod => makePod('pi-runner', job, status, metadata)
const begun: DaskJobStatus = {jobStatus: 'Running', clusterName: 'pi', jobRunnerPodName: 'pi-runner', startTime: ago(40)}

const conditions = (status: DaskJobStatus | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries((status?.conditions ?? []).map(({type, status: is, reason}) => [type, `${is} ${reason}`]))

describe('a new job', () => {
  it('gets its cluster, and then its runner: none begins for a cluster that is refused', () => {
    const made = planJob(makeJob(), NOTHING, NOW)
    expect(told(made.stages)).toEqual([['create daskclusters/pi'], ['create pods/pi-runner']])
    expect(made.status).toMatchObject({jobStatus: 'JobCreated', observedGeneration: 1})
    expect(made.status).not.toHaveProperty('clusterName')
  })

  it('is left alone where another controller takes care of it', () => {
    const job = makeJob()
    const elsewhere = {...job, spec: {...job.spec, managedBy: 'kueue.x-k8s.io/multikueue'}}
    expect(planJob(elsewhere, NOTHING, NOW)).toEqual({stages: [], status: undefined})
  })

  it('gets its runner once its cluster has the certificate, without which no pod starts', () => {
    const plain = makeJob()
    const job: DaskJob = {
      ...plain,
      spec: {...plain.spec, cluster: {spec: {...plain.spec.cluster?.spec, tls: {auto: true}} as DaskCluster['spec']}},
    }
    expect(told(planJob(job, NOTHING, NOW).stages)).toEqual([['create daskclusters/pi']])
    const made = clusterOf(job)
    const cluster = {...made, spec: {...made.spec, tls: {auto: true}}}
    expect(told(planJob(job, {cluster, runner: undefined}, NOW).stages)).toEqual([])
    const reachable = {...cluster, status: {schedulerAddress: 'tls://pi-scheduler.ns.svc:8786'}}
    expect(told(planJob(job, {cluster: reachable, runner: undefined}, NOW).stages)).toEqual([['create pods/pi-runner']])
  })

  it.each([
    ['on', {tls: {auto: true}}, {}, 'tcp'],
    ['off', {}, {tls: {auto: true}}, 'tls'],
  ])('has its runner speak as the scheduler does, where TLS was switched %s since that began', (_, now, before, scheme) => {
    const job = makeJob()
    const made = clusterOf(job)
    const cluster = {...made, spec: {...made.spec, ...now}, status: {schedulerAddress: `${scheme}://pi-scheduler.ns.svc:8786`}}
    const scheduler = {...makePod('pi-scheduler', cluster), spec: schedulerPod({...made, spec: {...made.spec, ...before}}).spec}
    const runner = at<Create>(planJob(job, {cluster, scheduler, runner: undefined}, NOW).stages, 0, 0).object as Pod
    expect(runner.spec.containers[0]?.env).toContainEqual({name: 'DASK_SCHEDULER_ADDRESS', value: cluster.status.schedulerAddress})
    expect(tlsSecretOf(runner)).toBe(tlsSecretOf(scheduler))
  })

  it('gives its cluster all of its spec, the idle timeout too, and its labels', () => {
    const job = makeJob({labels: {team: 'a'}, annotations: {note: 'x', 'kopf.zalando.org/x': 'y'}})
    const {object} = at<Create>(planJob(job, NOTHING, NOW).stages, 0, 0)
    expect(object).toMatchObject({
      metadata: {labels: {team: 'a', 'dask.org/cluster-name': 'pi'}, annotations: {note: 'x'}},
      spec: {idleTimeout: 600},
    })
    expect(Object.keys(object.metadata.annotations ?? {})).toEqual(['note'])
  })

  it('tells its runner where the scheduler is, and what it is itself', () => {
    const runner = at<Create>(planJob(makeJob(), NOTHING, NOW).stages, 1, 0).object as Pod
    expect(runner.spec.containers[0]?.env).toEqual([{name: 'DASK_SCHEDULER_ADDRESS', value: 'tcp://pi-scheduler.ns.svc:8786'}])
    expect(runner.spec.restartPolicy).toBe('Never')
    expect(runner.metadata.labels).toEqual({
      'dask.org/cluster-name': 'pi',
      'dask.org/component': 'job-runner',
      'sidecar.istio.io/inject': 'false',
    })
  })

  it('restarts its runner on failure where it does not say otherwise', () => {
    const job = makeJob()
    const {restartPolicy: _, ...spec} = job.spec.job.spec
    const runner = at<Create>(planJob({...job, spec: {...job.spec, job: {spec}}}, NOTHING, NOW).stages, 1, 0).object as Pod
    expect(runner.spec.restartPolicy).toBe('OnFailure')
  })

  it.each(['a'.repeat(54), 'with.dots'])('is told that its cluster cannot have the name %s, and nothing is made', (name) => {
    const made = planJob(makeJob({name}), NOTHING, NOW)
    expect(made.stages).toEqual([])
    expect(made.status).toMatchObject({jobStatus: 'Failed', reason: 'InvalidName', message: expect.stringContaining('under 53 characters')})
  })
})

describe('a job on its way', () => {
  const job = makeJob()
  it.each<[string, Pod['status'], DaskJobStatus]>([
    [
      'has ClusterCreated while its runner waits',
      PENDING,
      {jobStatus: 'ClusterCreated', clusterName: 'pi', jobRunnerPodName: 'pi-runner', reason: 'Starting'},
    ],
    [
      'says why its runner does not start',
      UNSCHEDULABLE,
      {jobStatus: 'ClusterCreated', reason: 'Unschedulable', message: 'pi-runner: 0/1 nodes are available: 1 Insufficient cpu.'},
    ],
    ['is Running from its program’s start', RUNNING, {jobStatus: 'Running', startTime: ago(49), reason: 'Running'}],
  ])('%s', (_, status, expected) => {
    const made = planJob(job, {cluster: clusterOf(job), runner: runnerOf(job, status)}, NOW)
    expect(made.stages).toEqual([])
    expect(made.status).toMatchObject(expected)
    expect(conditions(made.status)).toMatchObject({Complete: expect.stringMatching(/^False/), Failed: expect.stringMatching(/^False/)})
  })

  it('gets a deleted cluster again while it runs', () => {
    expect(told(planJob(makeJob({}, begun), {cluster: undefined, runner: runnerOf(job)}, NOW).stages)).toEqual([['create daskclusters/pi']])
  })

  it('gets a runner again that was deleted before its program began', () => {
    const waiting = makeJob({}, {jobStatus: 'ClusterCreated', clusterName: 'pi', jobRunnerPodName: 'pi-runner'})
    expect(told(planJob(waiting, {cluster: clusterOf(job), runner: undefined}, NOW).stages)).toEqual([['create pods/pi-runner']])
  })

  it('tells what is wrong with its cluster', () => {
    const degraded = {
      type: 'Degraded',
      status: 'True',
      reason: 'ImagePullBackOff',
      message: 'pi-scheduler: Back-off',
      lastTransitionTime: ago(1),
    } as const
    const cluster = {...clusterOf(job), status: {conditions: [degraded]}}
    expect(planJob(job, {cluster, runner: runnerOf(job)}, NOW).status).toMatchObject({
      reason: 'ImagePullBackOff',
      message: 'pi-scheduler: Back-off',
    })
  })
})

describe('the end of a job', () => {
  const job = makeJob({}, begun)
  it('is written before the cluster is touched', () => {
    const made = planJob(job, {cluster: clusterOf(job), runner: runnerOf(job, endedWith(0))}, NOW)
    expect(made.stages).toEqual([])
    expect(made.status).toMatchObject({
      jobStatus: 'Successful',
      startTime: ago(40),
      endTime: ago(5),
      exitCode: 0,
      clusterName: 'pi',
      jobRunnerPodName: 'pi-runner',
    })
    expect(conditions(made.status)).toEqual({Complete: 'True Succeeded', Failed: 'False Succeeded'})
  })

  it('has the exit code and the last words of a program that failed', () => {
    const made = planJob(job, {cluster: clusterOf(job), runner: runnerOf(job, endedWith(3, 5, 'Traceback\nValueError: no'))}, NOW)
    expect(made.status).toMatchObject({
      jobStatus: 'Failed',
      exitCode: 3,
      reason: 'Error',
      message: 'container "main" exited with code 3: ValueError: no',
    })
    expect(conditions(made.status)).toEqual({Complete: 'False Error', Failed: 'True Error'})
  })

  it('has a start time though nobody saw the program run', () => {
    const made = planJob(makeJob({}, {jobStatus: 'ClusterCreated'}), {cluster: clusterOf(job), runner: runnerOf(job, endedWith(0))}, NOW)
    expect(made.status).toMatchObject({jobStatus: 'Successful', startTime: ago(49), endTime: ago(5)})
  })

  it('takes the cluster away once it is written, and leaves the status alone', () => {
    for (const jobStatus of ['Successful', 'Failed'] as const) {
      const made = planJob(makeJob({}, {...begun, jobStatus}), {cluster: clusterOf(job), runner: runnerOf(job, endedWith(0))}, NOW)
      expect(told(made.stages)).toEqual([['delete daskclusters/pi']])
      expect(made.status).toBeUndefined()
    }
  })

  it('is final: nothing is made again when the runner or the cluster are gone', () => {
    const over = makeJob({}, {...begun, jobStatus: 'Failed'})
    expect(planJob(over, NOTHING, NOW)).toEqual({stages: [], status: undefined})
    expect(planJob(over, {cluster: clusterOf(job, {deletionTimestamp: ago(1)}), runner: undefined}, NOW).stages).toEqual([])
  })

  it('leaves a cluster alone that is somebody else’s', () => {
    const over = makeJob({}, {...begun, jobStatus: 'Successful'})
    expect(planJob(over, {cluster: makeCluster(2, {name: 'pi'}), runner: undefined}, NOW).stages).toEqual([])
  })

  it('comes when the runner is lost while its program ran, which is not begun a second time', () => {
    const made = planJob(job, {cluster: clusterOf(job), runner: undefined}, NOW)
    expect(made.stages).toEqual([])
    expect(made.status).toMatchObject({jobStatus: 'Failed', reason: 'RunnerLost', endTime: ago(0), startTime: ago(40)})
  })

  it('waits for a runner that is being deleted', () => {
    const leaving = runnerOf(job, RUNNING, {deletionTimestamp: ago(1)})
    expect(planJob(job, {cluster: clusterOf(job), runner: leaving}, NOW).status).toMatchObject({jobStatus: 'Running', reason: 'RunnerLost'})
  })

  it('names eviction as the cause', () => {
    const evicted = runnerOf(job, {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: memory.',
      startTime: ago(30),
    })
    expect(planJob(job, {cluster: clusterOf(job), runner: evicted}, NOW).status).toMatchObject({jobStatus: 'Failed', reason: 'Evicted'})
  })
})

describe('a job made again under the same name', () => {
  const old = makeJob({uid: 'job-0'})
  it('makes nothing while the old runner is there', () => {
    const made = planJob(makeJob(), {cluster: undefined, runner: runnerOf(old, endedWith(0), {deletionTimestamp: ago(1)})}, NOW)
    expect(made.stages).toEqual([])
    expect(made.status).toMatchObject({jobStatus: 'JobCreated', reason: 'PredecessorLeaves'})
  })
  it('does not take a cluster that a person has made', () => {
    const made = planJob(makeJob(), {cluster: makeCluster(2, {name: 'pi'}), runner: undefined}, NOW)
    expect(made.stages).toEqual([])
    expect(made.status).toMatchObject({
      reason: 'NameTaken',
      message: 'DaskCluster "pi" exists and is not this job\'s; delete it, or choose another name for the job',
    })
  })
})

describe('a refusal by the API server', () => {
  const failure = {reason: 'Invalid', message: 'Pod "pi-runner" is invalid', terminal: true}
  it('is told', () => {
    const {status} = planJob(makeJob(), NOTHING, NOW)
    expect(failedJobStatus(status ?? {}, failure, NOW)).toMatchObject({
      jobStatus: 'JobCreated',
      reason: 'Invalid',
      message: 'Pod "pi-runner" is invalid',
    })
  })
  it('does not cover the end of a job', () => {
    expect(failedJobStatus({...begun, jobStatus: 'Successful', reason: 'Succeeded'}, failure, NOW)).toMatchObject({reason: 'Succeeded'})
  })
})
