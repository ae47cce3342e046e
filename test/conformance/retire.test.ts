import {beforeAll, describe, expect, it} from 'vitest'
import {describeOnOurs, isReady, stand, until} from './ground.ts'

const {kubectl, dask, pods} = stand('retire')
const WORKERS = 'dask.org/cluster-name=demo,dask.org/component=worker'

beforeAll(async () => {
  expect((await dask('cluster', 'create', 'demo', '-w', '2', '--wait', '--timeout', '90s')).code).toBe(0)
})

describe('cluster retire', () => {
  it('takes one worker away, and the operator makes another', async () => {
    const [victim, other] = (await pods(WORKERS)).map(({metadata}) => metadata.name)
    expect(await dask('cluster', 'retire', 'demo', '--worker', `pod/${victim}`)).toEqual({
      code: 0,
      stdout: `pod/${victim} retires\n`,
      stderr: '',
    })
    await until(async () => (await pods(WORKERS)).filter(isReady).length === 2, 'there are two workers again')
    const now = (await pods(WORKERS)).map(({metadata}) => metadata.name)
    expect(now).toContain(other)
    expect(now).not.toContain(victim)
  })
  it('refuses a worker or node that is not there, and changes nothing in a dry run', async () => {
    expect(await dask('cluster', 'retire', 'demo', '--worker', 'none')).toMatchObject({code: 3, stdout: ''})
    expect(await dask('cluster', 'retire', 'demo', '--node', 'none')).toMatchObject({code: 3, stdout: ''})
    expect(await dask('cluster', 'retire', 'demo')).toMatchObject({code: 2, stdout: ''})
    const [one] = await pods(WORKERS)
    const node = String(one?.spec.nodeName)
    expect((await dask('cluster', 'retire', 'demo', '--node', node, '--dry-run=server')).stdout.trim().split('\n')).toHaveLength(2)
    expect((await pods(WORKERS)).filter(({metadata}) => metadata.deletionTimestamp !== undefined)).toEqual([])
  })
})

describeOnOurs('cluster rollout', () => {
  it('status ends when all workers are made from the new spec', async () => {
    const before = (await pods(WORKERS)).map(({metadata}) => metadata.name)
    const container = {name: 'worker', image: 'other:1', args: ['dask', 'worker', '--name', '$(DASK_WORKER_NAME)']}
    await kubectl('patch', 'daskcluster/demo', '--type=merge', '-p', JSON.stringify({spec: {worker: {spec: {containers: [container]}}}}))
    const {code, stdout} = await dask('cluster', 'rollout', 'status', 'demo', '--timeout', '90s')
    expect({code, stdout}).toEqual({code: 0, stdout: 'daskcluster.kubernetes.dask.org/demo successfully rolled out\n'})
    const living = (await pods(WORKERS)).filter(({metadata}) => metadata.deletionTimestamp === undefined)
    const after = living.map(({metadata}) => metadata.name)
    expect(after.filter((name) => before.includes(name))).toEqual([])
  })

  it('status says what a changed scheduler waits for', async () => {
    const env = '[{"op":"add","path":"/spec/scheduler/spec/containers/0/env","value":[{"name":"NEW","value":"1"}]}]'
    await kubectl('patch', 'daskcluster/demo', '--type=json', '-p', env)
    const {code, stderr} = await dask('cluster', 'rollout', 'status', 'demo', '--timeout', '60s')
    expect(code).toBe(1)
    expect(stderr).toContain('kubectl dask cluster restart demo')
  })
})
