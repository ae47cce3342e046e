import {describe, expect, it} from 'vitest'
import {EVENTS} from '../../src/api/core.ts'
import {DASK_CLUSTERS} from '../../src/api/dask.ts'
import {stand, until} from './ground.ts'

const {client, namespace, dask} = stand('reasons')

const condition = async (name: string, type: string) =>
  (await client.get(DASK_CLUSTERS, {namespace, name})).status?.conditions?.find((each) => each.type === type)

describe('a cluster that cannot become ready says why', () => {
  it('when its image cannot be pulled, and the command ends early with the same reason', async () => {
    const created = await dask(
      'cluster',
      'create',
      'nopull',
      '--image',
      'registry.invalid/dask:1',
      '--workers',
      '1',
      '--wait',
      '--timeout',
      '100s',
      '--keep',
    )
    expect(created.code).toBe(1)
    expect(created.stderr).toMatch(/ImagePullBackOff|ErrImagePull/)
    await until(async () => /ImagePull/.test(JSON.stringify(await condition('nopull', 'Ready'))), 'the condition says ImagePullBackOff')
    expect((await condition('nopull', 'Ready'))?.status).toBe('False')
    const told = (await client.list(EVENTS, {namespace})).items.filter(({involvedObject}) => involvedObject.kind === 'DaskCluster')
    const own = told.filter(({involvedObject, source}) => involvedObject.name === 'nopull' && source?.component === 'dask-operator')
    expect(own.map(({type, reason}) => `${type} ${reason}`)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^Warning (ImagePullBackOff|ErrImagePull)$/)]),
    )
    expect(own.length).toBeLessThanOrEqual(4)
  })

  it('and is taken away again, unless it is to be kept', async () => {
    const created = await dask('cluster', 'create', 'unkept', '--image', 'registry.invalid/dask:1', '--wait', '--timeout', '100s')
    expect(created.code).toBe(1)
    expect(created.stderr).toMatch(/ImagePullBackOff|ErrImagePull/)
    expect(created.stderr).toContain('--keep')
    await until(
      async () => (await client.list(DASK_CLUSTERS, {namespace})).items.every(({metadata}) => metadata.name !== 'unkept'),
      'it goes',
    )
  })

  it('when no node has room for its workers', async () => {
    await dask('cluster', 'create', 'big', '--workers', '1', '--cpu', '1000')
    await until(
      async () => /Insufficient cpu/.test(JSON.stringify(await condition('big', 'WorkersReady'))),
      'the condition says Insufficient cpu',
    )
    expect(await condition('big', 'WorkersReady')).toMatchObject({status: 'False', reason: 'Unschedulable'})
  })

  it('when its worker crashes, with what it said last', async () => {
    const {apiVersion, kind, spec: given} = await client.get(DASK_CLUSTERS, {namespace, name: 'big'})
    const program = 'echo "working" && echo "No module named torch" >&2 && exit 3'
    const [{image = ''} = {}] = given.worker.spec.containers
    const worker = {replicas: 1, spec: {containers: [{name: 'worker', image, command: ['sh', '-c', program]}]}}
    await client.create(DASK_CLUSTERS, {apiVersion, kind, metadata: {name: 'crash', namespace}, spec: {...given, worker}})
    await until(
      async () =>
        /container "worker" exited with code 3: No module named torch; back-off/.test(
          (await condition('crash', 'WorkersReady'))?.message ?? '',
        ),
      'the condition tells the end of its log',
    )
  })

  it('when its name is invalid, and nothing is made for it', async () => {
    const good = await client.get(DASK_CLUSTERS, {namespace, name: 'big'})
    await client.create(DASK_CLUSTERS, {
      apiVersion: good.apiVersion,
      kind: good.kind,
      metadata: {name: 'in.valid', namespace},
      spec: good.spec,
    })
    await until(
      async () => (await client.get(DASK_CLUSTERS, {namespace, name: 'in.valid'})).status?.phase === 'Error',
      'its phase is Error',
    )
    expect((await condition('in.valid', 'Ready'))?.message).toContain('The DaskCluster in.valid is invalid')
  })

  it('and all of them can be deleted', async () => {
    expect((await dask('cluster', 'delete', '--all', '--yes')).code).toBe(0)
    await until(async () => (await client.list(DASK_CLUSTERS, {namespace})).items.length === 0, 'they go')
  })
})
