import {beforeAll, describe, expect, it} from 'vitest'
import {DASK_CLUSTERS} from '../../src/api/dask.ts'
import type {Kind, KubeObject} from '../../src/api/object.ts'
import {stand, until} from './ground.ts'

const {client, namespace, dask, pods} = stand('quota')

interface Quota extends KubeObject {
  readonly spec: {readonly hard: Readonly<Record<string, string>>}
  readonly status?: {readonly hard?: object}
}
const QUOTAS: Kind<Quota> = {apiVersion: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas', namespaced: true}

const two = {namespace, name: 'two'}
const condition = async (type: string) =>
  (await client.get(DASK_CLUSTERS, {namespace, name: 'demo'})).status?.conditions?.find((each) => each.type === type)
const makesAll = (): Promise<void> => until(async () => (await pods('dask.org/component=worker')).length === 3, 'all workers are made')

beforeAll(async () => {
  await client.create(QUOTAS, {apiVersion: 'v1', kind: 'ResourceQuota', metadata: two, spec: {hard: {pods: '2'}}})
})

if (process.env['GROUND'] === 'kubernetes')
  describe('a quota that has no room', () => {
    it('is told in the server’s words, for the workers that cannot be made', async () => {
      await until(async () => (await client.get(QUOTAS, two)).status?.hard !== undefined, 'the quota holds')
      expect((await dask('cluster', 'create', 'demo', '-w', '3')).code).toBe(0)
      await until(async () => (await condition('Degraded'))?.reason === 'FailedCreate', 'the condition says that pods cannot be made')
      expect((await condition('Degraded'))?.message).toMatch(/exceeded quota: two, requested: pods=1, used: pods=2, limited: pods=2/)
      expect(await condition('WorkersReady')).toMatchObject({status: 'False', reason: 'FailedCreate'})
      expect(await condition('WorkersReady')).toMatchObject({message: expect.stringMatching(/exceeded quota/)})
    })

    it('and made larger is used', async () => {
      await client.patch(QUOTAS, two, {spec: {hard: {pods: '5'}}}, {type: 'merge'})
      await makesAll()
      await until(async () => (await condition('Degraded'))?.status === 'False', 'nothing is wrong any more')
    })
  })
else
  it('a quota is kept by the sandbox, which holds nobody to it', async () => {
    expect((await dask('cluster', 'create', 'demo', '-w', '3')).code).toBe(0)
    await makesAll()
    expect((await client.get(QUOTAS, two)).spec.hard).toEqual({pods: '2'})
  })
