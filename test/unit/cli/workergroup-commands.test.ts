import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {build, isStale} from '../../../scripts/build.ts'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS} from '../../../src/api/dask.ts'
import {groupManifest} from '../../../src/cli/cluster-manifest.ts'
import {appears, type CliGround, type Ended, exists, podStatus, putPod, setStatus, startCliGround, workerOf} from './ground.ts'

let ground: CliGround
beforeAll(async () => {
  if (await isStale()) await build()
  ground = await startCliGround()
}, 60_000)
afterAll(() => ground?.stop())

const dask = (...args: readonly string[]): Promise<Ended> => ground.run(...args)

describe('workergroup', () => {
  const makeGroup = async (cluster: string, group: string): Promise<void> => {
    expect((await dask('cluster', 'create', cluster, '--image', 'my/dask:7')).code).toBe(0)
    expect((await dask('workergroup', 'create', group, '-c', cluster, '-w', '1')).code).toBe(0)
  }

  it('create takes the image of its cluster', async () => {
    await dask('cluster', 'create', 'home', '--image', 'my/dask:7')
    const {code, stdout} = await dask('workergroup', 'create', 'extra', '-c', 'home', '-w', '1')
    expect({code, stdout}).toEqual({code: 0, stdout: 'daskworkergroup.kubernetes.dask.org/extra created\n'})
    const made = await ground.client.get(DASK_WORKER_GROUPS, {namespace: 'default', name: 'extra'})
    expect(made.spec).toMatchObject({cluster: 'home', worker: {replicas: 1, spec: {containers: [{image: 'my/dask:7'}]}}})
    expect((await dask('workergroup', 'list', '-c', 'home', '-o', 'name')).stdout).toBe('daskworkergroup.kubernetes.dask.org/extra\n')
  })

  it('describe names its cluster, its workers and the next step', async () => {
    await makeGroup('told', 'nook')
    const words = /Cluster: +told \(NotServed\)\nStatus: +NotServed\nWorkers: +\? of 1 ready\nImage: +my\/dask:7\n/
    await expect.poll(async () => (await dask('workergroup', 'describe', 'nook')).stdout, {timeout: 15_000}).toMatch(words)
    const {code, stdout} = await dask('workergroup', 'describe', 'nook')
    expect(code).toBe(0)
    expect(stdout).toContain('Next: nothing has taken this group up: "kubectl dask operator run" starts an operator')
    expect(JSON.parse((await dask('workergroup', 'describe', 'nook', '-o', 'json')).stdout)).toMatchObject({
      ...{group: {metadata: {name: 'nook'}}, cluster: {metadata: {name: 'told'}}, pods: []},
    })
    expect((await dask('workergroup', 'describe', 'nobody')).code).toBe(3)
    await dask('cluster', 'delete', 'told')
    expect((await dask('workergroup', 'describe', 'nook')).stdout).toContain('Next: kubectl dask cluster create told -n default, or')
  })

  it('delete scales it to nothing before it goes', async () => {
    await makeGroup('barn', 'gone')
    await putPod(ground.client, workerOf('barn', 'a', 'gone'), podStatus('worker', 'running'))
    const deleting = dask('workergroup', 'delete', 'gone', '--yes')
    await appears(ground.client, DASK_WORKER_GROUPS, 'gone', ({spec}) => spec.worker.replicas === 0)
    const pod = {namespace: 'default', name: workerOf('barn', 'a', 'gone').name}
    await ground.client.delete({apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true}, pod, {gracePeriodSeconds: 0})
    expect(await deleting).toMatchObject({code: 0, stdout: 'daskworkergroup.kubernetes.dask.org/gone deleted\n'})
    expect(await exists(ground, DASK_WORKER_GROUPS, 'gone')).toBe(false)
  })
})

describe('workergroup delete', () => {
  it("refuses a cluster's own group, and leaves it out where all go", async () => {
    await dask('cluster', 'create', 'owner', '--image', 'x')
    const {uid = ''} = (await ground.client.get(DASK_CLUSTERS, {namespace: 'default', name: 'owner'})).metadata
    const made = groupManifest('owner-default', 'default', 'owner', {workers: 1, image: 'x'}, {labels: {of: 'owner'}})
    const ownerReferences = [{apiVersion: 'kubernetes.dask.org/v1', kind: 'DaskCluster', name: 'owner', uid, controller: true}]
    await ground.client.create(DASK_WORKER_GROUPS, {...made, metadata: {...made.metadata, ownerReferences}})
    const refused = await dask('workergroup', 'delete', 'owner-default', '--now', '--yes')
    expect(refused).toMatchObject({code: 1, stdout: ''})
    expect(refused.stderr).toBe(
      'error: DaskWorkerGroup "owner-default" is the own group of DaskCluster "owner", which would make it anew; ' +
        '"kubectl dask cluster scale owner 0" takes its workers away, or "kubectl dask cluster suspend owner" takes all of its pods, ' +
        'or "kubectl dask cluster delete owner" deletes the cluster\n',
    )
    expect(await dask('workergroup', 'delete', '-l', 'of=owner', '--yes')).toEqual({
      ...{code: 0, stdout: ''},
      stderr: 'left out: DaskWorkerGroup "owner-default" is the own group of DaskCluster "owner", which would make it anew\n',
    })
    expect(await exists(ground, DASK_WORKER_GROUPS, 'owner-default')).toBe(true)
    await ground.client.delete(DASK_CLUSTERS, {namespace: 'default', name: 'owner'}, {propagationPolicy: 'Orphan'})
    expect(await dask('workergroup', 'delete', 'owner-default', '--yes')).toMatchObject({code: 0})
  })

  it('tells once what its workers wait for', async () => {
    await dask('cluster', 'create', 'shed', '--image', 'x')
    await dask('workergroup', 'create', 'held', '-c', 'shed', '-w', '1')
    const worker = workerOf('shed', 'a', 'held')
    await putPod(ground.client, worker, podStatus('worker', 'running'))
    const block = (message: string): Promise<void> =>
      setStatus(ground.client, DASK_WORKER_GROUPS, 'held', {
        conditions: [{type: 'RetirementBlocked', status: 'True', reason: 'NoRoom', message, lastTransitionTime: '2026-11-23T12:00:00Z'}],
      })
    await block('2 results have no other place')
    const deleting = dask('workergroup', 'delete', 'held', '--yes')
    await appears(ground.client, DASK_WORKER_GROUPS, 'held', ({spec}) => spec.worker.replicas === 0)
    await block('1 result has no other place')
    const pod = {namespace: 'default', name: worker.name}
    await ground.client.delete({apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true}, pod, {gracePeriodSeconds: 0})
    const {code, stderr} = await deleting
    expect(code).toBe(0)
    expect(stderr.match(/group "held" waits: NoRoom: \d results? ha/g)).toHaveLength(1)
  })

  it('waits for a worker that cannot start as for any other', async () => {
    await dask('cluster', 'create', 'house', '--image', 'x')
    await dask('workergroup', 'create', 'stuck', '-c', 'house', '-w', '1')
    const worker = workerOf('house', 'a', 'stuck')
    await putPod(ground.client, worker, podStatus('worker', 'waiting', {reason: 'ErrImageNeverPull', message: 'no image'}))
    const deleting = dask('workergroup', 'delete', 'stuck', '--yes')
    await appears(ground.client, DASK_WORKER_GROUPS, 'stuck', ({spec}) => spec.worker.replicas === 0)
    const pod = {namespace: 'default', name: worker.name}
    await ground.client.delete({apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true}, pod, {gracePeriodSeconds: 0})
    expect(await deleting).toMatchObject({code: 0})
  })
})
