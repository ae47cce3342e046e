import {describe, expect, it} from 'vitest'
import {PODS, SERVICES} from '../../src/api/core.ts'
import {DASK_CLUSTERS, DASK_JOBS, DASK_WORKER_GROUPS} from '../../src/api/dask.ts'
import {stand, until} from './ground.ts'

const {client, namespace, kubectl, dask, pods, python} = stand('prune')

const names = async (kind: Parameters<typeof client.list>[0]): Promise<readonly string[]> =>
  (await client.list(kind, {namespace})).items.map(({metadata}) => metadata.name)
const create = async (name: string): Promise<void> => {
  expect((await dask('cluster', 'create', name, '-w', '1', '--wait', '--timeout', '90s')).code).toBe(0)
}

describe('cluster prune', () => {
  it('deletes what a cluster has left behind, and nothing else', async () => {
    await create('stays')
    await create('gone')
    await kubectl('delete', 'daskcluster', 'gone', '--cascade=orphan')
    expect(await names(DASK_CLUSTERS)).toEqual(['stays'])
    await until(
      async () => (await client.list(DASK_WORKER_GROUPS, {namespace})).items.some(({metadata}) => !metadata.ownerReferences?.length),
      'its group is nobody’s',
    )
    expect(await dask('cluster', 'prune', '--yes')).toMatchObject({code: 0, stdout: '', stderr: expect.stringContaining('nothing is left')})
    expect(await dask('cluster', 'prune', '--grace', '0s')).toMatchObject({code: 2, stdout: '', stderr: expect.stringContaining('--yes')})
    const dry = await dask('cluster', 'prune', '--grace', '0s', '--dry-run=server')
    expect(dry.stdout).toContain('daskworkergroup.kubernetes.dask.org/gone-default deleted (server dry run): there is no cluster "gone"\n')
    expect(await names(DASK_WORKER_GROUPS)).toContain('gone-default')
    expect((await dask('cluster', 'prune', '--grace', '0s', '--yes')).code).toBe(0)
    await until(async () => (await pods('dask.org/cluster-name=gone')).length === 0, 'its pods go')
    expect(await names(DASK_WORKER_GROUPS)).toEqual(['stays-default'])
    expect(await names(SERVICES)).not.toContain('gone-scheduler')
    expect(await pods('dask.org/cluster-name=stays')).toHaveLength(2)
  })

  it('deletes idle clusters and leaves alone those that work', async () => {
    await create('works')
    const load = python(
      `
import sys, time
from distributed import Client
with Client(sys.argv[1]) as client:
    client.submit(time.sleep, 25).result()
`,
      'works',
    )
    await until(async () => {
      const {stdout} = await dask('cluster', 'workers', 'works', '-o', 'json')
      return (JSON.parse(stdout) as readonly {readonly worker?: {readonly load: {readonly executing: number}}}[]).some(
        ({worker}) => (worker?.load.executing ?? 0) > 0,
      )
    }, 'it works')
    const {code, stdout} = await dask('cluster', 'prune', '--idle', '1s', '--yes')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^daskcluster\.kubernetes\.dask\.org\/stays deleted: it has been idle for \d+[sm]\n$/)
    await load
    await until(async () => (await names(DASK_CLUSTERS)).join() === 'works', 'only the other one is left')
  })

  it('deletes old clusters and jobs that have ended', async () => {
    await dask('job', 'run', '--name', 'over', '--on', 'works', '--', 'python', '-c', 'print(1)')
    const {stdout} = await dask('cluster', 'prune', '--older-than', '1s', '--finished', '0s', '--yes')
    expect(stdout).toMatch(/works deleted: it is \d+\w+ old\n.*over deleted: it was done \d+s ago\n$/)
    await until(async () => [...(await names(DASK_CLUSTERS)), ...(await names(DASK_JOBS)), ...(await names(PODS))].length === 0, 'all go')
  })
})
