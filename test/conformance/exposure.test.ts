import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {CUSTOM_RESOURCE_DEFINITIONS} from '../../src/api/core.ts'
import {DASK_CLUSTERS, type DaskClusterSpec} from '../../src/api/dask.ts'
import {HTTP_ROUTES, INGRESSES, NETWORK_POLICIES, POD_DISRUPTION_BUDGETS} from '../../src/api/networking.ts'
import type {Kind} from '../../src/api/object.ts'
import {ifMissing} from '../../src/kube/errors.ts'
import {httpRouteDefinition} from '../kubernetes/gateway-api.ts'
import {stand, until} from './ground.ts'

const {client, namespace, kubectl, dask} = stand('exposure')
const demo = {namespace, name: 'demo'}
const scheduler = {namespace, name: 'demo-scheduler'}

/** A merge patch of the spec: `null` takes a field back. */
const change = (spec: object) => client.patch(DASK_CLUSTERS, demo, {spec}, {type: 'merge'})

const namesOf = async (kind: Kind): Promise<readonly string[]> =>
  (await client.list(kind, {namespace})).items.map(({metadata}) => metadata.name).toSorted()
const exposed = async (): Promise<string | undefined> => {
  const condition = (await client.get(DASK_CLUSTERS, demo)).status?.conditions?.find(({type}) => type === 'Exposed')
  return condition && `${condition.status} ${condition.reason}`
}
const url = async (): Promise<string | undefined> => (await client.get(DASK_CLUSTERS, demo)).status?.dashboardURL

beforeAll(async () => {
  const created = await dask('cluster', 'create', 'demo', '-w', '1', '--network-policy', '--wait', '--timeout', '90s')
  expect(created.code, created.stderr).toBe(0)
})

describe('who reaches the pods', () => {
  it('is told by two policies, which kubectl can explain', async () => {
    expect(await namesOf(NETWORK_POLICIES)).toEqual(['demo-scheduler', 'demo-workers'])
    expect(await kubectl('explain', 'daskclusters.spec.networkPolicy.from')).toContain('Who else reaches the scheduler')
    expect(await kubectl('get', 'networkpolicies')).toMatch(/POD-SELECTOR[\s\S]*dask.org\/cluster-name=demo,dask.org\/component=scheduler/)
  })

  it('follows the spec, and comes back when somebody has taken it away or opened it', async () => {
    const rules = async (): Promise<string> => JSON.stringify((await client.get(NETWORK_POLICIES, scheduler)).spec.ingress)
    const address = '192.0.2.0/24'
    expect(await rules()).not.toContain(address)
    await change({networkPolicy: {from: [{ipBlock: {cidr: address}}]}})
    await until(async () => (await rules()).includes(address), 'the policy has the address')
    const closed = await rules()
    await client.patch(NETWORK_POLICIES, scheduler, {spec: {ingress: [{}]}}, {type: 'merge'})
    await until(async () => (await rules()) === closed, 'what was opened is closed again')
    await client.delete(NETWORK_POLICIES, {namespace, name: 'demo-workers'})
    await until(async () => (await namesOf(NETWORK_POLICIES)).length === 2, 'the policy comes back')
  })
})

it('keeps the scheduler from being evicted', async () => {
  await change({scheduler: {podDisruptionBudget: {}}})
  await until(async () => (await namesOf(POD_DISRUPTION_BUDGETS)).length === 1, 'there is a budget')
  const body = JSON.stringify({apiVersion: 'policy/v1', kind: 'Eviction', metadata: {name: 'demo-scheduler', namespace}})
  const path = `/api/v1/namespaces/${namespace}/pods/demo-scheduler/eviction`
  const answer = await client.raw({method: 'POST', path, body, headers: {'content-type': 'application/json'}})
  expect(await answer.body.text()).toMatch(/disruption budget/)
  expect(answer.status).toBe(429)
  await change({scheduler: {podDisruptionBudget: {minAvailable: 0}}})
  await until(async () => (await client.get(POD_DISRUPTION_BUDGETS, scheduler)).spec.minAvailable === 0, 'the budget follows')
})

describe('an Ingress to the dashboard', () => {
  it('is made and told, and waits for somebody who serves it', async () => {
    await change({scheduler: {ingress: {host: 'a.example', ingressClassName: 'none', metadata: {annotations: {size: '1'}}}}})
    await until(async () => (await url()) === 'http://a.example', 'the status has the address')
    expect(await exposed()).toBe('False AddressPending')
    expect((await client.get(INGRESSES, scheduler)).metadata.annotations).toMatchObject({size: '1'})
    expect((await dask('cluster', 'list', '-o', 'wide')).stdout).toMatch(/DASHBOARD[\s\S]*http:\/\/a\.example/)
    expect(await kubectl('get', 'daskclusters', '-o', 'wide')).toMatch(/DASHBOARD[\s\S]*http:\/\/a\.example/)
  })

  it('follows the spec, and is ready when it has an address', async () => {
    await change({scheduler: {ingress: {host: 'b.example', tls: [{hosts: ['b.example'], secretName: 'tls'}], metadata: null}}})
    await until(async () => (await url()) === 'https://b.example', 'the status has the new address')
    expect((await client.get(INGRESSES, scheduler)).metadata.annotations).not.toHaveProperty('size')
    const status = {loadBalancer: {ingress: [{ip: '192.0.2.1'}]}}
    await client.patch(INGRESSES, scheduler, {status}, {type: 'merge', subresource: 'status'})
    await until(async () => (await exposed()) === 'True Ready', 'the condition says that it is served')
  })

  it('that the server refuses is told in its words, and the cluster is repaired all the same', async () => {
    await change({scheduler: {ingress: {host: 'Not_A_Host'}}})
    const is = async (wanted: string) =>
      (await client.get(DASK_CLUSTERS, demo)).status?.conditions?.find(({type, status}) => type === wanted && status === 'True')
    const degraded = () => is('Degraded')
    await until(async () => (await degraded())?.message.includes('Not_A_Host') === true, 'the condition has the words of the server')
    expect(await is('Ready')).toBeDefined()
    await kubectl('delete', 'service', 'demo-scheduler')
    await until(async () => (await kubectl('get', 'services', '-o', 'name')).includes('demo-scheduler'), 'the service comes back')
    await change({scheduler: {ingress: null}})
    await until(async () => (await namesOf(INGRESSES)).length === 0, 'the Ingress goes')
    await until(async () => (await degraded()) === undefined, 'nothing is wrong any more')
    expect(await exposed()).toBeUndefined()
  })
})

/** Its definition comes by Go; where there is none the test is skipped, which fails where CI is set. */
const routes = await httpRouteDefinition().catch((error: Error) => void console.error(`no Gateway API here: ${error.message}`))

describe.runIf(routes !== undefined)('a route of the Gateway API', () => {
  const name = routes?.metadata.name ?? ''
  const message = async (type: string): Promise<string> =>
    (await client.get(DASK_CLUSTERS, demo)).status?.conditions?.find((each) => each.type === type)?.message ?? ''

  afterAll(() => client.delete(CUSTOM_RESOURCE_DEFINITIONS, {name}).catch(ifMissing(undefined)))

  it('waits for its definition, and is made as the definition wants it', async () => {
    await change({scheduler: {httpRoute: {parentRefs: [{name: 'gate'}], hostnames: ['c.example']}}})
    await until(async () => (await exposed()) === 'False GatewayApiMissing', 'the condition says what is missing')
    if (routes) await client.create(CUSTOM_RESOURCE_DEFINITIONS, routes)
    await until(async () => (await url()) === 'http://c.example', 'the route is made once it can be')
    const {spec} = await client.get(HTTP_ROUTES, scheduler)
    expect(spec).toEqual({
      parentRefs: [{group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gate'}],
      hostnames: ['c.example'],
      rules: [
        {
          matches: [{path: {type: 'PathPrefix', value: '/'}}],
          backendRefs: [{group: '', kind: 'Service', name: 'demo-scheduler', port: 8787, weight: 1}],
        },
      ],
    })
    expect(await exposed()).toBe('False AddressPending')
    expect(await kubectl('get', 'httproutes')).toMatch(/HOSTNAMES\s+AGE\s+demo-scheduler\s+\["c\.example"\]/)
  })

  it('follows the spec, and is left as it is where nothing changes', async () => {
    await change({scheduler: {httpRoute: {parentRefs: [{name: 'gate', port: 443}]}}})
    await until(async () => (await url()) === 'https://c.example', 'the route follows')
    const {generation} = (await client.get(HTTP_ROUTES, scheduler)).metadata
    await change({scheduler: {ingress: {host: 'd.example'}}})
    await until(async () => (await namesOf(INGRESSES)).length === 1, 'the Ingress is made beside it')
    expect((await client.get(HTTP_ROUTES, scheduler)).metadata.generation).toBe(generation)
    await change({scheduler: {ingress: null}})
  })

  it('that breaks a rule of the definition is told in its words, and mended', async () => {
    await change({scheduler: {httpRoute: {parentRefs: [{name: 'gate'}, {name: 'gate'}]}}})
    await until(async () => /sectionName/.test(await message('Exposed')), 'the condition has the words of the rule')
    expect(await message('Ready')).toMatch(/workers are ready/)
    await change({scheduler: {httpRoute: {parentRefs: [{name: 'gate'}]}}})
    await until(async () => (await exposed()) === 'False AddressPending', 'the route is as it was')
  })

  it('is ready when its Gateway has accepted it', async () => {
    const accepted = {type: 'Accepted', status: 'True', reason: 'Accepted', message: '', lastTransitionTime: new Date().toISOString()}
    const parents = [{parentRef: {name: 'gate'}, controllerName: 'example.org/gate', conditions: [accepted]}]
    await client.patch(HTTP_ROUTES, scheduler, {status: {parents}}, {type: 'merge', subresource: 'status'})
    await until(async () => (await exposed()) === 'True Ready', 'the condition says that it is served')
  })

  it('goes when it is not asked for any more', async () => {
    await change({scheduler: {httpRoute: null}})
    await until(async () => (await client.list(HTTP_ROUTES, {namespace})).items.length === 0, 'the route goes')
    await until(async () => (await exposed()) === undefined, 'nothing is said of it any more')
  })
})

it('a cluster of another controller is left alone, and stays its own', async () => {
  const {apiVersion, kind, spec} = await client.get(DASK_CLUSTERS, demo)
  const make = (name: string, more: Partial<DaskClusterSpec>) =>
    client.create(DASK_CLUSTERS, {apiVersion, kind, metadata: {namespace, name}, spec: {...spec, ...more}})
  const elsewhere = {namespace, name: 'elsewhere'}
  await make('elsewhere', {managedBy: 'kueue.x-k8s.io/multikueue'})
  await make('here', {managedBy: 'kubernetes.dask.org/dask-operator'})
  await until(
    async () => (await client.get(DASK_CLUSTERS, {namespace, name: 'here'})).status?.phase !== undefined,
    'the other one is served',
  )
  expect((await client.get(DASK_CLUSTERS, elsewhere)).status).toBeUndefined()
  expect(await namesOf(NETWORK_POLICIES)).not.toContain('elsewhere-scheduler')
  await client.delete(DASK_CLUSTERS, {namespace, name: 'here'})
  await client.delete(DASK_CLUSTERS, elsewhere)
})

it('all of it goes with the cluster, and with the fields of its spec', async () => {
  await change({networkPolicy: null, scheduler: {podDisruptionBudget: null}})
  const left = async () => [...(await namesOf(NETWORK_POLICIES)), ...(await namesOf(POD_DISRUPTION_BUDGETS))]
  await until(async () => (await left()).every((name) => !name.startsWith('demo')), 'policies and budget go with their fields')
  await change({networkPolicy: {}})
  await until(async () => (await left()).filter((name) => name.startsWith('demo')).length === 2, 'policies come')
  expect((await dask('cluster', 'delete', 'demo', '--yes')).code).toBe(0)
  await until(async () => (await left()).length === 0, 'and go with the cluster')
})
