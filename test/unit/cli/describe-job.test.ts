import {describe, expect, it} from 'vitest'
import type {ContainerState, Pod} from '../../../src/api/core.ts'
import {DASK_JOBS, type DaskJob, type DaskJobSpec, type DaskJobStatus} from '../../../src/api/dask.ts'
import {clusterManifest} from '../../../src/cli/cluster-manifest.ts'
import {type JobView, renderJob} from '../../../src/cli/describe-job.ts'

const NOW = Date.parse('2026-11-23T12:10:00Z')
const MADE = '2026-11-23T12:00:00Z'
const manifest = clusterManifest('etl', 'default', {workers: 2, image: 'dask:1'})
const CLUSTER = {...manifest, status: {phase: 'Running', schedulerAddress: 'tcp://etl-scheduler.default.svc:8786', replicas: 2} as const}

const jobOf = (spec: Partial<DaskJobSpec>, status?: DaskJobStatus): DaskJob => ({
  ...{apiVersion: DASK_JOBS.apiVersion, kind: DASK_JOBS.kind},
  metadata: {name: 'etl', namespace: 'default', creationTimestamp: MADE},
  spec: {job: {spec: {containers: [{name: 'job', image: 'my/train:1'}]}}, ...(!spec.clusterName && {cluster: manifest}), ...spec},
  ...(status && {status}),
})

const runner = (name: string, state: ContainerState, phase: 'Pending' | 'Running' | 'Failed'): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {name, namespace: 'default', creationTimestamp: MADE},
  spec: {nodeName: 'node-7', containers: [{name: 'job'}]},
  status: {phase, containerStatuses: [{name: 'job', ready: false, restartCount: 0, image: '', imageID: '', state}]},
})

const show = (job: DaskJob, view: Partial<JobView> = {}): string =>
  renderJob({job, runners: [], pods: [], events: [], ...view}, 'kubectl dask', NOW)
const nextOf = (text: string): string | undefined => text.split('\n').at(-2)?.replace('Next: ', '')

describe('job describe', () => {
  it('has all on one screen: how it ended, its limits, its cluster, its pods, its events', () => {
    const message = 'container "job" exited with code 3 (attempt 2)'
    const text = show(
      jobOf(
        {backoffLimit: 1, activeDeadlineSeconds: 3600, ttlSecondsAfterFinished: 900, clusterDeletionPolicy: 'OnSuccess'},
        {
          ...{jobStatus: 'Failed', jobRunnerPodName: 'etl-runner-2', startTime: '2026-11-23T12:01:00Z', endTime: '2026-11-23T12:05:00Z'},
          ...{attempts: 2, exitCode: 3, reason: 'Error', message: `${message}; its last words:\nTraceback:\nValueError: no such thing`},
          conditions: [
            {type: 'Failed', status: 'True', reason: 'Error', message: `${message}; its last words:\nTraceback:`, lastTransitionTime: MADE},
          ],
        },
      ),
      {
        cluster: CLUSTER,
        runners: [
          runner('etl-runner', {terminated: {exitCode: 9, reason: 'Error'}}, 'Failed'),
          runner('etl-runner-2', {terminated: {exitCode: 3, reason: 'Error'}}, 'Failed'),
        ],
        events: [
          {
            ...{apiVersion: 'v1', kind: 'Event', metadata: {name: 'e', namespace: 'default'}, type: 'Warning', reason: 'Error', message},
            ...{involvedObject: {kind: 'DaskJob', name: 'etl'}, lastTimestamp: '2026-11-23T12:05:00Z'},
          },
        ],
      },
    )
    expect(text).toMatchInlineSnapshot(`
      "Name:        etl
      Namespace:   default
      Status:      Failed: container "job" exited with code 3 (attempt 2)
      Exit code:   3
      Attempts:    2 of 2
      Began:       9m ago, ran for 4m
      Deadline:    60m after it was made
      Deletion:    15m after its end, in 10m
      Cluster:     etl (Running), of its own, goes when the job has succeeded
      Scheduler:   tcp://etl-scheduler.default.svc:8786
      Workers:     0/2 ready
      Image:       my/train:1
      Age:         10m

      Last words:
        Traceback:
        ValueError: no such thing

      Conditions:
        TYPE     STATUS   REASON   MESSAGE
        Failed   True     Error    container "job" exited with code 3 (attempt 2)

      Runner:
        NAME           STATUS   RESTARTS   AGE   NODE     CAUSE
        etl-runner     Failed   0          10m   node-7   Error: container "job" exited with code 9
        etl-runner-2   Failed   0          10m   node-7   Error: container "job" exited with code 3

      Events:
        AGE   TYPE      REASON   OBJECT        MESSAGE
        5m    Warning   Error    daskjob/etl   container "job" exited with code 3 (attempt 2)

      Next: kubectl dask job logs etl -n default
      "
    `)
  })

  it('says what is left of its deadline, and who else has the cluster', () => {
    const waiting: DaskJobStatus = {jobStatus: 'ClusterCreated', reason: 'Starting'}
    const text = show(jobOf({clusterName: 'shared', activeDeadlineSeconds: 1200}, waiting), {cluster: CLUSTER})
    expect(text).toMatch(/^Status: +ClusterCreated$/m)
    expect(text).toMatch(/^Deadline: +20m after it was made, in 10m$/m)
    expect(text).toMatch(/^Cluster: +shared \(Running\), which stays$/m)
    const resumed = {
      type: 'Suspended',
      status: 'False',
      reason: 'Resumed',
      message: '',
      lastTransitionTime: '2026-11-23T12:09:00Z',
    } as const
    expect(show(jobOf({activeDeadlineSeconds: 1200}, {...waiting, conditions: [resumed]}))).toMatch(/20m after it was resumed, in 19m$/m)
  })

  const RUNNING: DaskJobStatus = {jobStatus: 'Running', startTime: MADE, jobRunnerPodName: 'etl-runner'}
  const image = runner('etl-runner', {waiting: {reason: 'ImagePullBackOff', message: 'no such image'}}, 'Pending')
  const suspended = {type: 'Suspended', status: 'True', reason: 'Suspended', message: '', lastTransitionTime: MADE} as const
  it.each<[string, DaskJob, Partial<JobView>, string]>([
    ['that runs', jobOf({}, RUNNING), {cluster: CLUSTER}, 'kubectl dask job attach etl -n default'],
    ['that is suspended', jobOf({}, {jobStatus: 'JobCreated', conditions: [suspended]}), {}, 'kubectl dask job resume etl -n default'],
    ['that nobody serves', jobOf({}), {}, 'nothing has taken this job up: "kubectl dask operator run" starts an operator'],
    [
      'without its image',
      jobOf({}, {jobStatus: 'ClusterCreated', jobRunnerPodName: 'etl-runner'}),
      {cluster: CLUSTER, runners: [image]},
      "is the image's name right, and may the cluster pull it? kubectl dask job delete etl -n default, then run it with --image",
    ],
    [
      'of which another attempt runs',
      jobOf({backoffLimit: 3}, {...RUNNING, attempts: 2, jobRunnerPodName: 'etl-runner-2'}),
      {
        cluster: CLUSTER,
        runners: [runner('etl-runner', {terminated: {exitCode: 9}}, 'Failed'), runner('etl-runner-2', {running: {}}, 'Running')],
      },
      'kubectl dask job attach etl -n default',
    ],
    [
      'on a cluster that is not there',
      jobOf({clusterName: 'shared'}, {jobStatus: 'JobCreated', reason: 'ClusterMissing'}),
      {},
      'kubectl dask cluster create shared -n default',
    ],
    ['with a spec that is wrong', jobOf({}, {jobStatus: 'JobCreated', reason: 'InvalidSpec'}), {}, 'kubectl edit daskjob etl -n default'],
    [
      'whose cluster is in trouble',
      jobOf({}, RUNNING),
      {cluster: {...CLUSTER, status: {phase: 'Error'}}},
      'kubectl dask cluster describe etl -n default',
    ],
    ['that never began', jobOf({}, {jobStatus: 'Failed', reason: 'DeadlineExceeded'}), {}, 'kubectl dask job retry etl -n default'],
  ])('names the next step of one %s', (_, job, view, next) => {
    expect(nextOf(show(job, view))).toBe(next)
  })

  it('goes on where pods may not be seen', () => {
    expect(show(jobOf({}, RUNNING), {runners: undefined})).toContain('Runner: you may not look\n')
  })
})
