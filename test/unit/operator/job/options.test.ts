import {describe, expect, it} from 'vitest'
import type {Pod} from '../../../../src/api/core.ts'
import type {DaskCluster, DaskJob, DaskJobSpec, DaskJobStatus} from '../../../../src/api/dask.ts'
import {withConditionTimes} from '../../../../src/operator/engine/conditions.ts'
import type {Create, Patch} from '../../../../src/operator/engine/contract.ts'
import {attemptName, attemptOf} from '../../../../src/operator/job/attempts.ts'
import {type JobWorld, planJob} from '../../../../src/operator/job/plan.ts'
import {suspendedStatus} from '../../../../src/operator/job/status.ts'
import {ago, at, endedWith, makeCluster, makeJob, makePod, NOW, ownedBy, RUNNING, told} from '../objects.ts'

const job = (spec: Partial<DaskJobSpec> = {}, status?: DaskJobStatus, metadata: object = {}): DaskJob => {
  const made = makeJob(metadata, status)
  return {...made, spec: {...made.spec, ...spec}}
}
const clusterOf = (of: DaskJob, spec: object = {}): DaskCluster => {
  const made = makeCluster(2, {name: 'pi', ownerReferences: [ownedBy(of)]})
  return {...made, spec: {...made.spec, ...spec}}
}
const runner = (of: DaskJob, attempt: number, status: Pod['status'] = RUNNING, metadata: object = {}): Pod =>
  makePod(attemptName('pi', attempt), of, status, metadata)
const world = (of: DaskJob, runners: readonly Pod[], more: Partial<JobWorld> = {}): JobWorld => ({
  cluster: clusterOf(of),
  runners,
  holder: undefined,
  ...more,
})
/** All of them, so that none is told beside what is asked for. */
const conditionsOf = (status: DaskJobStatus | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries((status?.conditions ?? []).map(({type, status: is, reason}) => [type, `${is} ${reason}`]))
const RESTARTING = {spec: {...makeJob().spec.job.spec, restartPolicy: 'OnFailure'}} as const

it('names attempts so that the first one keeps the name that everybody knows', () => {
  expect([1, 2, 10].map((attempt) => attemptName('pi', attempt))).toEqual(['pi-runner', 'pi-runner-2', 'pi-runner-10'])
  expect(
    ['pi-runner', 'pi-runner-2', 'pi-runner-1', 'pi-runner-x', 'other-runner', 'pi-runner-02'].map((name) => attemptOf('pi', name)),
  ).toEqual([...[1, 2, undefined, undefined, undefined, undefined]])
})

describe('backoffLimit', () => {
  const of = job({backoffLimit: 2}, {jobStatus: 'Running', startTime: ago(60)})
  it('has a failed program tried again after a pause, in a pod of its own', () => {
    const fresh = planJob(of, world(of, [runner(of, 1, endedWith(1, 3))]), NOW)
    expect(fresh.stages).toEqual([])
    expect(fresh.wakeAfter).toBe(7000)
    expect(fresh.status).toMatchObject({jobStatus: 'Running', reason: 'TryingAgain'})
    const due = planJob(of, world(of, [runner(of, 1, endedWith(1, 11))]), NOW)
    expect(told(due.stages)).toEqual([['create pods/pi-runner-2']])
  })
  it('waits longer each time, and ends after as many as it says', () => {
    const second = [runner(of, 1, endedWith(1, 60)), runner(of, 2, endedWith(1, 11))]
    expect(planJob(of, world(of, second), NOW).wakeAfter).toBe(9000)
    const third = planJob(of, world(of, [...second, runner(of, 3, endedWith(4, 5))], {lastWords: ['Traceback', 'ValueError: no']}), NOW)
    expect(third.status).toMatchObject({
      ...{jobStatus: 'Failed', exitCode: 4, attempts: 3, jobRunnerPodName: 'pi-runner-3'},
      message: 'container "main" exited with code 4 (attempt 3); its last words:\nTraceback\nValueError: no',
    })
  })
  it('succeeds with any attempt', () => {
    const status = planJob(of, world(of, [runner(of, 1, endedWith(1, 60)), runner(of, 2, endedWith(0, 5))]), NOW).status
    expect(status).toMatchObject({jobStatus: 'Successful', attempts: 2, exitCode: 0})
  })
  it('counts a pod that was deleted as an attempt', () => {
    const lost = job({backoffLimit: 1}, {jobStatus: 'Running', startTime: ago(60), attempts: 1})
    expect(told(planJob(lost, world(lost, []), NOW).stages)).toEqual([['create pods/pi-runner-2']])
    const again = job({backoffLimit: 1}, {jobStatus: 'Running', startTime: ago(60), attempts: 2})
    expect(planJob(again, world(again, []), NOW).status).toMatchObject({jobStatus: 'Failed', reason: 'RunnerLost'})
  })
  it('counts the restarts of a pod that restarts by itself', () => {
    const [container] = RUNNING.containerStatuses ?? []
    const restarted = (restartCount: number): Pod => ({
      ...runner(of, 1, {...RUNNING, ...(container && {containerStatuses: [{...container, restartCount}]})}),
      spec: {containers: [], restartPolicy: 'OnFailure'},
    })
    expect(planJob(of, world(of, [restarted(2)]), NOW).status).toMatchObject({jobStatus: 'Running'})
    expect(planJob(of, world(of, [restarted(3)]), NOW).status).toMatchObject({jobStatus: 'Failed', reason: 'BackoffLimitExceeded'})
    // The last failure is known before another start: that one would be cut off.
    const terminated = {exitCode: 3, reason: 'Error', startedAt: ago(9), finishedAt: ago(8)}
    const waiting = {
      ...restarted(2),
      status: {
        ...RUNNING,
        containerStatuses: [
          {
            name: 'job',
            restartCount: 2,
            image: '',
            imageID: '',
            ready: false,
            state: {waiting: {reason: 'CrashLoopBackOff'}},
            lastState: {terminated},
          },
        ],
      },
    }
    const {status} = planJob(of, {...world(of, [waiting]), lastWords: ['ValueError: no data']}, NOW)
    expect(status).toMatchObject({jobStatus: 'Failed', reason: 'BackoffLimitExceeded', attempts: 3, exitCode: 3})
    expect(status?.message).toMatch(/^pi-runner has failed more often than its backoffLimit of 2 allows; .*exit.* 3.*ValueError: no data/s)
  })
})

describe('activeDeadlineSeconds', () => {
  it('wakes the plan in time, and then fails the job before anything is taken away', () => {
    const of = job({activeDeadlineSeconds: 100}, {jobStatus: 'Running', startTime: ago(50)})
    expect(planJob(of, world(of, [runner(of, 1)]), NOW).wakeAfter).toBe(40_000)
    const late = job({activeDeadlineSeconds: 30}, {jobStatus: 'Running', startTime: ago(50)})
    const plan = planJob(late, world(late, [runner(late, 1)]), NOW)
    expect(plan.stages).toEqual([])
    expect(plan.status).toMatchObject({jobStatus: 'Failed', reason: 'DeadlineExceeded'})
    const over = job({}, {jobStatus: 'Failed', endTime: ago(1)})
    const bound = (activeDeadlineSeconds?: number): Pod => ({
      ...runner(over, 1),
      spec: {containers: [], nodeName: 'a', ...(activeDeadlineSeconds !== undefined && {activeDeadlineSeconds})},
    })
    // A kubelet ends it and keeps it with its log; one that has none yet has said nothing.
    const [ending = []] = planJob(over, world(over, [bound()]), NOW).stages
    expect(told([ending])).toEqual([['delete daskclusters/pi', 'patch pods/pi-runner']])
    expect(ending[1]).toMatchObject({uid: expect.any(String), patch: {spec: {activeDeadlineSeconds: 1}}})
    expect(told(planJob(over, world(over, [bound(1)]), NOW).stages)).toEqual([['delete daskclusters/pi']])
    expect(told(planJob(over, world(over, [runner(over, 1)]), NOW).stages)).toEqual([['delete daskclusters/pi', 'delete pods/pi-runner']])
  })
})

describe('a program that has ended', () => {
  // Created a minute ago.
  const of = (activeDeadlineSeconds?: number, more: Partial<DaskJobSpec> = {}): DaskJob =>
    job({...more, ...(activeDeadlineSeconds !== undefined && {activeDeadlineSeconds})}, {jobStatus: 'Running', startTime: ago(50)})
  it.each([
    ['in time, however late somebody looks', 30, 40, {jobStatus: 'Successful', endTime: ago(40)}],
    ['at the last moment', 30, 30, {jobStatus: 'Successful', endTime: ago(30)}],
    ['too late', 30, 29, {jobStatus: 'Failed', reason: 'DeadlineExceeded'}],
  ])('well, %s', (_, deadline, endedAgo, status) => {
    const given = of(deadline)
    const plan = planJob(given, world(given, [runner(given, 1, endedWith(0, endedAgo))]), NOW)
    expect(plan.stages).toEqual([])
    expect(plan.status).toMatchObject(status)
  })
  it('with a failure, in time, has that told and not its deadline', () => {
    const [once, again] = [of(30), of(30, {backoffLimit: 1})]
    expect(planJob(once, world(once, [runner(once, 1, endedWith(3, 40))]), NOW).status).toMatchObject({reason: 'Error', exitCode: 3})
    expect(planJob(again, world(again, [runner(again, 1, endedWith(3, 40))]), NOW).status).toMatchObject({reason: 'DeadlineExceeded'})
  })
  it('waits for nobody who holds the name of an attempt that is not needed', () => {
    const holder = runner(job({}, undefined, {uid: 'job-0'}), 2, RUNNING, {deletionTimestamp: ago(3600)})
    for (const [code, jobStatus] of [
      [0, 'Successful'],
      [3, 'Failed'],
    ] as const)
      expect(planJob(of(), world(of(), [runner(of(), 1, endedWith(code))], {holder}), NOW).status).toMatchObject({jobStatus})
    const again = of(undefined, {backoffLimit: 1})
    const plan = planJob(again, world(again, [runner(again, 1, endedWith(3))], {holder}), NOW)
    expect(plan.status).toMatchObject({jobStatus: 'Running', reason: 'PredecessorLeaves'})
  })
})

describe('a job that somebody has stopped', () => {
  const of = job(
    {backoffLimit: 3},
    {jobStatus: 'Running', startTime: ago(50)},
    {
      annotations: {'kubernetes.dask.org/stopped-at': '2026-11-23T12:00:00Z'},
    },
  )
  it('fails with that reason, before anything is taken away and without another attempt', () => {
    for (const runners of [[runner(of, 1)], [runner(of, 1, endedWith(1))], []]) {
      const plan = planJob(of, world(of, runners), NOW)
      expect(plan.stages).toEqual([])
      expect(plan.status).toMatchObject({jobStatus: 'Failed', reason: 'Stopped', message: 'it was stopped at 2026-11-23T12:00:00Z'})
      expect(conditionsOf(plan.status)).toEqual({Complete: 'False Stopped', Failed: 'True Stopped'})
    }
  })
  it('has ended even where it was suspended', () => {
    const held = {...of, spec: {...of.spec, suspend: true}}
    expect(planJob(held, world(held, []), NOW).status).toMatchObject({jobStatus: 'Failed', reason: 'Stopped'})
    const told = {...held, status: suspendedStatus(held, 1, NOW)}
    const interrupted = world(told, [runner(told, 1, endedWith(0), {deletionTimestamp: ago(-20)})])
    expect(planJob(told, interrupted, NOW).status).toMatchObject({jobStatus: 'Failed', reason: 'Stopped'})
  })
  it('stays a success where it has succeeded before', () => {
    expect(planJob(of, world(of, [runner(of, 1, endedWith(0))]), NOW).status?.jobStatus).toBe('Successful')
  })
})

describe('ttlSecondsAfterFinished', () => {
  it('deletes the job when it has passed since the end', () => {
    const of = (ttl: number) => job({ttlSecondsAfterFinished: ttl}, {jobStatus: 'Successful', endTime: ago(20)})
    expect(planJob(of(30), world(of(30), [], {cluster: undefined}), NOW).wakeAfter).toBe(10_000)
    expect(told(planJob(of(20), world(of(20), []), NOW).stages)).toEqual([['delete daskjobs/pi']])
  })
})

describe('clusterDeletionPolicy', () => {
  it.each<[DaskJobSpec['clusterDeletionPolicy'], 'Successful' | 'Failed', boolean]>([
    [undefined, 'Failed', true],
    ['Always', 'Successful', true],
    ['OnSuccess', 'Successful', true],
    ['OnSuccess', 'Failed', false],
    ['Never', 'Successful', false],
  ])('%s with a job that is %s', (policy, jobStatus, isDeleted) => {
    const of = job(policy ? {clusterDeletionPolicy: policy} : {}, {jobStatus, endTime: ago(1)})
    expect(told(planJob(of, world(of, []), NOW).stages)).toEqual(isDeleted ? [['delete daskclusters/pi']] : [])
  })
})

describe('clusterName', () => {
  const {cluster: _, ...spec} = makeJob().spec
  const of: DaskJob = {...makeJob(), spec: {...spec, clusterName: 'shared'}}
  const shared = makeCluster(2, {name: 'shared', uid: 'shared-1'})
  it('runs the program beside a cluster that exists, and never deletes that', () => {
    const plan = planJob(of, world(of, [], {cluster: shared}), NOW)
    expect(told(plan.stages)).toEqual([['create pods/pi-runner']])
    const pod = at<Create>(plan.stages, 0, 0).object as Pod
    expect(pod.spec.containers[0]?.env).toEqual([{name: 'DASK_SCHEDULER_ADDRESS', value: 'tcp://shared-scheduler.ns.svc:8786'}])
    expect(pod.metadata.labels).toMatchObject({'dask.org/cluster-name': 'shared'})
    const over = {...of, status: {jobStatus: 'Successful' as const, endTime: ago(1)}}
    expect(planJob(over, world(over, [], {cluster: shared}), NOW).stages).toEqual([])
  })
  it('waits for one that is missing, and says so', () => {
    const plan = planJob(of, world(of, [], {cluster: undefined}), NOW)
    expect(plan.stages).toEqual([])
    expect(plan.status).toMatchObject({jobStatus: 'JobCreated', reason: 'ClusterMissing', message: expect.stringContaining('"shared"')})
  })
  it.each<[string, DaskJob]>([
    ['neither', {...of, spec}],
    ['both', job({clusterName: 'shared'})],
  ])('and cluster, %s of them, is a fault that an edit mends', (_, faulty) => {
    const plan = planJob(faulty, world(faulty, [], {cluster: undefined}), NOW)
    expect(plan.stages).toEqual([])
    expect(plan.status).toMatchObject({jobStatus: 'JobCreated', reason: 'InvalidSpec'})
  })
})

describe('suspend', () => {
  it('makes nothing of a job that begins so', () => {
    const of = job({suspend: true})
    const plan = planJob(of, world(of, [], {cluster: undefined}), NOW)
    expect(plan.stages).toEqual([])
    expect(conditionsOf(plan.status)).toEqual({Complete: 'False Suspended', Failed: 'False Suspended', Suspended: 'True Suspended'})
  })
  it('is told first, and that its program has begun is forgotten: whoever resumes it a moment later is not taken for a lost runner', () => {
    const of = job({suspend: true}, {jobStatus: 'Running', startTime: ago(50), attempts: 1})
    const plan = planJob(of, world(of, [runner(of, 1)]), NOW)
    expect(plan.stages).toEqual([])
    expect(plan.status).not.toHaveProperty('startTime')
    expect(conditionsOf(plan.status)).toMatchObject({Suspended: 'Unknown Suspended'})
  })
  it('then ends the program and suspends its cluster', () => {
    const of = job({suspend: true}, suspendedStatus(job(), 1, NOW))
    const plan = planJob(of, world(of, [runner(of, 1)]), NOW)
    expect(told(plan.stages)).toEqual([['delete pods/pi-runner', 'patch daskclusters/pi']])
    expect(at<Patch>(plan.stages, 0, 1).patch).toEqual({spec: {suspend: true}})
    expect(plan.status).not.toHaveProperty('startTime')
    expect(conditionsOf(plan.status)).toEqual({Complete: 'False Suspended', Failed: 'False Suspended', Suspended: 'Unknown Suspended'})
  })
  it('begins the program anew when it is resumed, once the old pod has gone', () => {
    const conditions = [{type: 'Suspended', status: 'True' as const, reason: 'Suspended', message: '', lastTransitionTime: ago(300)}]
    const resumed = job({activeDeadlineSeconds: 20}, {jobStatus: 'JobCreated', conditions}, {creationTimestamp: ago(500)})
    const first = planJob(resumed, world(resumed, [], {cluster: clusterOf(resumed, {suspend: true})}), NOW)
    expect(told(first.stages)).toEqual([['patch daskclusters/pi']])
    expect(at<Patch>(first.stages, 0, 0).patch).toEqual({spec: {suspend: false}})
    // A failure is told beside it; that the job has suspended its cluster must not be forgotten by that.
    expect(first.status).toEqual(resumed.status)
    const plan = planJob(resumed, world(resumed, []), NOW)
    expect(told(plan.stages)).toEqual([['create pods/pi-runner']])
    expect(conditionsOf(plan.status)).toMatchObject({Suspended: 'False Resumed'})
    // Its deadline begins anew as well, however long it was suspended.
    expect(plan.wakeAfter).toBe(20_000)
    const since = {...resumed, status: plan.status ?? {}}
    expect(planJob(since, world(since, [runner(since, 1)]), NOW + 5000).wakeAfter).toBe(15_000)
    const leaving = planJob(resumed, world(resumed, [runner(resumed, 1, RUNNING, {deletionTimestamp: ago(1)})]), NOW)
    expect(leaving.stages).toEqual([])
    expect(leaving.status).not.toHaveProperty('startTime')
  })
  it('has its deadline begin anew also when it is resumed before the old pod has gone', () => {
    const write = (of: DaskJob, {status}: {readonly status?: DaskJobStatus | undefined}): DaskJob => ({
      ...of,
      status: withConditionTimes(of.status, status ?? {}) as DaskJobStatus,
    })
    const running = job({activeDeadlineSeconds: 300}, {jobStatus: 'Running', startTime: ago(250)}, {creationTimestamp: ago(250)})
    const ending = runner(running, 1, RUNNING, {deletionTimestamp: ago(-600)})
    let of: DaskJob = {...running, spec: {...running.spec, suspend: true}}
    of = write(of, planJob(of, world(of, [runner(of, 1)]), NOW))
    of = write(of, planJob(of, world(of, [ending]), NOW + 1000))
    // Its program takes its time to end.
    of = {...of, spec: {...of.spec, suspend: false}}
    of = write(of, planJob(of, world(of, [ending]), NOW + 360_000))
    const plan = planJob(of, world(of, [ending]), NOW + 361_000)
    expect(plan.status).toMatchObject({jobStatus: 'JobCreated', reason: 'Starting'})
    expect(plan.wakeAfter).toBe(299_000)
  })
  it.each([
    ['has ended in peace', endedWith(0)],
    ['has failed', endedWith(143)],
    ['has restarted too often', {...RUNNING, containerStatuses: [{name: 'job', restartCount: 3, image: '', imageID: '', ready: true}]}],
  ])('takes no verdict from the program of before that %s: it was interrupted', (_, status) => {
    const of = job({backoffLimit: 0, job: RESTARTING}, suspendedStatus(job(), 1, NOW))
    const old = runner(of, 1, status, {deletionTimestamp: ago(-20)})
    const given = world(of, [{...old, spec: {...old.spec, ...RESTARTING.spec}}])
    const first = planJob(of, given, NOW)
    expect(first.stages).toEqual([])
    expect(first.status).toMatchObject({jobStatus: 'JobCreated', reason: 'Starting', message: expect.stringContaining('pi-runner')})
    const again = planJob({...of, status: first.status ?? {}}, given, NOW)
    expect(again.stages).toEqual([])
    expect(again.status).toMatchObject({jobStatus: 'JobCreated'})
    expect(told(planJob({...of, status: again.status ?? {}}, world(of, []), NOW).stages)).toEqual([['create pods/pi-runner']])
  })
  it('leaves its cluster suspended where somebody else has suspended that', () => {
    for (const status of [{jobStatus: 'Running', startTime: ago(50)} as const, {jobStatus: 'JobCreated'} as const]) {
      const of = job({}, status)
      expect(planJob(of, world(of, [runner(of, 1)], {cluster: clusterOf(of, {suspend: true})}), NOW).stages).toEqual([])
    }
  })
  it('has failed where somebody deletes the runner of a program that nobody had suspended', () => {
    const of = job({}, {jobStatus: 'ClusterCreated'})
    const plan = planJob(of, world(of, [runner(of, 1, endedWith(143), {deletionTimestamp: ago(-20)})]), NOW)
    expect(plan.status).toMatchObject({jobStatus: 'Failed', reason: 'RunnerLost'})
  })
})
