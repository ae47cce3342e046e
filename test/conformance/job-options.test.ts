import {beforeAll, describe, expect, it} from 'vitest'
import {PODS} from '../../src/api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, type DaskCluster, type DaskJob, type DaskJobSpec} from '../../src/api/dask.ts'
import {clusterManifest} from '../../src/cli/cluster-manifest.ts'
import {isNotFound} from '../../src/kube/errors.ts'
import {stand, until} from './ground.ts'

const {client, namespace, kubectl, dask} = stand('jobs')

const run = async (name: string, program: string, spec: Partial<DaskJobSpec> = {}): Promise<void> => {
  const cluster = {spec: clusterManifest(name, namespace, {workers: 0, image: 'dask'}).spec}
  const container = {name: 'job', image: 'dask', command: ['python', '-c', program]}
  const job: DaskJob = {
    ...{apiVersion: DASK_JOBS.apiVersion, kind: DASK_JOBS.kind, metadata: {name, namespace}},
    spec: {...(spec.clusterName === undefined && {cluster}), job: {spec: {restartPolicy: 'Never', containers: [container]}}, ...spec},
  }
  await client.create(DASK_JOBS, job)
}
const jobOf = (name: string): Promise<DaskJob> => client.get(DASK_JOBS, {namespace, name})
const clusterOf = (name: string): Promise<DaskCluster> => client.get(DASK_CLUSTERS, {namespace, name})
const ended = (name: string, status: 'Successful' | 'Failed', timeoutMs?: number): Promise<void> =>
  until(async () => (await jobOf(name)).status?.jobStatus === status, `${name} is ${status}`, timeoutMs)
const exists = (kind: Parameters<typeof client.get>[0], name: string): Promise<boolean> =>
  client.get(kind, {namespace, name}).then(
    () => true,
    (error: unknown) => {
      if (isNotFound(error)) return false
      throw error
    },
  )
const phaseOf = async (pod: string): Promise<string | undefined> => (await client.get(PODS, {namespace, name: pod})).status?.phase

/** Takes its time to end when it is asked to, and ends in peace then. */
const PATIENT = `
import signal, sys, time
def end(*_):
    print("ending", flush=True)
    time.sleep(3)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("begun", flush=True)
time.sleep(600)
`

describe('a job', () => {
  it('that has failed says its exit code and its last words', async () => {
    await run('failing', 'print("working"); raise ValueError("no such thing")')
    await ended('failing', 'Failed')
    const {status} = await jobOf('failing')
    expect(status).toMatchObject({exitCode: 1, attempts: 1})
    expect(status?.message).toContain('ValueError: no such thing')
    await until(
      async () => /Warning[\s\S]*ValueError: no such thing/.test(await kubectl('events', '--for', 'daskjob/failing')),
      'an Event tells it',
    )
    await until(async () => !(await exists(DASK_CLUSTERS, 'failing')), 'its cluster goes')
    const {code, stdout} = await dask('job', 'describe', 'failing')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Status: +Failed: container "job" exited with code 1$/m)
    expect(stdout).toMatch(/^Exit code: +1$/m)
    expect(stdout).toMatch(/^Cluster: +failing \(it has gone\)$/m)
    expect(stdout).toMatch(/^Last words:\n[\s\S]* {2}ValueError: no such thing$/m)
    const node = (await client.get(PODS, {namespace, name: 'failing-runner'})).spec.nodeName
    expect(stdout).toMatch(new RegExp(`^ {2}failing-runner +\\S+ +0 +\\S+ +${node} +Error: container "job" exited with code 1$`, 'm'))
    expect(stdout).toMatch(/Warning +Error +daskjob\/failing +.*ValueError: no such thing/)
    expect(stdout).toContain(`job logs failing -n ${namespace}\n`)
  })

  it('is tried again as its backoffLimit says, and keeps the pod of each attempt', async () => {
    await run('stubborn', 'raise SystemExit(9)', {backoffLimit: 1})
    await ended('stubborn', 'Failed')
    expect((await jobOf('stubborn')).status).toMatchObject({exitCode: 9, attempts: 2, jobRunnerPodName: 'stubborn-runner-2'})
    expect(await exists(PODS, 'stubborn-runner')).toBe(true)
  })

  it('fails at its deadline, and its program ends', async () => {
    await run('slow', 'import time; time.sleep(600)', {activeDeadlineSeconds: 4})
    await ended('slow', 'Failed')
    expect((await jobOf('slow')).status?.reason).toBe('DeadlineExceeded')
    await until(async () => !(await exists(DASK_CLUSTERS, 'slow')), 'its cluster goes')
    await until(async () => (await phaseOf('slow-runner')) === 'Failed', 'its program has ended')
  })

  it('goes by itself when its time to live is over, and its cluster stays where that is its policy', async () => {
    await run('kept', 'print("done")', {clusterDeletionPolicy: 'Never'})
    await run('brief', 'print("done")', {ttlSecondsAfterFinished: 1})
    await until(async () => !(await exists(DASK_JOBS, 'brief')), 'the job is deleted')
    await ended('kept', 'Successful')
    expect(await exists(DASK_CLUSTERS, 'kept')).toBe(true)
    await kubectl('delete', 'daskjob', 'kept')
  })

  it('waits for the cluster that it names, runs on it, and leaves it alone', async () => {
    await run('guest', 'from distributed import Client; print(Client(timeout=60).submit(sum, [1, 2]).result())', {clusterName: 'host'})
    await until(async () => (await jobOf('guest')).status?.reason === 'ClusterMissing', 'it says what is missing')
    const waiting = (await dask('job', 'describe', 'guest')).stdout
    expect(waiting).toMatch(/^Cluster: +host \(there is none of this name\)$/m)
    expect(waiting).toContain(`cluster create host -n ${namespace}\n`)
    expect((await dask('cluster', 'create', 'host', '--workers', '1', '--wait', '--timeout', '90s')).code).toBe(0)
    await ended('guest', 'Successful')
    expect(await kubectl('logs', 'guest-runner')).toContain('3')
    expect(await exists(DASK_CLUSTERS, 'host')).toBe(true)
  })

  it('is suspended and resumed', async () => {
    await run('paused', 'import time; time.sleep(600)')
    await until(async () => (await jobOf('paused')).status?.jobStatus === 'Running', 'it runs')
    const running = (await dask('job', 'describe', 'paused')).stdout
    expect(running).toMatch(/^Status: +Running$/m)
    expect(running).toMatch(/^Cluster: +paused \(\S+\), of its own, goes at the job's end$/m)
    expect(running).toContain(`job attach paused -n ${namespace}\n`)
    await kubectl('patch', 'daskjob', 'paused', '--type=merge', '-p', '{"spec":{"suspend":true}}')
    await until(async () => {
      const suspended = (await jobOf('paused')).status?.conditions?.find(({type}) => type === 'Suspended')
      return suspended?.status === 'True' && !(await exists(PODS, 'paused-runner')) && !(await exists(PODS, 'paused-scheduler'))
    }, 'its pods have gone')
    await kubectl('patch', 'daskjob', 'paused', '--type=merge', '-p', '{"spec":{"suspend":false}}')
    await until(async () => (await jobOf('paused')).status?.jobStatus === 'Running', 'it runs again')
    await kubectl('delete', 'daskjob', 'paused')
  })

  it('begins anew when it is resumed while its old program is still ending, whatever that ends with', async () => {
    await run('hasty', PATIENT)
    await until(async () => (await kubectl('logs', 'hasty-runner').catch(() => '')).includes('begun'), 'its program has begun')
    const before = await client.get(PODS, {namespace, name: 'hasty-runner'})
    const suspend = (isSuspended: boolean) =>
      client.patch(DASK_JOBS, {namespace, name: 'hasty'}, {spec: {suspend: isSuspended}}, {type: 'merge'})
    await suspend(true)
    await until(async () => (await kubectl('logs', 'hasty-runner')).includes('ending'), 'its program is ending')
    await suspend(false)
    await until(async () => {
      const {status} = await jobOf('hasty')
      if (status?.jobStatus === 'Successful' || status?.jobStatus === 'Failed') throw new Error(`it is over: ${status.message}`)
      const runner = await client.get(PODS, {namespace, name: 'hasty-runner'}).catch(() => undefined)
      return status?.jobStatus === 'Running' && runner !== undefined && runner.metadata.uid !== before.metadata.uid
    }, 'it runs anew')
    await kubectl('delete', 'daskjob', 'hasty')
  })
})

describe('the commands of a job', () => {
  beforeAll(async () => {
    expect((await dask('cluster', 'create', 'standing', '--workers', '1', '--wait', '--timeout', '90s')).code).toBe(0)
  })

  it('run it on a cluster that exists, try it again, and show each attempt', async () => {
    const script =
      'import os, sys; from distributed import Client; print(os.environ["HOSTNAME"] if "HOSTNAME" in os.environ else "here"); sys.exit(4)'
    const {code, stdout, stderr} = await dask(
      'job',
      'run',
      '--name',
      'twice',
      '--on',
      'standing',
      '--retries',
      '1',
      '--',
      'python',
      '-c',
      script,
    )
    expect(code).toBe(4)
    expect(stdout.trim().split('\n')).toHaveLength(2)
    expect(stderr).toContain('job "twice" failed with exit code 4')
    expect(await dask('job', 'wait', 'twice')).toMatchObject({code: 4, stdout: ''})
    expect((await dask('job', 'attach', 'twice')).code).toBe(4)
  })

  it('suspend and resume it, and run it again after its end', async () => {
    expect(
      await dask('job', 'run', '--detach', '--name', 'again', '--on', 'standing', '--', 'python', '-c', 'print("hello")'),
    ).toMatchObject({
      code: 0,
    })
    expect((await dask('job', 'wait', 'again', '--timeout', '60s')).code).toBe(0)
    expect((await dask('job', 'retry', 'again')).stdout).toBe('daskjob.kubernetes.dask.org/again replaced\n')
    expect(await dask('job', 'attach', 'again')).toMatchObject({code: 0, stdout: 'hello\n'})
    const {code, stderr} = await dask('job', 'logs', 'again', '--previous')
    expect({code, stderr}).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^error: job "again" has no log of an attempt before this one; ".* job logs again" shows/),
    })
    await dask('job', 'run', '--detach', '--name', 'held', '--on', 'standing', '--', 'python', '-c', 'import time; time.sleep(600)')
    expect((await dask('job', 'suspend', 'held')).stdout).toContain('held suspended')
    await until(async () => (await jobOf('held')).status?.reason === 'Suspended', 'it is suspended')
    expect((await dask('job', 'resume', 'held')).stdout).toContain('held resumed')
    expect((await dask('job', 'resume', 'held')).stdout).toContain('is not suspended')
    expect((await dask('job', 'retry', 'held')).stderr).toContain('has not ended yet')
  })

  it('leave its own cluster to the job, and what others do to that stays as they have it', async () => {
    await run('owner', 'import time; time.sleep(600)')
    await until(async () => (await jobOf('owner')).status?.jobStatus === 'Running', 'it runs')
    const refused = await dask('cluster', 'suspend', 'owner')
    expect(refused).toMatchObject({code: 1, stdout: ''})
    expect(refused.stderr).toContain('job suspend owner')
    expect(await clusterOf('owner')).not.toMatchObject({spec: {suspend: true}})
    await kubectl('patch', 'daskcluster', 'owner', '--type=merge', '-p', '{"spec":{"suspend":true}}')
    await until(async () => {
      const suspended = (await clusterOf('owner')).status?.conditions?.find(({type}) => type === 'Suspended')
      return suspended?.status === 'True'
    }, 'it is suspended')
    expect((await dask('cluster', 'resume', 'owner')).stdout).toContain('resumed')
    await until(async () => await exists(PODS, 'owner-scheduler'), 'its scheduler is back')
    expect((await dask('job', 'suspend', 'owner')).code).toBe(0)
    const resume = await dask('cluster', 'resume', 'owner')
    expect(resume).toMatchObject({code: 1, stdout: ''})
    expect(resume.stderr).toContain('job resume owner')
    await kubectl('delete', 'daskjob', 'owner')
  })

  it('stop it: it has failed with that reason, is not tried again, its log stays and its cluster goes', async () => {
    await run('endless', 'import time; print("begun", flush=True); time.sleep(600)', {backoffLimit: 3})
    await until(async () => (await dask('job', 'logs', 'endless')).stdout === 'begun\n', 'it runs')
    expect(await dask('job', 'stop', 'endless', '--timeout', '60s')).toMatchObject({
      code: 0,
      stdout: 'daskjob.kubernetes.dask.org/endless stopped\n',
    })
    expect((await jobOf('endless')).status).toMatchObject({jobStatus: 'Failed', reason: 'Stopped'})
    expect((await dask('job', 'wait', 'endless')).stderr).toContain('it was stopped at')
    await until(async () => !(await exists(DASK_CLUSTERS, 'endless')), 'its cluster goes')
    await until(async () => (await phaseOf('endless-runner')) === 'Failed', 'its program has ended')
    expect((await dask('job', 'logs', 'endless')).stdout).toBe('begun\n')
    expect(await exists(PODS, 'endless-runner-2')).toBe(false)
  })
})
