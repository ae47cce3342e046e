import {isDeepStrictEqual} from 'node:util'
import {beforeAll, describe, expect, it} from 'vitest'
import {SERVICES} from '../../src/api/core.ts'
import {DASK_WORKER_GROUPS} from '../../src/api/dask.ts'
import {isReady, stand, until} from './ground.ts'

const {client, namespace, kubectl, dask, pods} = stand('repair')

const workers = () => pods('dask.org/cluster-name=demo,dask.org/component=worker')
const scheduler = async () => (await pods('dask.org/cluster-name=demo,dask.org/component=scheduler'))[0]

/** Ready workers that are not among these: what is still going must not be taken for what came back. */
const freshReady = async (old: ReadonlySet<string | undefined>): Promise<number> =>
  (await workers()).filter((pod) => isReady(pod) && !old.has(pod.metadata.uid)).length

beforeAll(async () => {
  expect((await dask('cluster', 'create', 'demo', '--workers', '2', '--wait', '--timeout', '90s')).code).toBe(0)
})

describe('G2: what somebody deletes by hand comes back', () => {
  it('a worker pod', async () => {
    const [victim] = await workers()
    await kubectl('delete', 'pod', victim?.metadata.name ?? '', '--wait=false')
    await until(async () => {
      const ready = (await workers()).filter(isReady)
      return ready.length === 2 && ready.every(({metadata}) => metadata.uid !== victim?.metadata.uid)
    }, 'another worker takes its place')
  })

  it('the service', async () => {
    const before = await client.get(SERVICES, {namespace, name: 'demo-scheduler'})
    await kubectl('delete', 'service', 'demo-scheduler')
    await until(async () => {
      const [after] = (await client.list(SERVICES, {namespace, fieldSelector: 'metadata.name=demo-scheduler'})).items
      return after !== undefined && after.metadata.uid !== before.metadata.uid
    }, 'the service comes back')
  })

  it('the default group', async () => {
    const before = await client.get(DASK_WORKER_GROUPS, {namespace, name: 'demo-default'})
    const old = new Set((await workers()).map(({metadata}) => metadata.uid))
    await kubectl('delete', 'daskworkergroup', 'demo-default', '--wait=false')
    await until(async () => {
      const [after] = (await client.list(DASK_WORKER_GROUPS, {namespace})).items
      return after !== undefined && after.metadata.uid !== before.metadata.uid && (await freshReady(old)) === 2
    }, 'the group comes back with its workers')
  })

  it('the scheduler, and the workers after it', async () => {
    const before = await scheduler()
    await kubectl('delete', 'pod', 'demo-scheduler', '--wait=false')
    await until(async () => {
      const after = await scheduler()
      return after !== undefined && after.metadata.uid !== before?.metadata.uid && isReady(after)
    }, 'another scheduler is ready')
    expect(await dask('cluster', 'wait', 'demo', '--timeout', '90s')).toMatchObject({code: 0})
  })
})

describe('what somebody changes by hand is put back', () => {
  it('the selector, the ports and the labels of the service', async () => {
    const before = await client.get(SERVICES, {namespace, name: 'demo-scheduler'})
    const other = {
      metadata: {labels: {'dask.org/component': 'other'}},
      spec: {selector: {app: 'other', 'dask.org/component': null}, ports: [{name: 'tcp-comm', port: 1, targetPort: 1}]},
    }
    await kubectl('patch', 'service', 'demo-scheduler', '--type=merge', '-p', JSON.stringify(other))
    await until(async () => {
      const {metadata, spec} = await client.get(SERVICES, {namespace, name: 'demo-scheduler'})
      return (
        isDeepStrictEqual([metadata.labels, spec.selector], [before.metadata.labels, before.spec.selector]) &&
        spec.ports?.[0]?.port === 8786
      )
    }, 'the service is as it was')
    const {spec} = await client.get(SERVICES, {namespace, name: 'demo-scheduler'})
    expect(spec).toEqual(before.spec)
  })

  it('the labels by which the scheduler is found', async () => {
    await kubectl('label', 'pod', 'demo-scheduler', 'dask.org/component-', 'dask.org/cluster-name=other', '--overwrite')
    await until(async () => (await scheduler())?.metadata.name === 'demo-scheduler', 'the scheduler is found again')
  })

  it('the labels by which a worker is found', async () => {
    const [worker] = await workers()
    await kubectl('label', 'pod', worker?.metadata.name ?? '', 'dask.org/component-', 'dask.org/workergroup-name=other', '--overwrite')
    await until(async () => (await pods('dask.org/workergroup-name=demo-default')).length === 2, 'both are found again')
    expect((await workers()).map(({metadata}) => metadata.uid)).toContain(worker?.metadata.uid)
  })

  it('and where nothing is to be put back nothing is written', async () => {
    const revisions = async (): Promise<readonly unknown[]> => [
      (await client.get(SERVICES, {namespace, name: 'demo-scheduler'})).metadata.resourceVersion,
      (await scheduler())?.metadata.resourceVersion,
    ]
    const before = await revisions()
    // Each look at the cluster ends with a write of what it found.
    await kubectl('scale', 'daskcluster/demo', '--replicas=1')
    await until(async () => (await workers()).length === 1, 'one worker is left')
    expect(await revisions()).toEqual(before)
  })
})
