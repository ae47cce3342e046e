import {afterAll, beforeAll, expect, it} from 'vitest'
import type {ApiObject} from '../../../../src/sandbox/apiserver/json.ts'
import {planJob} from '../../../../src/sandbox/apiserver/workloads/jobs.ts'
import {planReplicaSet} from '../../../../src/sandbox/apiserver/workloads/replica-sets.ts'
import {type Ground, startGround} from './ground.ts'

let ground: Ground
beforeAll(async () => {
  ground = await startGround()
})
afterAll(async () => {
  await ground.stop()
  expect(ground.log).toEqual([])
})

const APPS = '/apis/apps/v1/namespaces/default'
const PERCENT =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"

const template = {metadata: {labels: {app: 'web'}}, spec: {containers: [{name: 'main', image: 'any'}]}}
const deployment = (name: string, spec: object = {}) => ({
  ...{apiVersion: 'apps/v1', kind: 'Deployment', metadata: {name}},
  spec: {replicas: 2, selector: {matchLabels: {app: 'web'}}, template, ...spec},
})

it.each([
  [{maxSurge: 'abc'}, `spec.strategy.rollingUpdate.maxSurge: Invalid value: "abc": ${PERCENT}`],
  [{maxUnavailable: 'x%'}, `spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "x%": ${PERCENT}`],
  [{maxSurge: '-5%'}, `spec.strategy.rollingUpdate.maxSurge: Invalid value: "-5%": ${PERCENT}`],
  [{maxSurge: -1}, 'spec.strategy.rollingUpdate.maxSurge: Invalid value: -1: must be greater than or equal to 0'],
  [{maxUnavailable: '101%'}, 'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
  [
    {maxSurge: 0, maxUnavailable: '0%'},
    'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
  ],
])('refuses a Deployment that rolls with %j', async (rollingUpdate, message) => {
  const wrong = deployment('wrong', {strategy: {rollingUpdate}})
  expect(await ground.ask('POST', `${APPS}/deployments`, wrong)).toMatchObject({
    code: 422,
    body: {message: `Deployment.apps "wrong" is invalid: ${message}`},
  })
})

it.each([{maxSurge: '0%', maxUnavailable: 1}, {maxSurge: '200%', maxUnavailable: '100%'}, {maxSurge: 3}])(
  'takes a Deployment that rolls with %j',
  async (rollingUpdate) => {
    const good = deployment('good', {strategy: {rollingUpdate}})
    expect(await ground.ask('POST', `${APPS}/deployments?dryRun=All`, good)).toMatchObject({code: 201})
  },
)

it('refuses a Deployment whose selector cannot be read', async () => {
  const selector = {matchExpressions: [{key: 'app', operator: 'In', values: []}]}
  expect(await ground.ask('POST', `${APPS}/deployments`, deployment('wrong', {selector}))).toMatchObject({
    code: 422,
    body: {
      message: expect.stringContaining('spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is'),
    },
  })
})

it('makes pods in turns', () => {
  const owner = (kind: string, spec: object): ApiObject => ({
    apiVersion: 'any/v1',
    kind,
    metadata: {name: 'many'},
    spec: {template, ...spec},
  })
  expect(planReplicaSet(owner('ReplicaSet', {replicas: 2e9}), [], Date.now()).create).toHaveLength(500)
  expect(planJob(owner('Job', {parallelism: 2e9, completions: 2e9, backoffLimit: 6}), [], Date.now()).create).toHaveLength(500)
})

/** The loop behind the store answers within this, however busy the machine is. */
const SOON = {timeout: 10_000}

it('rolls a Deployment out whose ReplicaSet would have the name of one that is not its own', async () => {
  await ground.ask('POST', `${APPS}/deployments`, deployment('again'))
  const sets = async (): Promise<readonly ApiObject[]> => (await ground.ask('GET', `${APPS}/replicasets`)).body.items
  await expect.poll(sets, SOON).toHaveLength(1)
  await ground.ask('DELETE', `${APPS}/deployments/again?propagationPolicy=Orphan`)
  await expect.poll(async () => (await ground.ask('GET', `${APPS}/deployments/again`)).code, SOON).toBe(404)
  await ground.ask('POST', `${APPS}/deployments`, deployment('again'))
  await expect.poll(sets, SOON).toHaveLength(2)
  const status = async () => (await ground.ask('GET', `${APPS}/deployments/again`)).body.status
  await expect.poll(status, SOON).toMatchObject({collisionCount: 1, replicas: 2})
  expect((await status()).conditions.map(({type}: {readonly type: string}) => type)).toEqual(['Available', 'Progressing'])
})
