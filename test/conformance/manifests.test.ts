import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {DASK_CLUSTERS, DASK_JOBS, DASK_WORKER_GROUPS} from '../../src/api/dask.ts'
import {clusterManifest, groupManifest} from '../../src/cli/cluster-manifest.ts'
import {jobManifest} from '../../src/cli/job-manifest.ts'
import {stand, until} from './ground.ts'

const {client, namespace, dask} = stand('manifests')

let directory = ''
const names = async (kind: Parameters<typeof client.list>[0]): Promise<readonly string[]> =>
  (await client.list(kind, {namespace})).items.map(({metadata}) => metadata.name).toSorted()

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'manifests-'))
  const small = {workers: 1, image: 'dask'}
  const objects = {
    'a.yaml': clusterManifest('one', undefined, small),
    'b.json': clusterManifest('two', undefined, small),
    'c.yml': groupManifest('two-more', undefined, 'two', small),
    'd.yaml': jobManifest('work', undefined, ['python', '-c', 'print(1)'], [], {...small, workers: 0}),
    'e.yaml': jobManifest('work-more', undefined, ['python', '-c', 'print(2)'], [], {...small, workers: 0}),
  }
  for (const [name, object] of Object.entries(objects)) await writeFile(join(directory, name), JSON.stringify(object))
})
afterAll(() => rm(directory, {recursive: true}))

describe('-f DIR', () => {
  it('makes the clusters of a directory, and waits for all of them', async () => {
    const {code, stdout, stderr} = await dask('cluster', 'create', '-f', directory, '--wait', '--timeout', '90s')
    expect({code, stdout}).toEqual({
      code: 0,
      stdout: ['one', 'two'].map((name) => `daskcluster.kubernetes.dask.org/${name} is ready\n`).join(''),
    })
    expect(stderr).toContain('c.yml": DaskWorkerGroup "two-more" is left out\n')
    expect(await dask('cluster', 'create', '-f', directory)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"one" exists already'),
    })
  })

  it('refuses a call that names another namespace than a manifest does, and makes nothing', async () => {
    const file = join(directory, 'elsewhere')
    await writeFile(file, JSON.stringify(clusterManifest('away', 'elsewhere', {workers: 1, image: 'dask'})))
    for (const verb of ['create', 'delete'])
      expect(await dask('cluster', verb, '-f', file)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(
          /DaskCluster "away" in ".*elsewhere" names the namespace "elsewhere", and the call "manifests-.*leave -n out/s,
        ),
      })
  })

  it('starts its jobs, but follows no more than one', async () => {
    expect((await dask('job', 'run', '-f', directory)).stderr).toContain('start them with --detach')
    expect(await names(DASK_JOBS)).toEqual([])
    const {stdout, stderr} = await dask('job', 'run', '--detach', '-f', directory)
    expect(stdout).toBe('daskjob.kubernetes.dask.org/work created\ndaskjob.kubernetes.dask.org/work-more created\n')
    expect(stderr).toContain('job attach work-more" follows it')
    for (const job of ['work', 'work-more']) expect((await dask('job', 'wait', job, '--timeout', '60s')).code).toBe(0)
  })

  it('deletes what its manifests have made', async () => {
    await client.create(DASK_WORKER_GROUPS, groupManifest('two-more', namespace, 'two', {workers: 0, image: 'dask'}))
    expect((await dask('workergroup', 'delete', '-f', join(directory, 'c.yml'), '--yes')).stdout).toContain('two-more deleted')
    expect((await dask('job', 'delete', '-f', directory, '--yes')).stdout).toMatch(/work deleted\n.*work-more deleted\n$/)
    expect((await dask('cluster', 'delete', '-f', join(directory, 'a.yaml'), '--yes')).code).toBe(0)
    expect(await dask('cluster', 'delete', '-f', directory, '--yes')).toMatchObject({code: 3, stderr: expect.stringContaining('"one"')})
    expect(await names(DASK_CLUSTERS)).toEqual(['two'])
    expect((await dask('cluster', 'delete', '-f', directory, '--yes', '--ignore-not-found')).code).toBe(0)
    await until(async () => (await names(DASK_WORKER_GROUPS)).length === 0, 'all is gone')
  })
})
