import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {DASK_CLUSTERS, DASK_JOBS} from '../../src/api/dask.ts'
import {onOurs, stand, until} from './ground.ts'

const {client, namespace, kubectl, dask} = stand('job')

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'job-'))
  await writeFile(
    join(directory, 'sum.py'),
    'import sys\nfrom distributed import Client\nwith Client() as client:\n    print("sum", sum(client.gather(client.map(int, sys.argv[1:]))))\n',
  )
  await writeFile(join(directory, 'fail.py'), 'import sys\nprint("about to fail")\nsys.exit(3)\n')
})
afterAll(() => rm(directory, {recursive: true}))

describe('a DaskJob', () => {
  it('runs a script of this machine, streams its log, ends with its exit code, and its cluster goes', async () => {
    const run = await dask('job', 'run', '--name', 'good', '--workers', '1', '--', 'python', join(directory, 'sum.py'), '1', '2', '39')
    expect(run.stdout).toContain('sum 42')
    expect(run.code).toBe(0)
    const job = await client.get(DASK_JOBS, {namespace, name: 'good'})
    expect(job.status).toMatchObject({jobStatus: 'Successful', clusterName: 'good', jobRunnerPodName: 'good-runner'})
    await onOurs(() => expect(job.status).toMatchObject({exitCode: 0}))
    await until(async () => (await client.list(DASK_CLUSTERS, {namespace})).items.length === 0, 'the cluster of the job goes')
  })

  it('tells a failure with the program’s own exit code and words', async () => {
    const run = await dask('job', 'run', '--name', 'bad', '--workers', '1', '--', 'python', join(directory, 'fail.py'))
    expect(run.code).toBe(3)
    expect(run.stdout).toContain('about to fail')
    const {status} = await client.get(DASK_JOBS, {namespace, name: 'bad'})
    expect(status).toMatchObject({jobStatus: 'Failed'})
    await onOurs(() => expect(status).toMatchObject({exitCode: 3}))
    const usual = await dask('job', 'run', '--rm', '--name', 'usual', '--workers', '1', '--', 'python', '-c', 'raise SystemExit(1)')
    expect(usual.code, usual.stderr).toBe(1)
  })

  it('keeps its log until it is deleted', async () => {
    expect((await dask('job', 'logs', 'bad')).stdout).toContain('about to fail')
    await onOurs(async () => expect((await dask('job', 'list')).stdout).toMatch(/bad\s+Failed\s+3/))
    expect((await dask('job', 'delete', 'bad', 'good', '--yes')).code).toBe(0)
    await until(async () => !(await kubectl('get', 'pods', '-o', 'name')).includes('runner'), 'the runners go')
  })

  it('is not made when its script does not exist', async () => {
    const run = await dask('job', 'run', '--name', 'none', '--', 'python', 'no-such.py')
    expect(run.code).not.toBe(0)
    expect(run.stderr).toContain('no-such.py')
    expect((await client.list(DASK_JOBS, {namespace})).items.map(({metadata}) => metadata.name)).not.toContain('none')
  })
})
