import {mkdtemp, readFile, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {beforeAll, describe, expect, it} from 'vitest'
import {PODS, SERVICES} from '../../src/api/core.ts'
import {DASK_CLUSTERS, DASK_WORKER_GROUPS} from '../../src/api/dask.ts'
import type {Templates} from '../../src/api/history.ts'
import {describeOnOurs, isReady, onOurs, stand, until} from './ground.ts'

const {client, namespace, kubectl, dask, pods, python} = stand('rollout')

const workers = () => pods('dask.org/cluster-name=demo,dask.org/component=worker')
const scheduler = async () => (await pods('dask.org/cluster-name=demo,dask.org/component=scheduler'))[0]
const uids = async (): Promise<ReadonlySet<string | undefined>> => new Set((await workers()).map(({metadata}) => metadata.uid))
const condition = async (type: string): Promise<string | undefined> => {
  const found = (await client.get(DASK_CLUSTERS, {namespace, name: 'demo'})).status?.conditions?.find((each) => each.type === type)
  return found && `${found.status} ${found.reason}`
}
const patch = (spec: object): Promise<string> => kubectl('patch', 'daskcluster', 'demo', '--type=merge', '-p', JSON.stringify({spec}))

/** Tasks that write a line when they start, and a result that their workers hold until the end. */
const LOAD = `
import os, sys, time
from distributed import Client
address, file = sys.argv[1:3]
def task(i, file=file):
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, f"{i}\\n".encode()); os.close(fd)
    time.sleep(0.4)
    return i
with Client(address) as client:
    futures = [client.submit(task, i, pure=False) for i in range(60)]
    total = client.submit(sum, futures)
    assert total.result() == sum(range(60))
    assert client.gather(futures) == list(range(60))
print("right")
`

beforeAll(async () => {
  expect((await dask('cluster', 'create', 'demo', '--workers', '2', '--wait', '--timeout', '90s')).code).toBe(0)
})

describe('an edit of a cluster', () => {
  it('G1: rolls its workers under load without starting a task twice, and leaves the scheduler alone', async () => {
    const [before, old] = [await scheduler(), await uids()]
    const directory = await mkdtemp(join(tmpdir(), 'rollout-'))
    const file = join(directory, 'starts')
    const lines = async (): Promise<readonly string[]> =>
      (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
    const load = python(LOAD, 'demo', file)
    await until(async () => (await lines()).length >= 8, 'tasks run')
    const {spec} = (await client.get(DASK_CLUSTERS, {namespace, name: 'demo'})).spec.worker
    const containers = spec.containers.map((each) => ({...each, env: [...(each.env ?? []), {name: 'EDITED', value: 'yes'}]}))
    await patch({worker: {spec: {containers}}})
    expect(await load).toContain('right')
    const started = await lines()
    expect([started.length, new Set(started).size]).toEqual([60, 60])
    await until(async () => {
      const ready = (await workers()).filter(isReady)
      return ready.length === 2 && ready.every(({metadata}) => !old.has(metadata.uid)) && (await workers()).length === 2
    }, 'all workers are new')
    for (const pod of await workers()) expect(pod.spec.containers[0]?.env).toContainEqual({name: 'EDITED', value: 'yes'})
    expect((await scheduler())?.metadata.uid).toBe(before?.metadata.uid)
    await onOurs(async () => {
      await until(async () => (await condition('Progressing')) === 'False Settled', 'the cluster has settled')
      expect((await client.get(DASK_WORKER_GROUPS, {namespace, name: 'demo-default'})).status).toMatchObject({updatedReplicas: 2})
    })
    await rm(directory, {recursive: true})
  })

  it('of labels alone changes them in place', async () => {
    const old = await uids()
    await patch({worker: {metadata: {labels: {team: 'red'}}}})
    await until(async () => (await pods('team=red')).length === 2, 'the workers carry the label')
    await patch({worker: {metadata: {labels: {team: null}}}})
    await until(async () => (await pods('team=red')).length === 0, 'the label goes')
    expect(await uids()).toEqual(old)
  })

  it('of the service changes the Service in place', async () => {
    const before = await client.get(SERVICES, {namespace, name: 'demo-scheduler'})
    await patch({scheduler: {service: {sessionAffinity: 'ClientIP'}}})
    const now = () => client.get(SERVICES, {namespace, name: 'demo-scheduler'})
    await until(async () => (await now()).spec['sessionAffinity'] === 'ClientIP', 'the Service follows')
    expect((await now()).metadata.uid).toBe(before.metadata.uid)
    expect((await now()).spec.clusterIP).toBe(before.spec.clusterIP)
  })

  it('of the scheduler waits for a restart, which replaces it and every worker', async () => {
    const [before, old] = [await scheduler(), await uids()]
    const {containers} = (await client.get(DASK_CLUSTERS, {namespace, name: 'demo'})).spec.scheduler.spec
    await patch({scheduler: {spec: {containers: containers.map((each) => ({...each, env: [{name: 'EDITED', value: 'yes'}]}))}}})
    await onOurs(() =>
      until(async () => (await condition('Progressing')) === 'False SchedulerUpdateWaits', 'the cluster says that it waits'),
    )
    expect((await scheduler())?.metadata.uid).toBe(before?.metadata.uid)
    await kubectl('annotate', 'daskcluster', 'demo', 'kubernetes.dask.org/restarted-at=2026-11-23T12:00:00Z')
    await until(
      async () => {
        const ready = (await workers()).filter(isReady)
        const now = await scheduler()
        const isNew = now !== undefined && now.metadata.uid !== before?.metadata.uid && isReady(now)
        return isNew && ready.length === 2 && ready.every(({metadata}) => !old.has(metadata.uid))
      },
      'scheduler and workers are new',
      90_000,
    )
    expect(await dask('cluster', 'wait', 'demo', '--timeout', '90s')).toMatchObject({code: 0})
  })
})

describeOnOurs('cluster rollout undo', () => {
  const step = async (value: string): Promise<void> => {
    const {containers} = (await client.get(DASK_CLUSTERS, {namespace, name: 'undone'})).spec.worker.spec
    const edited = containers.map((each) => ({...each, env: [{name: 'STEP', value}]}))
    await kubectl('patch', 'daskcluster', 'undone', '--type=merge', '-p', JSON.stringify({spec: {worker: {spec: {containers: edited}}}}))
  }
  const steps = async (): Promise<readonly (string | undefined)[]> =>
    (await pods('dask.org/cluster-name=undone,dask.org/component=worker'))
      .filter(({metadata}) => metadata.deletionTimestamp === undefined)
      .map(({spec}) => spec.containers[0]?.env?.find(({name}) => name === 'STEP')?.value)

  it('takes the last change back, and itself by another one', async () => {
    expect((await dask('cluster', 'create', 'undone', '--workers', '1', '--wait', '--timeout', '90s')).code).toBe(0)
    expect(await dask('cluster', 'rollout', 'undo', 'undone')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('there is nothing that DaskCluster "undone" could go back to'),
    })
    for (const value of ['one', 'two']) {
      await step(value)
      expect((await dask('cluster', 'rollout', 'status', 'undone', '--timeout', '90s')).code).toBe(0)
      expect(await steps()).toEqual([value])
    }
    expect((await dask('cluster', 'rollout', 'undo', 'undone', '--dry-run=server')).stdout).toContain('rolled back (server dry run)')
    for (const value of ['one', 'two']) {
      const {code, stdout, stderr} = await dask('cluster', 'rollout', 'undo', 'undone')
      expect({code, stdout}).toEqual({code: 0, stdout: 'daskcluster.kubernetes.dask.org/undone rolled back\n'})
      expect(stderr).toContain('the template of its worker went back')
      expect((await dask('cluster', 'rollout', 'status', 'undone', '--timeout', '90s')).code).toBe(0)
      expect(await steps()).toEqual([value])
    }
    const {stdout} = await dask('cluster', 'rollout', 'history', 'undone')
    expect(stdout.split('\n').map((line) => line.trim().split(/\s{2,}/))).toEqual([
      ['REVISION', 'CHANGE'],
      ['1', '<none>'],
      ['4', 'worker.containers[0].env'],
      ['5 (now)', 'worker.containers[0].env[0].value=two'],
      [''],
    ])
    const first = JSON.parse((await dask('cluster', 'rollout', 'history', 'undone', '--revision', '1', '-o', 'json')).stdout) as Templates
    expect(first.worker.containers[0]?.env?.some(({name}) => name === 'STEP') ?? false).toBe(false)
    expect(await dask('cluster', 'rollout', 'undo', 'undone', '--to-revision', '2')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('no revision 2 of DaskCluster "undone" is kept; there are 1, 4, 5'),
    })
    expect(await dask('cluster', 'rollout', 'undo', 'undone', '--to-revision', '5')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has the templates of revision 5 already'),
    })
    expect((await dask('cluster', 'rollout', 'undo', 'undone', '--to-revision', '1')).code).toBe(0)
    expect((await dask('cluster', 'rollout', 'status', 'undone', '--timeout', '90s')).code).toBe(0)
    expect(await steps()).toEqual([undefined])
    expect((await dask('cluster', 'delete', 'undone', '--yes')).code).toBe(0)
  })
})

describeOnOurs('a cluster that is suspended', () => {
  it('has no pods, and comes back when it is resumed', async () => {
    await patch({suspend: true})
    await until(async () => (await client.list(PODS, {namespace})).items.length === 0, 'all pods go')
    await until(async () => (await condition('Suspended')) === 'True Suspended', 'the cluster says so')
    expect(await condition('Ready')).toBe('False Suspended')
    await client.get(SERVICES, {namespace, name: 'demo-scheduler'})
    await patch({suspend: false})
    await kubectl('wait', 'daskcluster/demo', '--for=condition=Ready', '--timeout=90s')
    expect((await workers()).filter(isReady)).toHaveLength(2)
  })
})
