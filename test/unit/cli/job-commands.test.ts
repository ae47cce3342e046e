import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {build, isStale} from '../../../scripts/build.ts'
import {CONFIG_MAPS} from '../../../src/api/core.ts'
import {DASK_JOBS} from '../../../src/api/dask.ts'
import {appears, type CliGround, type Ended, exists, podStatus, putPod, setStatus, startCliGround} from './ground.ts'

let ground: CliGround
beforeAll(async () => {
  if (await isStale()) await build()
  ground = await startCliGround()
}, 60_000)
afterAll(() => ground?.stop())

const dask = (...args: readonly string[]): Promise<Ended> => ground.run(...args)
const runnerOf = (job: string) => ({
  name: `${job}-runner`,
  container: 'job',
  labels: {'dask.org/cluster-name': job, 'dask.org/component': 'job-runner'},
})

describe('job run', () => {
  const LINES = ['2026-11-23T12:00:00.1Z one', '2026-11-23T12:00:00.1Z two', '2026-11-23T12:00:00.12Z three', '2026-11-23T12:00:01Z four']

  /** What an operator and a kubelet make of a job: it runs until its log has been asked for that often, then it ends. */
  const play = async (job: string, exitCode: number, asked = 1): Promise<void> => {
    await appears(ground.client, DASK_JOBS, job)
    await putPod(ground.client, runnerOf(job), podStatus('job', 'running'))
    await setStatus(ground.client, DASK_JOBS, job, {jobStatus: 'Running', jobRunnerPodName: `${job}-runner`})
    await ground.asked(`${job}-runner`, asked)
    await setStatus(
      ground.client,
      {apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true},
      `${job}-runner`,
      podStatus('job', exitCode === 0 ? 'succeeded' : 'failed', {exitCode}),
    )
    await setStatus(
      ground.client,
      DASK_JOBS,
      job,
      exitCode === 0
        ? {jobStatus: 'Successful'}
        : {jobStatus: 'Failed', message: `container "job" exited with code ${exitCode}; its last words:\none`},
    )
  }

  it('streams every line once across dropped connections, and ends with the program', async () => {
    await writeFile(join(ground.folder, 'train.py'), 'print(1)\n')
    ground.logs.set('good-runner', [LINES.slice(0, 2), LINES.slice(0, 3), LINES])
    const running = dask('job', 'run', '--name', 'good', '--image', 'x', '--', 'python', 'train.py')
    await play('good', 0, 2)
    const {code, stdout, stderr} = await running
    expect({code, stdout}).toEqual({code: 0, stdout: 'one\ntwo\nthree\nfour\n'})
    expect(stderr).toContain('job "good" is done')
    const files = await ground.client.get(CONFIG_MAPS, {namespace: 'default', name: 'good-files'})
    expect(files).toMatchObject({data: {'train.py': 'print(1)\n'}, metadata: {ownerReferences: [{kind: 'DaskJob', name: 'good'}]}})
  })

  it('ends with the exit code of the program', async () => {
    ground.logs.set('bad-runner', [LINES.slice(0, 1)])
    const running = dask('job', 'run', '--name', 'bad', '--image', 'x', '--', 'false')
    await play('bad', 7)
    const {code, stdout, stderr} = await running
    expect({code, stdout}).toEqual({code: 7, stdout: 'one\n'})
    // Its last words have just been shown.
    expect(stderr).toContain('job "bad" failed with exit code 7: container "job" exited with code 7\n')
    expect((await dask('job', 'wait', 'bad')).stderr).toContain('exited with code 7; its last words:\none\n')
  })

  it('ends with 125 when its pods cannot start', async () => {
    const running = dask('job', 'run', '--name', 'never', '--image', 'x', '--', 'true')
    await appears(ground.client, DASK_JOBS, 'never')
    await putPod(ground.client, runnerOf('never'), podStatus('job', 'waiting', {reason: 'ErrImageNeverPull', message: 'no image'}))
    const {code, stderr} = await running
    expect(code).toBe(125)
    expect(stderr).toContain('ErrImageNeverPull: no image')
  })

  it('leaves nothing behind when the job is refused', async () => {
    await dask('job', 'run', '--detach', '--name', 'same', '--image', 'x', '--', 'true')
    const {code, stderr} = await dask('job', 'run', '--name', 'same', '--image', 'x', '--', 'python', 'train.py')
    expect(code).toBe(125)
    expect(stderr).toContain('DaskJob "same" exists already')
    expect(await exists(ground, CONFIG_MAPS, 'same-files')).toBe(false)
  })

  it('is left by Ctrl-C: the job goes on, and it is told how to look again', async () => {
    const {child, ended} = ground.start(['job', 'run', '--name', 'on', '--image', 'x', '--', 'true'])
    await appears(ground.client, DASK_JOBS, 'on')
    child.kill('SIGINT')
    const {code, stderr} = await ended
    expect(code).toBe(130)
    expect(stderr).toContain('the job goes on: "kubectl dask job attach on" looks again, "kubectl dask job stop on" ends it')
    expect(await exists(ground, DASK_JOBS, 'on')).toBe(true)
  })

  it('--rm takes it away afterwards', async () => {
    const running = dask('job', 'run', '--rm', '--name', 'brief', '--image', 'x', '--', 'true')
    await play('brief', 0, 0)
    expect((await running).code).toBe(0)
    expect(await exists(ground, DASK_JOBS, 'brief')).toBe(false)
  })

  it('-o json prints the job alone on stdout', async () => {
    ground.logs.set('doc-runner', [LINES])
    const running = dask('job', 'run', '--name', 'doc', '--image', 'x', '-o', 'json', '--', 'true')
    await play('doc', 0, 0)
    const {code, stdout, stderr} = await running
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({kind: 'DaskJob', status: {jobStatus: 'Successful'}})
    expect(stderr).toContain('four\n')
  })
})

describe('job stop', () => {
  const makeJob = (name: string, annotations?: Readonly<Record<string, string>>) =>
    ground.client.create(DASK_JOBS, {
      ...{apiVersion: DASK_JOBS.apiVersion, kind: DASK_JOBS.kind},
      metadata: {name, namespace: 'default', ...(annotations && {annotations})},
      spec: {job: {spec: {containers: [{name: 'job', image: 'i'}]}}, clusterName: 'demo'},
    })
  const annotationsOf = async (name: string) =>
    (await ground.client.get(DASK_JOBS, {namespace: 'default', name})).metadata.annotations ?? {}

  it('asks for the end and waits for it', async () => {
    await makeJob('busy')
    expect((await dask('job', 'stop', 'busy', '--dry-run=server')).stdout).toContain('stopped (server dry run)')
    expect(await annotationsOf('busy')).toEqual({})
    const stopping = dask('job', 'stop', 'busy')
    await appears(ground.client, DASK_JOBS, 'busy', ({metadata}) => metadata.annotations?.['kubernetes.dask.org/stopped-at'] !== undefined)
    await setStatus(ground.client, DASK_JOBS, 'busy', {jobStatus: 'Failed', reason: 'Stopped'})
    expect(await stopping).toMatchObject({code: 0, stdout: 'daskjob.kubernetes.dask.org/busy stopped\n'})
    expect(await dask('job', 'stop', 'busy')).toMatchObject({code: 0, stdout: 'daskjob.kubernetes.dask.org/busy has ended already\n'})
  })

  it('says when nothing carries it out', async () => {
    await makeJob('unserved')
    const {code, stderr} = await dask('job', 'stop', 'unserved', '--timeout', '300ms')
    expect(code).toBe(124)
    expect(stderr).toContain('is an operator running')
  })

  it('is forgotten when the job is run again', async () => {
    await makeJob('anew', {'kubernetes.dask.org/stopped-at': '2026-11-23T12:00:00Z', team: 'ml'})
    await setStatus(ground.client, DASK_JOBS, 'anew', {jobStatus: 'Failed'})
    const {uid} = (await ground.client.get(DASK_JOBS, {namespace: 'default', name: 'anew'})).metadata
    for (const mode of ['client', 'server'])
      expect((await dask('job', 'retry', 'anew', `--dry-run=${mode}`)).stdout).toMatch(/\/anew replaced \((server )?dry run\)\n$/)
    expect((await ground.client.get(DASK_JOBS, {namespace: 'default', name: 'anew'})).metadata.uid).toBe(uid)
    expect((await dask('job', 'retry', 'anew')).code).toBe(0)
    expect(await annotationsOf('anew')).toEqual({team: 'ml'})
  })
})

describe('job retry', () => {
  it('that breaks off tells the manifest of the job that it has deleted', async () => {
    const {client, run} = ground
    const metadata = {name: 'held', namespace: 'default', finalizers: ['test/held']}
    const spec = {job: {spec: {containers: [{name: 'job', image: 'i', args: ['python', 'train.py']}]}}, clusterName: 'demo'}
    await client.create(DASK_JOBS, {apiVersion: DASK_JOBS.apiVersion, kind: DASK_JOBS.kind, metadata, spec})
    await setStatus(client, DASK_JOBS, 'held', {jobStatus: 'Failed'})
    const {code, stderr, stdout} = await run('job', 'retry', 'held', '--timeout', '1s')
    expect({code, stdout}).toEqual({code: 124, stdout: ''})
    expect(stderr).toContain('job "held" was not made again')
    expect(stderr).toContain('- train.py')
    await client.patch(DASK_JOBS, metadata, {metadata: {finalizers: null}}, {type: 'merge'})
  })
})
