import {describe, expect, it} from 'vitest'
import {DASK_CLUSTERS} from '../../src/api/dask.ts'
import type {Kind, KubeObject} from '../../src/api/object.ts'
import {stand, until} from './ground.ts'

const {client, namespace, dask, pods} = stand('quota')

interface Quota extends KubeObject {
  readonly spec: {readonly hard: Readonly<Record<string, string>>}
  readonly status?: {readonly hard?: object}
}
const QUOTAS: Kind<Quota> = {apiVersion: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas', namespaced: true}

/** The sandbox keeps quotas and holds nobody to them. */
describe.skipIf(process.env['GROUND'] !== 'kubernetes')('a quota that has no room', () => {
  const condition = async (type: string) =>
    (await client.get(DASK_CLUSTERS, {namespace, name: 'demo'})).status?.conditions?.find((each) => each.type === type)

  it('is told in the server’s words, for the workers that cannot be made', async () => {
    const ref = {namespace, name: 'two'}
    await client.create(QUOTAS, {apiVersion: 'v1', kind: 'ResourceQuota', metadata: ref, spec: {hard: {pods: '2'}}})
    await until(async () => (await client.get(QUOTAS, ref)).status?.hard !== undefined, 'the quota holds')
    expect((await dask('cluster', 'create', 'demo', '-w', '3')).code).toBe(0)
    await until(async () => (await condition('Degraded'))?.reason === 'FailedCreate', 'the condition says that pods cannot be made')
    expect((await condition('Degraded'))?.message).toMatch(/exceeded quota: two, requested: pods=1, used: pods=2, limited: pods=2/)
    expect(await condition('WorkersReady')).toMatchObject({status: 'False', reason: 'FailedCreate'})
    expect(await condition('WorkersReady')).toMatchObject({message: expect.stringMatching(/exceeded quota/)})
  })

  it('and made larger is used', async () => {
    await client.patch(QUOTAS, {namespace, name: 'two'}, {spec: {hard: {pods: '5'}}}, {type: 'merge'})
    await until(async () => (await pods('dask.org/component=worker')).length === 3, 'the other workers are made')
    await until(async () => (await condition('Degraded'))?.status === 'False', 'nothing is wrong any more')
  })
})
