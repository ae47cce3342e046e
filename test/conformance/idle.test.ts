import {existsSync} from 'node:fs'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {DASK_CLUSTERS, DASK_JOBS, type DaskCluster} from '../../src/api/dask.ts'
import {clusterManifest} from '../../src/cli/cluster-manifest.ts'
import {itOnOurs, onOurs, stand, until} from './ground.ts'

const {client, namespace, kubectl, dask, pods, python} = stand('idle')

const create = async (name: string): Promise<void> => {
  expect((await dask('cluster', 'create', name, '--workers', '1', '--wait', '--timeout', '90s')).code).toBe(0)
}
const change = (name: string, spec: object) => client.patch(DASK_CLUSTERS, {namespace, name}, {spec}, {type: 'merge'})
const find = async (name: string): Promise<DaskCluster | undefined> =>
  (await client.list(DASK_CLUSTERS, {namespace})).items.find(({metadata}) => metadata.name === name)
const podsOf = (name: string) => pods(`dask.org/cluster-name=${name}`)

/** One task of eight seconds, which leaves a file when it begins. */
const WORK = `
import pathlib, sys, time
from distributed import Client
address, file = sys.argv[1:3]
def task():
    pathlib.Path(file).touch()
    time.sleep(8)
    return 7
with Client(address, set_as_default=False) as client:
    print(client.submit(task).result(), flush=True)
`

/** Waits for the workers, and then does something else than Dask for longer than its cluster may be idle. */
const PONDERING = `
import time
from distributed import Client
with Client(timeout=60) as client:
    client.wait_for_workers(1)
    time.sleep(8)
`

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'idle-'))
})
afterAll(() => rm(directory, {recursive: true, force: true}))

describe('an idle cluster', () => {
  it('is deleted after its timeout, with all that it has', async () => {
    await create('short')
    await change('short', {idleTimeout: 10})
    await onOurs(() => until(async () => (await find('short'))?.status?.idleSince !== undefined, 'it is told since when'))
    await until(async () => (await find('short')) === undefined && (await podsOf('short')).length === 0, 'it is gone')
    const events = () => kubectl('get', 'events', '--field-selector', 'reason=Idle')
    await until(async () => (await events()).includes('deleted: nothing has run for 10 s'), 'an Event tells it')
  })

  it('G9: stays while it works, and its scheduler is not touched', async () => {
    await create('busy')
    const begun = join(directory, 'begun')
    const work = python(WORK, 'busy', begun)
    await Promise.race([work, until(() => existsSync(begun), 'its task begins')])
    await change('busy', {idleTimeout: 4})
    expect(await work).toBe('7\n')
    const [scheduler] = await pods('dask.org/cluster-name=busy,dask.org/component=scheduler')
    expect(scheduler?.status?.containerStatuses?.[0]?.restartCount).toBe(0)
    await until(async () => (await find('busy')) === undefined, 'it goes when done')
  })

  itOnOurs('is suspended where it asks for that', async () => {
    await create('sleepy')
    await change('sleepy', {idleTimeout: 3, idleAction: 'Suspend'})
    await until(async () => (await podsOf('sleepy')).length === 0, 'its pods go')
    expect(await find('sleepy')).toMatchObject({spec: {suspend: true}})
    await until(async () => (await find('sleepy'))?.status?.idleSince === undefined, 'it is idle no more')
  })

  for (const idleAction of ['Delete', 'Suspend'] as const)
    itOnOurs(`of a job waits for the job’s end before it counts (${idleAction})`, async () => {
      const name = `job-${idleAction.toLowerCase()}`
      const {spec} = clusterManifest(name, namespace, {workers: 1, image: 'dask'})
      await client.create(DASK_JOBS, {
        ...{apiVersion: DASK_JOBS.apiVersion, kind: DASK_JOBS.kind, metadata: {name, namespace}},
        spec: {
          ...{cluster: {spec: {...spec, idleTimeout: 2, idleAction}}, clusterDeletionPolicy: 'Never'},
          job: {spec: {restartPolicy: 'Never', containers: [{name: 'job', image: 'dask', command: ['python', '-c', PONDERING]}]}},
        },
      })
      await until(async () => (await find(name)) !== undefined, 'the cluster is there')
      const before = await find(name)
      await until(async () => (await client.get(DASK_JOBS, {namespace, name})).status?.jobStatus === 'Successful', 'the job is done')
      const {uid, generation} = before?.metadata ?? {}
      expect((await find(name))?.metadata).toMatchObject({uid, generation})
      await until(async () => {
        const cluster = await find(name)
        return idleAction === 'Delete' ? cluster === undefined : cluster?.spec.suspend === true
      }, 'its idleness has come to count')
      await kubectl('delete', 'daskjob', name)
    })
})
